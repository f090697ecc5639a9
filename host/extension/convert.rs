//! Between the types of `wit/` and those of `media`. Towards the component nothing can fail; from the
//! component everything is checked: a component may return any bits its types allow.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::bindings::imported::types as wit;
use super::detector::RequestedInput;
use super::gate::{Action, Activation, Cause, Decision, Span};
use super::limits::{
    MAX_ACTIONS, MAX_ANSWER_BYTES, MAX_CONTENT_BYTES, MAX_DIMENSION, MAX_INFERENCES, MAX_LIST,
    MAX_OBSERVATIONS, MAX_RATE, MAX_STRING_BYTES,
};
use super::processor::Outcome;
use crate::extension::bindings::exported::{gating, processing};
use crate::media::MediaTime;
use crate::media::image::{Fit, ImageSpec, PixelFormat, Size};
use crate::media::inference::{Attribute, Finding, Inference, Observation, Rect, Tag};

/// How far a box may stick out of the picture: single-precision sums of fractions are not exact.
const EDGE_TOLERANCE: f32 = 1e-3;

/// Says what is wrong with a value, and where in the answer it is.
type Checked<T> = Result<T, String>;

pub(super) fn rect(r: wit::Rect, what: &str) -> Checked<Rect> {
    let inside = |from: f32, length: f32| {
        from.is_finite()
            && length.is_finite()
            && from >= 0.0
            && length >= 0.0
            && from + length <= 1.0 + EDGE_TOLERANCE
    };
    if !inside(r.l, r.w) || !inside(r.t, r.h) {
        return Err(format!(
            "{what} is not within the picture: l {}, t {}, w {}, h {}; expected fractions of 0.0 to 1.0",
            r.l, r.t, r.w, r.h
        ));
    }
    let (l, t) = (r.l.min(1.0), r.t.min(1.0));
    Ok(Rect {
        l,
        t,
        w: r.w.min(1.0 - l),
        h: r.h.min(1.0 - t),
    })
}

fn confidence(value: f32) -> Checked<f32> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(format!("a confidence is {value}; expected 0.0 to 1.0"))
    }
}

pub(super) fn size(size: wit::Size) -> Checked<Size> {
    let fits = |n: u32| (1..=MAX_DIMENSION).contains(&n);
    if !fits(size.width) || !fits(size.height) {
        return Err(format!(
            "a size is {}x{}; expected 1 to {MAX_DIMENSION} pixels each way",
            size.width, size.height
        ));
    }
    Ok(Size {
        width: size.width,
        height: size.height,
    })
}

pub(super) fn pixel_format(format: wit::PixelFormat) -> PixelFormat {
    match format {
        wit::PixelFormat::Gray8 => PixelFormat::Gray8,
        wit::PixelFormat::Rgb24 => PixelFormat::Rgb24,
        wit::PixelFormat::Bgr24 => PixelFormat::Bgr24,
        wit::PixelFormat::I420 => PixelFormat::I420,
    }
}

/// None of a format that components cannot ask for.
pub(super) fn wit_pixel_format(format: PixelFormat) -> Option<wit::PixelFormat> {
    Some(match format {
        PixelFormat::Gray8 => wit::PixelFormat::Gray8,
        PixelFormat::Rgb24 => wit::PixelFormat::Rgb24,
        PixelFormat::Bgr24 => wit::PixelFormat::Bgr24,
        PixelFormat::I420 => wit::PixelFormat::I420,
        _ => return None,
    })
}

/// Bytes of a packed picture; I420 has quarter-size chroma planes, so both dimensions must be even.
pub(super) fn packed_bytes(size: Size, format: PixelFormat) -> Checked<u64> {
    let pixels = u64::from(size.width) * u64::from(size.height);
    match format {
        PixelFormat::I420 if size.width % 2 == 1 || size.height % 2 == 1 => Err(format!(
            "i420 of {}x{} does not exist; expected even width and height",
            size.width, size.height
        )),
        _ => Ok(pixels * u64::from(format.bits_per_pixel()) / 8),
    }
}

pub(super) fn wit_rect(r: Rect) -> wit::Rect {
    wit::Rect {
        l: r.l,
        t: r.t,
        w: r.w,
        h: r.h,
    }
}

/// What a detector wants to be fed.
pub(super) fn input(spec: wit::InputSpec) -> Checked<RequestedInput> {
    let format = pixel_format(spec.format);
    let size = spec.size.map(size).transpose()?;
    if let Some(size) = size {
        packed_bytes(size, format)?;
    }
    let max_rate = match spec.max_rate {
        Some(rate) if !(rate > 0.0 && rate <= MAX_RATE) => {
            return Err(format!(
                "max-rate is {rate}; expected more than 0 and at most {MAX_RATE}"
            ));
        }
        rate => rate,
    };
    let (red, green, blue) = spec.fill;
    Ok(RequestedInput {
        image: ImageSpec {
            format,
            size,
            fit: fit(spec.fit),
            fill: [red, green, blue],
        },
        max_rate,
    })
}

