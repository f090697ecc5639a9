//! What detectors saw, kept with the recording that it was seen in.
//!
//! ```text
//! detector, tracker -> Recent -> a box in each segment -> sightings in the index -> `mediagraph find`
//! ```
//! The box is what counts: the index is made from it, when a segment is sealed and when the index is made anew.

pub mod coding;
mod presence;
mod recent;

use std::sync::Arc;

pub use coding::{Kept, MAX_DETECTIONS};
pub use presence::{MAX_SIGHTINGS, Sighting, UNBROKEN, sightings};
pub use recent::{LAST_PICTURES, MAX_AGE, Reader, Recent};

use crate::media::MediaTime;
use crate::media::inference::{Finding, Inference, Rect};

/// Longer names of classes and things are cut off, in bytes.
pub const MAX_NAME_BYTES: usize = 64;
/// What motion is called.
const MOTION: &str = "motion";
/// What is certain.
const CERTAIN: f32 = 1.0;

/// From 0 to 1, in steps of 1/65535: finer than a pixel. What is kept is rounded before it goes anywhere, so that the index
/// is the same whether it was made while recording or from the media.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fraction(pub u16);

impl Fraction {
    /// The nearest one; what is no number is 0.
    #[must_use]
    pub fn of(value: f64) -> Self {
        // Saturates, and NaN becomes 0.
        Self((value * f64::from(u16::MAX)).round() as u16)
    }

    /// With four decimals: a step is less than that.
    #[must_use]
    pub fn value(self) -> f64 {
        (f64::from(self.0) / f64::from(u16::MAX) * 1e4).round() / 1e4
    }
}

/// A part of the source picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Area {
    /// Left edge.
    pub l: Fraction,
    /// Top edge.
    pub t: Fraction,
    /// Width.
    pub w: Fraction,
    /// Height.
    pub h: Fraction,
}

impl Area {
    /// Of a rectangle.
    #[must_use]
    pub fn of(rect: Rect) -> Self {
        let fraction = |value: f32| Fraction::of(f64::from(value));
        Self {
            l: fraction(rect.l),
            t: fraction(rect.t),
            w: fraction(rect.w),
            h: fraction(rect.h),
        }
    }

    /// As inferences have it.
    #[must_use]
    pub fn rect(self) -> Rect {
        let [l, t, w, h] = self.parts().map(|part| part.value() as f32);
        Rect { l, t, w, h }
    }

    /// Left, top, width, height.
    #[must_use]
    pub fn parts(self) -> [Fraction; 4] {
        [self.l, self.t, self.w, self.h]
    }

    /// From left, top, width, height.
    #[must_use]
    pub fn from_parts([l, t, w, h]: [Fraction; 4]) -> Self {
        Self { l, t, w, h }
    }
}

/// One thing at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// The moment of the picture.
    pub time: MediaTime,
    /// Its class, `motion`, or the name of an event.
    pub label: Arc<str>,
    /// Names the same thing across pictures.
    pub track: Option<Arc<str>>,
    /// How certain it is.
    pub confidence: Fraction,
    /// Where; the whole picture when nobody said it.
    pub area: Area,
}

impl Detection {
    /// What can be searched of an inference; none of words, and of what only its sender understands.
    #[must_use]
    pub fn of(time: MediaTime, inference: &Inference) -> Option<Self> {
        let (label, confidence, area, id) = match &inference.finding {
            Finding::Motion { area } => (MOTION, CERTAIN, *area, None),
            Finding::Entity { tag, area, id, .. } => {
                (tag.value.as_str(), tag.confidence, *area, id.as_deref())
            }
            Finding::Classification { tag, .. } => (tag.value.as_str(), tag.confidence, Rect::WHOLE, None),
            Finding::Event { name, area, .. } => (name.as_str(), CERTAIN, area.unwrap_or(Rect::WHOLE), None),
            Finding::Text { .. } | Finding::Other { .. } => return None,
        };
        let track = inference.sequence_id.as_deref().or(id).and_then(name);
        Some(Self {
            time,
            label: name(label)?,
            track,
            confidence: Fraction::of(f64::from(confidence)),
            area: Area::of(area),
        })
    }
}

/// As much of a name as is kept; none when there is nothing.
fn name(text: &str) -> Option<Arc<str>> {
    let text = text.trim();
    let end = (0..=MAX_NAME_BYTES.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end))?;
    text.get(..end).filter(|name| !name.is_empty()).map(Arc::from)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::media::inference::Tag;

    /// Something that was seen.
    pub(crate) fn seen(time: MediaTime, label: &str, track: &str, confidence: f64) -> Detection {
        Detection {
            time,
            label: label.into(),
            track: (!track.is_empty()).then(|| track.into()),
            confidence: Fraction::of(confidence),
            area: Area {
                l: Fraction::of(confidence),
                ..Area::default()
            },
        }
    }

    fn entity(label: &str, id: Option<&str>) -> Inference {
        Inference::new(Finding::Entity {
            tag: Tag {
                value: label.into(),
                confidence: 0.5,
            },
            attributes: Vec::new(),
            area: Rect {
                l: -0.5,
                t: f32::NAN,
                w: 2.0,
                h: 0.25,
            },
            id: id.map(str::to_owned),
        })
    }

    #[test]
    fn an_entity_is_kept_with_its_name_and_within_the_picture() {
        let at = MediaTime::from_ticks(9);
        let mut inference = entity("truck", Some("passing"));
        let found = Detection::of(at, &inference).unwrap();
        assert_eq!(found.track.as_deref(), Some("passing"));
        assert_eq!((&*found.label, found.confidence), ("truck", Fraction(32768)));
        assert_eq!(
            found.area.parts(),
            [Fraction(0), Fraction(0), Fraction(65535), Fraction(16384)]
        );
        inference.sequence_id = Some("7".into());
        let found = Detection::of(at, &inference).unwrap();
        assert_eq!(found.track.as_deref(), Some("7"), "the tracker knows better");
    }

    #[test]
    fn names_are_cut_at_a_letter_and_what_has_none_is_not_kept() {
        let at = MediaTime::MIN;
        let long = Detection::of(at, &entity(&"ä".repeat(40), None)).unwrap();
        assert_eq!(&*long.label, "ä".repeat(32));
        let odd = Detection::of(at, &entity(&format!("x{}", "ä".repeat(40)), None)).unwrap();
        assert_eq!(odd.label.len(), 63);
        assert_eq!(Detection::of(at, &entity("  ", None)), None);
        let words = Inference::new(Finding::Text {
            value: "STOP".into(),
            language: None,
            start_timestamp: None,
            end_timestamp: None,
        });
        assert_eq!(Detection::of(at, &words), None);
    }
}
