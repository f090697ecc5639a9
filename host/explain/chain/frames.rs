//! What came from the camera, and what detectors made of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::Value;

use super::super::evidence::*;
use super::super::{Evidence, Link, Question, Verdict};
use super::{Chain, list, nodes, of_types, text, until};
use crate::events::journal::Entry;
use crate::events::notes::{DETECTION, Detection, FRAMES, Frames};

impl Chain {
    pub(super) fn frames(&mut self, question: &Question, evidence: &Evidence) {
        let (mut sources, mut silent) = (0, 0);
        for (node, frames, entry) in covering_frames(question, evidence) {
            let source = entry.event.subject.contains("/sources/");
            let nothing = frames.received == 0;
            let (came, done) = if source {
                ("came", "were decoded")
            } else {
                ("reached it", "were answered")
            };
            let mut message = format!(
                "in {} s around: {} {came}, {} {done}, {} were left out",
                frames.seconds, frames.received, frames.processed, frames.dropped
            );
            // That not all were decoded or looked at is as it should be then.
            if frames.skipped > 0 {
                let _ = write!(message, ", {} were not needed", frames.skipped);
            }
            if source {
                sources += 1;
                silent += u32::from(nothing);
            }
            let verdict = if nothing { Verdict::Broken } else { Verdict::Fine };
            self.add(Link::Frames, Some(node), verdict, message);
        }
        if sources == 0 {
            self.add(
                Link::Frames,
                None,
                Verdict::Unknown,
                "the journal has no count of frames for this minute".to_owned(),
            );
        } else if silent == sources {
            self.no_frames = Some("nothing came from the camera in that minute".to_owned());
        }
    }

    pub(super) fn detectors(&mut self, question: &Question, evidence: &Evidence) {
        let components = of_types(&evidence.states, &[DOWN, BACK]);
        let looked: BTreeMap<&str, Frames> = covering_frames(question, evidence)
            .into_iter()
            .filter(|(_, _, entry)| entry.event.subject.contains("/processors/"))
            .map(|(node, frames, _)| (node, frames))
            .collect();
        let gates: BTreeSet<&str> = nodes(&evidence.decisions.iter().collect::<Vec<_>>());
        let findings: Vec<&Entry> = evidence.findings.iter().collect();
        let mut all: BTreeSet<&str> = nodes(&findings);
        all.extend(looked.keys());
        all.extend(nodes(&components));
        let mut empty = Vec::new();
        for node in all {
            let is_gate = gates.contains(node) && !looked.contains_key(node);
            let link = if is_gate { Link::Gate } else { Link::Detector };
            if let Some(down) = down(&components, node, question.at) {
                self.down
                    .get_or_insert(format!("the component of node `{node}` was down: {down}"));
                self.add(
                    link,
                    Some(node),
                    Verdict::Broken,
                    format!("its component was down: {down}"),
                );
                continue;
            }
            if is_gate {
                continue;
            }
            let found = found_by(&findings, node);
            if found.is_empty() {
                let message = match looked.get(node) {
                    Some(frames) => format!(
                        "it answered {} frames in that minute, and found nothing within the window",
                        frames.processed
                    ),
                    None => "it found nothing within the window".to_owned(),
                };
                empty.push(format!("`{node}`"));
                self.add(link, Some(node), Verdict::Broken, message);
            } else {
                self.found = true;
                self.add(
                    link,
                    Some(node),
                    Verdict::Fine,
                    format!("it found {}", list(&found)),
                );
            }
        }
        if !self.found && !empty.is_empty() {
            self.nothing_found = Some(format!("detector {} found nothing", empty.join(" and ")));
        }
    }
}

fn down(components: &[&Entry], node: &str, at: Timestamp) -> Option<String> {
    let mine = components.iter().filter(|entry| entry.event.node() == Some(node));
    let last = mine.rev().find(|entry| until(entry, at))?;
    (last.event.event_type == DOWN).then(|| {
        let message = text(&last.event.data, "message");
        format!("since {} ({message})", last.event.event_time)
    })
}

/// Notes of frames whose minute the moment is in.
fn covering_frames<'a>(question: &Question, evidence: &'a Evidence) -> Vec<(&'a str, Frames, &'a Entry)> {
    let covering = |entry: &&Entry| entry.event.event_type == FRAMES;
    let mut found: BTreeMap<&str, (&str, Frames, &Entry)> = BTreeMap::new();
    for entry in evidence.frames.iter().filter(covering) {
        let parts = || {
            let frames: Frames = serde_json::from_value(entry.event.data.clone()).ok()?;
            let end = time(entry)?;
            let start = end
                .checked_sub(std::time::Duration::from_secs(frames.seconds))
                .ok()?;
            Some((
                entry.event.node()?,
                frames,
                start <= question.at && question.at <= end,
            ))
        };
        if let Some((node, frames, true)) = parts() {
            found.insert(node, (node, frames, entry));
        }
    }
    found.into_values().collect()
}

fn found_by(findings: &[&Entry], node: &str) -> BTreeMap<String, u64> {
    let mine: Vec<&&Entry> = findings
        .iter()
        .filter(|entry| entry.event.node() == Some(node))
        .collect();
    let noted = mine.iter().any(|entry| entry.event.event_type == DETECTION);
    let mut found = BTreeMap::new();
    for entry in mine {
        if entry.event.event_type == DETECTION {
            let note: Detection = serde_json::from_value(entry.event.data.clone()).unwrap_or_default();
            for (name, times) in note.found {
                *found.entry(name).or_default() += times;
            }
        } else if !noted {
            let inferences = entry.event.data.get("inferences").and_then(Value::as_array);
            for inference in inferences.into_iter().flatten() {
                *found.entry(text(inference, "type").to_owned()).or_default() += 1;
            }
        }
    }
    found
}