pub(super) fn fit(fit: wit::Fit) -> Fit {
    match fit {
        wit::Fit::Stretch => Fit::Stretch,
        wit::Fit::PadCentre => Fit::PadCentre,
        wit::Fit::PadTopLeft => Fit::PadTopLeft,
        wit::Fit::Inside => Fit::Inside,
    }
}

/// What one answer has used of [`MAX_ANSWER_BYTES`] and [`MAX_INFERENCES`].
#[derive(Debug, Default)]
struct Answer {
    bytes: usize,
    inferences: usize,
}

fn at_most(n: usize, max: usize, what: &str) -> Checked<()> {
    if n > max {
        return Err(format!("{n} {what}; at most {max} are accepted"));
    }
    Ok(())
}

impl Answer {
    fn charge(&mut self, bytes: usize) -> Checked<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        at_most(self.bytes, MAX_ANSWER_BYTES, "bytes in one answer")
    }

    fn text(&mut self, text: String) -> Checked<String> {
        at_most(text.len(), MAX_STRING_BYTES, "bytes in one string")?;
        self.charge(text.len())?;
        Ok(text)
    }

    fn optional(&mut self, text: Option<String>) -> Checked<Option<String>> {
        text.map(|text| self.text(text)).transpose()
    }

    fn texts(&mut self, texts: Vec<String>) -> Checked<Vec<String>> {
        at_most(texts.len(), MAX_LIST, "related inferences")?;
        texts.into_iter().map(|text| self.text(text)).collect()
    }

    fn tag(&mut self, tag: wit::Tag) -> Checked<Tag> {
        Ok(Tag {
            value: self.text(tag.value)?,
            confidence: confidence(tag.confidence)?,
        })
    }

    fn attributes(&mut self, list: Vec<wit::Attribute>) -> Checked<Vec<Attribute>> {
        at_most(list.len(), MAX_LIST, "attributes")?;
        list.into_iter()
            .map(|a| {
                Ok(Attribute {
                    name: self.text(a.name)?,
                    value: self.text(a.value)?,
                    confidence: confidence(a.confidence)?,
                })
            })
            .collect()
    }

    fn properties(&mut self, list: Vec<wit::Property>) -> Checked<BTreeMap<String, String>> {
        at_most(list.len(), MAX_LIST, "properties")?;
        list.into_iter()
            .map(|p| Ok((self.text(p.name)?, self.text(p.value)?)))
            .collect()
    }

    fn finding(&mut self, finding: wit::Finding) -> Checked<Finding> {
        Ok(match finding {
            wit::Finding::Motion(m) => Finding::Motion {
                area: rect(m.box_, "the box of a motion")?,
            },
            wit::Finding::Entity(e) => Finding::Entity {
                tag: self.tag(e.tag)?,
                attributes: self.attributes(e.attributes)?,
                area: rect(e.box_, "the box of an entity")?,
                id: self.optional(e.id)?,
            },
            wit::Finding::Classification(c) => Finding::Classification {
                tag: self.tag(c.tag)?,
                attributes: self.attributes(c.attributes)?,
            },
            wit::Finding::Text(t) => Finding::Text {
                value: self.text(t.value)?,
                language: self.optional(t.language)?,
                start_timestamp: t.start.map(MediaTime::from_ticks),
                end_timestamp: t.end.map(MediaTime::from_ticks),
            },
            wit::Finding::Event(e) => Finding::Event {
                name: self.text(e.name)?,
                properties: self.properties(e.properties)?,
                area: e.box_.map(|r| rect(r, "the box of an event")).transpose()?,
            },
            wit::Finding::Other(o) => self.other(o)?,
        })
    }

    fn other(&mut self, other: wit::Other) -> Checked<Finding> {
        at_most(other.content.len(), MAX_CONTENT_BYTES, "bytes of content")?;
        self.charge(other.content.len())?;
        Ok(Finding::Other {
            content_type: self.text(other.content_type)?,
            content_bytes: BASE64.encode(&other.content),
        })
    }

    fn inference(&mut self, said: wit::Inference) -> Checked<Inference> {
        let mut inference = Inference::new(self.finding(said.finding)?);
        inference.subtype = self.optional(said.subtype)?;
        inference.inference_id = self.optional(said.inference_id)?;
        inference.related_inferences = self.texts(said.related_inferences)?;
        inference.sequence_id = self.optional(said.sequence_id)?;
        inference.extensions = self.properties(said.extensions)?;
        Ok(inference)
    }

    fn inferences(&mut self, list: Vec<wit::Inference>) -> Checked<Vec<Inference>> {
        self.inferences = self.inferences.saturating_add(list.len());
        at_most(self.inferences, MAX_INFERENCES, "inferences")?;
        let numbered = list.into_iter().enumerate();
        numbered
            .map(|(n, said)| {
                self.inference(said)
                    .map_err(|problem| format!("inference {n}: {problem}"))
            })
            .collect()
    }
}

