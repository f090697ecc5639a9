//! The chain from the camera to the recording, link by link.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::evidence::*;
use super::{Evidence, Link, Question, Step, Verdict};
use crate::events::journal::Entry;
use crate::events::notes::{GRAPH, Graph, Role};

mod frames;
mod gate;
mod gates;
mod lifetime;
mod recording;
mod sinks;
mod upload;

/// What was found out, and the steps that say it.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) steps: Vec<Step>,
    /// Of what the graph was made; none when the journal does not say.
    graph: Option<Graph>,
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
    /// Sinks have recorded something.
    pub(super) sinks: bool,
    /// A sink that has recorded nothing yet.
    pub(super) idle: Option<String>,
    /// Nothing in the graph records.
    pub(super) no_sink: bool,
}

impl Chain {
    pub(super) fn of(question: &Question, evidence: &Evidence) -> Self {
        let mut chain = Self {
            graph: graph(question, evidence),
            ..Self::default()
        };
        chain.instance(question, evidence);
        chain.cameras(question, evidence);
        chain.frames(question, evidence);
        chain.detectors(question, evidence);
        chain.gates(question, evidence);
        chain.sinks(question, evidence);
        chain.upload(evidence);
        chain
    }

    /// The names of the nodes that do this.
    fn of_role(&self, role: Role) -> BTreeSet<&str> {
        let nodes = self.graph.iter().flat_map(|graph| &graph.nodes);
        let of_role = nodes.filter(|node| node.role == role);
        of_role.map(|node| node.name.as_str()).collect()
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
                let active = format!("active since {}", last.event.event_time);
                lifetime::ended(question, evidence, last, next).unwrap_or((Verdict::Fine, active))
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

/// As the instance was started last before the moment.
fn graph(question: &Question, evidence: &Evidence) -> Option<Graph> {
    let told = of_types(&evidence.states, &[GRAPH]);
    let last = told.iter().rfind(|entry| until(entry, question.at))?;
    serde_json::from_value(last.event.data.clone()).ok()
}

/// Counts, for people.
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
