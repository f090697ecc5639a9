//! What a detector found, summed up for the journal: at most one note a second.

use std::collections::BTreeMap;

use crate::events::notes::{DETECTION, Detection};
use crate::media::inference::{Finding, Inference};
use crate::media::{MediaTime, Ticks};
use crate::nodes::context::NodeContext;

/// A note speaks of at most this much media time.
const SPAN: Ticks = Ticks::from_secs(1);
/// Different things that a note names; what is beyond is counted as `other`.
const MAX_KINDS: usize = 32;
/// The letters of a name in a note.
const MAX_NAME_CHARS: usize = 64;
const OTHER: &str = "other";

/// What an inference is called in notes: `motion`, or `entity person` with its tag.
fn name(inference: &Inference) -> String {
    let finding = &inference.finding;
    let detail = match finding {
        Finding::Entity { tag, .. } | Finding::Classification { tag, .. } => Some(&tag.value),
        Finding::Event { name, .. } => Some(name),
        Finding::Motion { .. } | Finding::Text { .. } | Finding::Other { .. } => None,
    };
    let kind = finding.type_name();
    detail.map_or_else(
        || kind.to_owned(),
        |detail| format!("{kind} {detail}").chars().take(MAX_NAME_CHARS).collect(),
    )
}

/// Adds inferences to a count of each kind, which stays bounded whatever a component calls them.
pub fn count(inferences: &[Inference], into: &mut BTreeMap<String, u64>) {
    for inference in inferences {
        let name = name(inference);
        let known = into.contains_key(&name) || into.len() < MAX_KINDS;
        *into
            .entry(if known { name } else { OTHER.to_owned() })
            .or_default() += 1;
    }
}

/// What was found since the last note.
#[derive(Debug, Default)]
pub struct Findings {
    since: Option<MediaTime>,
    found: Detection,
}

impl Findings {
    /// Adds what was found in a frame.
    pub fn add(&mut self, context: &NodeContext, time: MediaTime, inferences: &[Inference]) {
        self.passed(context, time);
        self.since.get_or_insert(time);
        self.found.frames += 1;
        count(inferences, &mut self.found.found);
    }

    /// The detector has come so far: tells what was found up to a second before.
    pub fn passed(&mut self, context: &NodeContext, time: MediaTime) {
        // A timeline that begins anew may begin earlier.
        if self
            .since
            .is_some_and(|since| time.since(since).0.abs() >= SPAN.0)
        {
            self.tell(context);
        }
    }

    /// Tells what was found and not told yet.
    pub fn tell(&mut self, context: &NodeContext) {
        if let Some(since) = self.since.take() {
            context.note(DETECTION, since, &std::mem::take(&mut self.found));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::media::ManualClock;
    use crate::media::inference::{Rect, Tag};
    use crate::nodes::testing::{at, context};

    fn entity(value: &str) -> Inference {
        let (confidence, area) = (0.5, Rect::default());
        let value = value.to_owned();
        Inference::new(Finding::Entity {
            tag: Tag { value, confidence },
            attributes: Vec::new(),
            area,
            id: None,
        })
    }

    #[test]
    fn what_is_found_is_told_once_a_second() {
        let (context, told) = context(Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH)));
        let mut findings = Findings::default();
        for tenth in 0..25 {
            findings.add(
                &context,
                at(f64::from(tenth) / 10.0),
                &[entity("car"), entity("dog")],
            );
        }
        findings.passed(&context, at(2.5));
        assert_eq!(told.notes().len(), 2);
        findings.tell(&context);
        findings.tell(&context);
        let notes = told.notes();
        assert_eq!(notes.len(), 3);
        assert_eq!(notes[1].event_time, at(1.0).iso());
        let counts: Vec<_> = notes
            .iter()
            .map(|note| &note.data["found"]["entity dog"])
            .collect();
        assert_eq!(counts, [10, 10, 5]);
        assert!(told.events().is_empty());
    }

    #[test]
    fn a_component_that_makes_up_names_does_not_fill_a_note() {
        let mut found = BTreeMap::new();
        for number in 0..1_000 {
            count(&[entity(&format!("{number} {}", "x".repeat(1_000)))], &mut found);
        }
        assert_eq!((found.len(), found.values().sum::<u64>()), (MAX_KINDS + 1, 1_000));
        assert!(found.keys().all(|name| name.len() <= MAX_NAME_CHARS));
    }
}