/// The answer of a detector.
pub(super) fn inferences(list: Vec<wit::Inference>) -> Checked<Vec<Inference>> {
    Answer::default().inferences(list)
}

/// The answer of a processor.
pub(super) fn outcome(outcome: processing::Outcome) -> Checked<Outcome> {
    at_most(outcome.observations.len(), MAX_OBSERVATIONS, "observations")?;
    let mut answer = Answer::default();
    let observations = outcome.observations.into_iter().map(|o| {
        Ok(Observation {
            time: MediaTime::from_ticks(o.timestamp),
            origin: answer.text(o.origin)?.into(),
            inferences: answer.inferences(o.inferences)?,
        })
    });
    Ok(Outcome {
        observations: observations.collect::<Checked<_>>()?,
        wake: outcome.wake.map(MediaTime::from_ticks),
    })
}

/// The answer of a gate.
pub(super) fn decision(decision: gating::Decision) -> Checked<Decision> {
    at_most(decision.actions.len(), MAX_ACTIONS, "actions")?;
    let actions = decision.actions.into_iter().map(|action| match action {
        gating::Action::Open(a) if a.span.start > a.span.end => Err(format!(
            "activation {} ends at {} before it starts at {}",
            a.id, a.span.end, a.span.start
        )),
        gating::Action::Open(a) => Ok(Action::Open(Activation {
            id: a.id,
            span: Span {
                start: MediaTime::from_ticks(a.span.start),
                end: MediaTime::from_ticks(a.span.end),
            },
        })),
        gating::Action::Close((id, at)) => Ok(Action::Close {
            id,
            at: MediaTime::from_ticks(at),
        }),
    });
    Ok(Decision {
        actions: actions.collect::<Checked<_>>()?,
        wake: decision.wake.map(MediaTime::from_ticks),
    })
}

/// Why a gate or a processor is called.
pub(super) fn wit_cause(cause: &Cause) -> wit::Cause {
    match cause {
        Cause::Observed(o) => wit::Cause::Observed(wit::Observation {
            timestamp: o.time.ticks(),
            origin: o.origin.to_string(),
            inferences: o.inferences.iter().map(wit_inference).collect(),
        }),
        Cause::Elapsed(at) => wit::Cause::Elapsed(at.ticks()),
    }
}

pub(super) fn wit_inference(said: &Inference) -> wit::Inference {
    wit::Inference {
        finding: wit_finding(&said.finding),
        subtype: said.subtype.clone(),
        inference_id: said.inference_id.clone(),
        related_inferences: said.related_inferences.clone(),
        sequence_id: said.sequence_id.clone(),
        extensions: wit_properties(&said.extensions),
    }
}

fn wit_finding(finding: &Finding) -> wit::Finding {
    match finding {
        Finding::Motion { area } => wit::Finding::Motion(wit::Motion {
            box_: wit_rect(*area),
        }),
        Finding::Entity {
            tag,
            attributes,
            area,
            id,
        } => wit::Finding::Entity(wit::Entity {
            tag: wit_tag(tag),
            attributes: wit_attributes(attributes),
            box_: wit_rect(*area),
            id: id.clone(),
        }),
        Finding::Classification { tag, attributes } => wit::Finding::Classification(wit::Classification {
            tag: wit_tag(tag),
            attributes: wit_attributes(attributes),
        }),
        Finding::Text {
            value,
            language,
            start_timestamp,
            end_timestamp,
        } => wit::Finding::Text(wit::Text {
            value: value.clone(),
            language: language.clone(),
            start: start_timestamp.map(MediaTime::ticks),
            end: end_timestamp.map(MediaTime::ticks),
        }),
        Finding::Event {
            name,
            properties,
            area,
        } => wit::Finding::Event(wit::Event {
            name: name.clone(),
            properties: wit_properties(properties),
            box_: area.map(wit_rect),
        }),
        Finding::Other {
            content_type,
            content_bytes,
        } => wit::Finding::Other(wit::Other {
            content_type: content_type.clone(),
            // The host's own writers always make valid Base64; what a topology's author made up stays as text.
            content: BASE64
                .decode(content_bytes)
                .unwrap_or_else(|_| content_bytes.clone().into_bytes()),
        }),
    }
}

fn wit_tag(tag: &Tag) -> wit::Tag {
    wit::Tag {
        value: tag.value.clone(),
        confidence: tag.confidence,
    }
}

fn wit_attributes(list: &[Attribute]) -> Vec<wit::Attribute> {
    let attribute = |a: &Attribute| wit::Attribute {
        name: a.name.clone(),
        value: a.value.clone(),
        confidence: a.confidence,
    };
    list.iter().map(attribute).collect()
}

fn wit_properties(map: &BTreeMap<String, String>) -> Vec<wit::Property> {
    let property = |(name, value): (&String, &String)| wit::Property {
        name: name.clone(),
        value: value.clone(),
    };
    map.iter().map(property).collect()
}
