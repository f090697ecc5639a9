//! What can be said about a moment: the inference of the Live Video Analytics extension schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::MediaTime;

/// Writes a fraction with six decimals: less than a thousandth of a pixel, and no digits that only come from the way
/// numbers are stored.
fn fraction<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((f64::from(*value) * 1e6).round() / 1e6)
}

/// A rectangle in fractions of the source picture: left, top, width, height, each 0.0 to 1.0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rect {
    /// Left edge.
    #[serde(serialize_with = "fraction")]
    pub l: f32,
    /// Top edge.
    #[serde(serialize_with = "fraction")]
    pub t: f32,
    /// Width.
    #[serde(serialize_with = "fraction")]
    pub w: f32,
    /// Height.
    #[serde(serialize_with = "fraction")]
    pub h: f32,
}

impl Rect {
    /// The whole picture.
    pub const WHOLE: Self = Self {
        l: 0.0,
        t: 0.0,
        w: 1.0,
        h: 1.0,
    };

    /// A part of an image, which shows the source in its part `content` and is fill elsewhere, as a part of the source. What
    /// lies in the fill is cut off.
    #[must_use]
    pub fn to_source(self, content: Self) -> Self {
        if content == Self::WHOLE {
            return self;
        }
        let (l, w) = unfold(self.l, self.w, content.l, content.w);
        let (t, h) = unfold(self.t, self.h, content.t, content.h);
        Self { l, t, w, h }
    }

    /// A part of the source as a part of an image, which shows the source in its part `content`.
    #[must_use]
    pub fn from_source(self, content: Self) -> Self {
        if content == Self::WHOLE {
            return self;
        }
        Self {
            l: content.l + self.l * content.w,
            t: content.t + self.t * content.h,
            w: self.w * content.w,
            h: self.h * content.h,
        }
    }
}

/// A span of an image as a span of what stands in it from `start` on, over `length`.
fn unfold(from: f32, span: f32, start: f32, length: f32) -> (f32, f32) {
    let inside = |at: f32| ((at - start) / length).clamp(0.0, 1.0);
    let (from, to) = (inside(from), inside(from + span));
    (from, to - from)
}

/// A word with a confidence of 0.0 to 1.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// The word.
    pub value: String,
    /// 0.0 to 1.0.
    #[serde(serialize_with = "fraction")]
    pub confidence: f32,
}

/// A named word with a confidence of 0.0 to 1.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// 0.0 to 1.0.
    #[serde(serialize_with = "fraction")]
    pub confidence: f32,
}

/// The body of an inference; the variant's name is the inference's `type`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Finding {
    /// Something moves here.
    Motion {
        /// Where.
        #[serde(rename = "box")]
        area: Rect,
    },
    /// A thing of some class.
    Entity {
        /// Its class.
        tag: Tag,
        /// More about it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attributes: Vec<Attribute>,
        /// Where.
        #[serde(rename = "box")]
        area: Rect,
        /// A persistent or passing name of this thing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// The whole picture is of some class.
    Classification {
        /// The class.
        tag: Tag,
        /// More about it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attributes: Vec<Attribute>,
    },
    /// Words read or heard.
    Text {
        /// The words.
        value: String,
        /// BCP 47.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
        /// Where they begin.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start_timestamp: Option<MediaTime>,
        /// Where they end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end_timestamp: Option<MediaTime>,
    },
    /// Something happened.
    Event {
        /// What.
        name: String,
        /// Details; LVA's are strings.
        properties: BTreeMap<String, String>,
        /// Where.
        #[serde(rename = "box", default, skip_serializing_if = "Option::is_none")]
        area: Option<Rect>,
    },
    /// Anything else.
    Other {
        /// A MIME type.
        content_type: String,
        /// Base64.
        content_bytes: String,
    },
}

impl Finding {
    /// The inference's `type`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Motion { .. } => "motion",
            Self::Entity { .. } => "entity",
            Self::Classification { .. } => "classification",
            Self::Text { .. } => "text",
            Self::Event { .. } => "event",
            Self::Other { .. } => "other",
        }
    }
}

/// One statement about one frame.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inference {
    /// Repeats the name of the body's member, as the schema wants it.
    #[serde(rename = "type")]
    kind: &'static str,
    /// A finer kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtype: Option<String>,
    /// Names this inference within its frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inference_id: Option<String>,
    /// Others of the same frame.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related_inferences: Vec<String>,
    /// Names the same thing across frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_id: Option<String>,
    /// Free additions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, String>,
    /// The body.
    #[serde(flatten)]
    pub finding: Finding,
    /// What a server answered that are no inferences: a message sink sends it as it is, in their place.
    #[serde(skip)]
    pub document: Option<Arc<Value>>,
}

impl Inference {
    /// Puts its box elsewhere, if it has one.
    pub fn map_area(&mut self, to: impl Fn(Rect) -> Rect) {
        let area = match &mut self.finding {
            Finding::Motion { area } | Finding::Entity { area, .. } => area,
            Finding::Event { area: Some(area), .. } => area,
            Finding::Event { area: None, .. }
            | Finding::Classification { .. }
            | Finding::Text { .. }
            | Finding::Other { .. } => return,
        };
        *area = to(*area);
    }

    /// With nothing but its body.
    #[must_use]
    pub fn new(finding: Finding) -> Self {
        Self {
            kind: finding.type_name(),
            subtype: None,
            inference_id: None,
            related_inferences: Vec::new(),
            sequence_id: None,
            extensions: BTreeMap::new(),
            finding,
            document: None,
        }
    }
}

/// What one node said about one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The moment.
    pub time: MediaTime,
    /// The name of the node that said it.
    pub origin: Arc<str>,
    /// What it said; never empty for a gate.
    pub inferences: Vec<Inference>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_written_without_digits_that_mean_nothing() {
        let area = Rect {
            l: 0.172_222_26,
            t: 1.0 / 3.0,
            w: 0.1,
            h: 0.0,
        };
        assert_eq!(
            serde_json::to_value(area).unwrap().to_string(),
            r#"{"h":0.0,"l":0.172222,"t":0.333333,"w":0.1}"#
        );
    }

    #[test]
    fn a_motion_inference_has_the_shape_of_lva() {
        let inference = Inference::new(Finding::Motion {
            area: Rect {
                l: 0.5,
                t: 0.25,
                w: 0.125,
                h: 0.0625,
            },
        });
        assert_eq!(
            serde_json::to_value(&inference).unwrap(),
            serde_json::json!({"type": "motion", "motion": {"box": {"l": 0.5, "t": 0.25, "w": 0.125, "h": 0.0625}}})
        );
    }
}
