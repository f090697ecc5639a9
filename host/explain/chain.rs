//! The chain from the camera to the recording, link by link.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

mod gate;
mod recording;

use self::gate::gate;
use self::recording::{Recording, recordings};
use super::evidence::*;
use super::moment::iso;
use super::{Evidence, Link, Question, Step, Verdict};
use crate::events::journal::Entry;
use crate::events::notes::{DETECTION, Detection, FRAMES, Frames, GateDecision};

/// The most errors of sinks that are told.
const MAX_MESSAGES: usize = 5;

/// What was found out, and the steps that say it.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) steps: Vec<Step>,
    /// The instance did not run, and why that is known.
    pub(super) inactive: Option<String>,
    /// A camera was away.
    pub(super) away: Option<String>,
    /// So were all others.
    pub(super) all_away: bool,
    /// A minute in which nothing came from any camera.
    pub(super) no_frames: Option<String>,
    /// A component that did not run.
    pub(super) down: Option<String>,
    /// Detectors that looked and found nothing; all of them.
    pub(super) nothing_found: Option<String>,
    /// Whether detectors found anything.
    pub(super) found: bool,
    /// There is a gate.
    pub(super) gated: bool,
    /// A gate let the moment through.
    pub(super) passed: bool,
    /// Why a gate did not.
    pub(super) refused: Option<String>,
    /// Where the moment is recorded.
    pub(super) recorded: Vec<String>,
    /// Why a sink could not.
    pub(super) unstored: Option<String>,
    /// Recorded media that is missing around the moment.
    pub(super) missing: Option<String>,
    /// There is a sink that records.
    pub(super) sinks: bool,
}

impl Chain {
    pub(super) fn of(question: &Question, evidence: &Evidence) -> Self {
        let mut chain = Self::default();
        chain.instance(question, evidence);
        chain.cameras(question, evidence);
        chain.frames(question, evidence);
        chain.detectors(question, evidence);
        chain.gates(question, evidence);
        chain.sinks(question, evidence);
        chain.add(
            Link::Upload,
            None,
            Verdict::Fine,
            "assets are stored on this machine: nothing is uploaded".to_owned(),
        );
        chain
    }

    fn add(&mut self, link: Link, node: Option<&str>, verdict: Verdict, message: String) {
        self.steps.push(Step {
            link,
            node: node.map(str::to_owned),
            verdict,
            message,
        });
    }

    fn instance(&mut self, question: &Question, evidence: &Evidence) {
        let of = |entry: &&Entry| [STARTED, STOPPED].contains(&entry.event.event_type.as_str());
        let last = evidence
            .states
            .iter()
            .filter(of)
            .rfind(|entry| until(entry, question.at));
        let next = evidence
            .states
            .iter()
            .filter(of)
            .find(|entry| !until(entry, question.at));
        let (verdict, message) = match (last, next) {
            (Some(last), _) if last.event.event_type == STARTED => {
                (Verdict::Fine, format!("active since {}", last.event.event_time))
            }
            (Some(last), _) => (
                Verdict::Broken,
                format!("it was deactivated at {}", last.event.event_time),
            ),
            (None, Some(next)) if next.event.event_type == STARTED => (
                Verdict::Broken,
                format!("it was activated only at {}", next.event.event_time),
            ),
            _ => (
                Verdict::Unknown,
                "the journal does not say when it was activated".to_owned(),
            ),
        };
        if verdict == Verdict::Broken {
            self.inactive = Some(message.clone());
        }
        self.add(Link::Instance, None, verdict, message);
    }

    fn cameras(&mut self, question: &Question, evidence: &Evidence) {
        let types = [ESTABLISHED, CAMERA_LOST, CAMERA_RESTORED];
        let of_camera: Vec<&Entry> = of_types(&evidence.states, &types);
        let (mut cameras, mut gone) = (0, 0);
        for node in nodes(&of_camera) {
            let mine = || of_camera.iter().filter(|entry| entry.event.node() == Some(node));
            let last = mine().rfind(|entry| until(entry, question.at));
            let (verdict, message) = match last {
                None => (Verdict::Unknown, "the journal does not say how it was".to_owned()),
                Some(last) if last.event.event_type == CAMERA_LOST => {
                    let back = mine().find(|entry| {
                        entry.event.event_type == CAMERA_RESTORED && !until(entry, question.at)
                    });
                    (Verdict::Broken, away(last, back.copied()))
                }
                Some(last) => (
                    Verdict::Fine,
                    format!("it was there since {}", last.event.event_time),
                ),
            };
            cameras += 1;
            if verdict == Verdict::Broken {
                gone += 1;
                self.away
                    .get_or_insert(format!("the camera of node `{node}` was away: {message}"));
            }
            self.add(Link::Camera, Some(node), verdict, message);
        }
        self.all_away = cameras > 0 && gone == cameras;
        if of_camera.is_empty() {
            self.add(
                Link::Camera,
                None,
                Verdict::Unknown,
                "the journal says nothing of a camera".to_owned(),
            );
        }
    }

