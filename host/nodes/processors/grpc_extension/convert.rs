//! Between inferences as the protocol has them and ours. What a server says is checked; what we say is always whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::messages as wire;
use super::messages::{Body, InferenceType};
use crate::extension::limits::MAX_INFERENCES;
use crate::media::MediaTime;
use crate::media::inference::{Attribute, Finding, Inference, Rect, Tag};

/// What a server says, with boxes as parts of its image.
///
/// # Errors
/// What is wrong with it.
pub(super) fn from_wire(said: Vec<wire::Inference>) -> Result<Vec<Inference>, String> {
    if said.len() > MAX_INFERENCES {
        return Err(format!(
            "{} inferences, and {MAX_INFERENCES} is the most",
            said.len()
        ));
    }
    let numbered = said.into_iter().enumerate();
    numbered
        .map(|(index, one)| inference(one).map_err(|why| format!("inference {}: {why}", index + 1)))
        .collect()
}

fn inference(said: wire::Inference) -> Result<Inference, String> {
    // The body tells the type: a server may leave it at AUTO.
    let finding = finding(said.body.ok_or("it has no body")?)?;
    let mut inference = Inference::new(finding);
    inference.subtype = given(said.subtype);
    inference.inference_id = given(said.inference_id);
    inference.related_inferences = said.related_inferences;
    inference.sequence_id = given(said.sequence_id);
    inference.extensions = said.extensions.into_iter().collect();
    Ok(inference)
}

fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn finding(body: Body) -> Result<Finding, String> {
    Ok(match body {
        Body::Classification(said) => Finding::Classification {
            tag: tag(said.tag)?,
            attributes: attributes(said.attributes)?,
        },
        Body::Motion(said) => Finding::Motion {
            area: area(said.area)?,
        },
        Body::Entity(said) => Finding::Entity {
            tag: tag(said.tag)?,
            attributes: attributes(said.attributes)?,
            area: area(said.area)?,
            id: given(said.id),
        },
        Body::Text(said) => Finding::Text {
            value: said.value,
            language: given(said.language),
            start_timestamp: moment(said.start_timestamp),
            end_timestamp: moment(said.end_timestamp),
        },
        Body::Event(said) => Finding::Event {
            name: said.name,
            properties: said.properties.into_iter().collect(),
            area: None,
        },
        Body::Other(said) => Finding::Other {
            content_type: said.content_type,
            content_bytes: BASE64.encode(&said.content_bytes),
        },
    })
}

fn moment(ticks: u64) -> Option<MediaTime> {
    (ticks > 0).then(|| MediaTime::from_ticks(ticks))
}

fn confidence(value: f32) -> Result<f32, String> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(format!("a confidence is {value}; expected 0.0 to 1.0"))
    }
}

fn tag(said: Option<wire::Tag>) -> Result<Tag, String> {
    let said = said.ok_or("it has no tag")?;
    Ok(Tag {
        value: said.value,
        confidence: confidence(said.confidence)?,
    })
}

fn attributes(said: Vec<wire::Attribute>) -> Result<Vec<Attribute>, String> {
    let one = |one: wire::Attribute| {
        Ok(Attribute {
            name: one.name,
            value: one.value,
            confidence: confidence(one.confidence)?,
        })
    };
    said.into_iter().map(one).collect()
}

/// Detectors say boxes that reach a little beyond the image: what is beyond is cut off.
fn area(said: Option<wire::Rectangle>) -> Result<Rect, String> {
    let said = said.ok_or("it has no box")?;
    let sides = [said.l, said.t, said.w, said.h];
    if sides.into_iter().any(|side| !side.is_finite()) || said.w < 0.0 || said.h < 0.0 {
        return Err(format!("a box is {sides:?}; expected fractions of 0.0 to 1.0"));
    }
    let cut = |from: f32, span: f32| {
        let (start, end) = (from.clamp(0.0, 1.0), (from + span).clamp(0.0, 1.0));
        (start, end - start)
    };
    let ((l, w), (t, h)) = (cut(said.l, said.w), cut(said.t, said.h));
    Ok(Rect { l, t, w, h })
}

/// What nodes upstream said of a frame, for a server that is shown it in the part `content` of an image.
pub(super) fn to_wire(said: &[Inference], content: Rect) -> Vec<wire::Inference> {
    said.iter().map(|one| one_to_wire(one, content)).collect()
}

fn one_to_wire(said: &Inference, content: Rect) -> wire::Inference {
    let mut shown = said.clone();
    shown.map_area(|area| area.from_source(content));
    let (kind, body) = body(shown.finding);
    wire::Inference {
        kind: kind.into(),
        subtype: shown.subtype.unwrap_or_default(),
        inference_id: shown.inference_id.unwrap_or_default(),
        related_inferences: shown.related_inferences,
        body: Some(body),
        sequence_id: shown.sequence_id.unwrap_or_default(),
        extensions: shown.extensions.into_iter().collect(),
    }
}

fn body(finding: Finding) -> (InferenceType, Body) {
    match finding {
        Finding::Classification { tag, attributes } => (
            InferenceType::Classification,
            Body::Classification(wire::Classification {
                tag: Some(wire_tag(tag)),
                attributes: attributes.into_iter().map(wire_attribute).collect(),
            }),
        ),
        Finding::Motion { area } => (
            InferenceType::Motion,
            Body::Motion(wire::Motion {
                area: Some(rectangle(area)),
            }),
        ),
        Finding::Entity {
            tag,
            attributes,
            area,
            id,
        } => (
            InferenceType::Entity,
            Body::Entity(wire::Entity {
                tag: Some(wire_tag(tag)),
                attributes: attributes.into_iter().map(wire_attribute).collect(),
                area: Some(rectangle(area)),
                id: id.unwrap_or_default(),
            }),
        ),
        Finding::Text {
            value,
            language,
            start_timestamp,
            end_timestamp,
        } => (
            InferenceType::Text,
            Body::Text(wire::Text {
                value,
                language: language.unwrap_or_default(),
                start_timestamp: start_timestamp.map_or(0, MediaTime::ticks),
                end_timestamp: end_timestamp.map_or(0, MediaTime::ticks),
            }),
        ),
        Finding::Event { name, properties, .. } => (
            InferenceType::Event,
            Body::Event(wire::Event {
                name,
                properties: properties.into_iter().collect(),
            }),
        ),
        Finding::Other {
            content_type,
            content_bytes,
        } => (
            InferenceType::Other,
            Body::Other(wire::InferenceOther {
                content_type,
                content_bytes: BASE64.decode(content_bytes).unwrap_or_default().into(),
            }),
        ),
    }
}

fn wire_tag(tag: Tag) -> wire::Tag {
    wire::Tag {
        value: tag.value,
        confidence: tag.confidence,
    }
}

fn wire_attribute(attribute: Attribute) -> wire::Attribute {
    wire::Attribute {
        name: attribute.name,
        value: attribute.value,
        confidence: attribute.confidence,
    }
}

fn rectangle(area: Rect) -> wire::Rectangle {
    wire::Rectangle {
        l: area.l,
        t: area.t,
        w: area.w,
        h: area.h,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn all() -> Vec<Inference> {
        let (area, tag) = (
            Rect {
                l: 0.25,
                t: 0.5,
                w: 0.5,
                h: 0.25,
            },
            Tag {
                value: "car".into(),
                confidence: 0.5,
            },
        );
        let attributes = vec![Attribute {
            name: "colour".into(),
            value: "red".into(),
            confidence: 1.0,
        }];
        let mut entity = Inference::new(Finding::Entity {
            tag: tag.clone(),
            attributes: attributes.clone(),
            area,
            id: Some("7".into()),
        });
        entity.subtype = Some("vehicle".into());
        entity.inference_id = Some("a".into());
        entity.related_inferences = vec!["b".into()];
        entity.sequence_id = Some("s".into());
        entity.extensions = BTreeMap::from([("k".into(), "v".into())]);
        let text = Finding::Text {
            value: "AB 123".into(),
            language: Some("en".into()),
            start_timestamp: Some(MediaTime::from_ticks(9)),
            end_timestamp: None,
        };
        let event = Finding::Event {
            name: "door".into(),
            properties: BTreeMap::from([("side".into(), "left".into())]),
            area: None,
        };
        let other = Finding::Other {
            content_type: "text/plain".into(),
            content_bytes: "aGk=".into(),
        };
        [
            Finding::Classification { tag, attributes },
            Finding::Motion { area },
            text,
            event,
            other,
        ]
        .map(Inference::new)
        .into_iter()
        .chain([entity])
        .collect()
    }

    #[test]
    fn what_is_sent_comes_back_the_same() {
        let sent = to_wire(&all(), Rect::WHOLE);
        assert!(sent.iter().all(|one| one.body.is_some() && one.kind != 0));
        assert_eq!(from_wire(sent).unwrap(), all());
    }

    #[test]
    fn a_server_is_told_of_boxes_within_its_image() {
        let content = Rect {
            l: 0.0,
            t: 0.25,
            w: 1.0,
            h: 0.5,
        };
        let moved = Inference::new(Finding::Motion { area: Rect::WHOLE });
        let Some(Body::Motion(motion)) = to_wire(&[moved], content)[0].body else {
            panic!()
        };
        assert_eq!(motion.area, Some(rectangle(content)));
    }

    #[test]
    fn what_is_not_whole_is_an_error_and_what_sticks_out_is_cut() {
        let of = |body| {
            from_wire(vec![wire::Inference {
                body,
                ..Default::default()
            }])
        };
        assert!(of(None).unwrap_err().contains("inference 1: it has no body"));
        let motion = |l, w| {
            let area = Some(wire::Rectangle { l, t: 0.0, w, h: 1.0 });
            of(Some(Body::Motion(wire::Motion { area })))
        };
        let Finding::Motion { area } = motion(-0.25, 0.5).unwrap()[0].finding else {
            panic!()
        };
        assert_eq!((area.l, area.w), (0.0, 0.25));
        assert!(motion(f32::NAN, 0.5).is_err() && motion(0.0, -1.0).is_err());
        let tag = Some(wire::Tag {
            value: "car".into(),
            confidence: 2.0,
        });
        let classification = wire::Classification {
            tag,
            attributes: Vec::new(),
        };
        assert!(of(Some(Body::Classification(classification))).is_err());
        assert!(from_wire(vec![wire::Inference::default(); MAX_INFERENCES + 1]).is_err());
    }
}