    fn frames(&mut self, question: &Question, evidence: &Evidence) {
        let (mut sources, mut silent) = (0, 0);
        for (node, frames, entry) in covering_frames(question, evidence) {
            let source = entry.event.subject.contains("/sources/");
            let nothing = frames.received == 0;
            let (came, done) = if source {
                ("came", "were decoded")
            } else {
                ("reached it", "were answered")
            };
            let message = format!(
                "in {} s around: {} {came}, {} {done}, {} were left out",
                frames.seconds, frames.received, frames.processed, frames.dropped
            );
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

    fn detectors(&mut self, question: &Question, evidence: &Evidence) {
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

    fn gates(&mut self, question: &Question, evidence: &Evidence) {
        let decisions: Vec<&Entry> = evidence.decisions.iter().collect();
        self.gated = !decisions.is_empty();
        for node in nodes(&decisions) {
            let mine: Vec<(Timestamp, GateDecision)> = decisions
                .iter()
                .filter(|entry| entry.event.node() == Some(node))
                .filter_map(|entry| {
                    Some((
                        time(entry)?,
                        serde_json::from_value(entry.event.data.clone()).ok()?,
                    ))
                })
                .collect();
            let (verdict, message) = gate(question, &mine);
            match verdict {
                Verdict::Fine => self.passed = true,
                _ => {
                    self.refused = Some(format!(
                        "gate `{node}` let nothing of that moment through: {message}"
                    ))
                }
            }
            self.add(Link::Gate, Some(node), verdict, message);
        }
    }

    fn sinks(&mut self, question: &Question, evidence: &Evidence) {
        let types = [RECORDING_STARTED, RECORDING_AVAILABLE, RECORDING_STOPPED];
        let of_sinks = of_types(&evidence.recordings, &types);
        self.sinks = !of_sinks.is_empty();
        for node in nodes(&of_sinks) {
            let recordings = recordings(&of_sinks, node);
            let covering: Vec<&Recording<'_>> = recordings
                .iter()
                .filter(|one| one.covers(question, evidence, self.passed))
                .collect();
            // With a gate, what began last is the one that its span went into.
            let covering = if self.gated {
                covering.last().copied().into_iter().collect()
            } else {
                covering
            };
            // A gate that let nothing through leaves nothing to be recorded.
            if covering.is_empty() || (self.gated && !self.passed) {
                let near = recordings.last().map_or_else(String::new, |last| {
                    format!(
                        "; the nearest recording is `{}`, begun at {}",
                        last.output,
                        iso(last.started)
                    )
                });
                self.add(
                    Link::Sink,
                    Some(node),
                    Verdict::Broken,
                    format!("it recorded nothing of that moment{near}"),
                );
                continue;
            }
            for recording in covering {
                self.recorded.push(recording.output.to_owned());
                self.add(Link::Sink, Some(node), Verdict::Fine, recording.message());
            }
        }
        if !self.sinks {
            self.add(
                Link::Sink,
                None,
                Verdict::Unknown,
                "the journal knows of no recording around that time".to_owned(),
            );
        }
        self.losses(question, evidence);
    }

    fn losses(&mut self, question: &Question, evidence: &Evidence) {
        let within =
            |entry: &&&Entry| time(entry).is_some_and(|at| at >= question.from() && at <= question.to());
        for entry in of_types(&evidence.recordings, &[STORAGE_ERROR])
            .iter()
            .filter(within)
            .take(MAX_MESSAGES)
        {
            let message = text(&entry.event.data, "message");
            self.unstored
                .get_or_insert(format!("nothing could be stored: {message}"));
            self.add(
                Link::Sink,
                entry.event.node(),
                Verdict::Broken,
                format!("at {}: {message}", entry.event.event_time),
            );
        }
        for entry in of_types(&evidence.recordings, &[DATA_DROPPED]) {
            let data = &entry.event.data;
            let moment = |name| text(data, name).parse::<Timestamp>().ok().or_else(|| time(entry));
            let (Some(start), Some(end)) = (moment("start"), moment("end")) else {
                continue;
            };
            if text(data, "dataType") == "media" && start <= question.at && end >= question.at {
                let message = format!(
                    "media from {} to {} is missing: {}",
                    iso(start),
                    iso(end),
                    text(data, "message")
                );
                self.missing = Some(message.clone());
                self.add(Link::Sink, entry.event.node(), Verdict::Broken, message);
            }
        }
    }
}

fn away(lost: &Entry, back: Option<&Entry>) -> String {
    let data = &lost.event.data;
    let since = text(data, "since");
    let since = if since.is_empty() {
        lost.event.event_time.as_str()
    } else {
        since
    };
    let until = back.map_or_else(
        || "; it has not come back since".to_owned(),
        |back| format!(" until {}", back.event.event_time),
    );
    let why = text(data, "message");
    let why = if why.is_empty() {
        String::new()
    } else {
        format!(" ({why})")
    };
    format!("from {since}{until}{why}")
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
            for inference in (entry.event.data.get("inferences").and_then(Value::as_array))
                .into_iter()
                .flatten()
            {
                *found.entry(text(inference, "type").to_owned()).or_default() += 1;
            }
        }
    }
    found
}

fn list(counts: &BTreeMap<String, u64>) -> String {
    let named = |(name, times): (&String, &u64)| {
        if *times == 1 {
            name.clone()
        } else {
            format!("{name} ({times} times)")
        }
    };
    counts.iter().map(named).collect::<Vec<_>>().join(", ")
}

fn of_types<'a>(entries: &'a [Entry], types: &[&str]) -> Vec<&'a Entry> {
    entries
        .iter()
        .filter(|entry| types.contains(&entry.event.event_type.as_str()))
        .collect()
}

fn nodes<'a>(entries: &[&'a Entry]) -> BTreeSet<&'a str> {
    entries.iter().filter_map(|entry| entry.event.node()).collect()
}

fn until(entry: &Entry, at: Timestamp) -> bool {
    time(entry).is_some_and(|time| time <= at)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
