//! Recordings of a sink, put together from what it told.

use jiff::Timestamp;
use serde_json::Value;

use crate::events::journal::Entry;
use crate::events::notes::GateDecision;
use crate::explain::evidence::{RECORDING_AVAILABLE, RECORDING_STARTED, RECORDING_STOPPED, STARTED, time};
use crate::explain::moment::iso;
use crate::explain::{Evidence, Question};

/// A recording of one sink.
pub(super) struct Recording<'a> {
    pub(super) output: &'a str,
    pub(super) started: Timestamp,
    available: Option<Timestamp>,
    pub(super) stopped: Option<Timestamp>,
    /// When the graph was started again although nobody had ended this one.
    cut: Option<Timestamp>,
}

impl Recording<'_> {
    /// A gate's media reaches back before the moment at which its recording is begun.
    pub(super) fn covers(&self, question: &Question, evidence: &Evidence, passed: bool) -> bool {
        // What had not come when it ended is not in it, whatever the gate would have let through.
        if self.stopped.is_some_and(|stopped| stopped < question.at) {
            return false;
        }
        if !passed {
            return self.started <= question.at;
        }
        let span = evidence.decisions.iter().rev().find_map(|entry| {
            let decision: GateDecision = serde_json::from_value(entry.event.data.clone()).ok()?;
            let span = decision.spans.iter().find_map(|span| {
                let (start, end) = (span.start.parse().ok()?, span.end.parse().ok()?);
                (start <= question.at && question.at < end).then_some((start, end))
            })?;
            Some(span)
        });
        let Some((start, end)): Option<(Timestamp, Timestamp)> = span else {
            return false;
        };
        // Opening and the first picture take a moment.
        let latest = end
            .checked_add(std::time::Duration::from_secs(120))
            .unwrap_or(Timestamp::MAX);
        self.started >= start && self.started <= latest
    }

    pub(super) fn find_cut(&mut self, evidence: &Evidence) {
        if self.stopped.is_none() {
            let starts = evidence
                .states
                .iter()
                .filter(|entry| entry.event.event_type == STARTED);
            self.cut = starts.filter_map(time).find(|start| *start > self.started);
        }
    }

    pub(super) fn message(&self) -> String {
        let mut message = format!("it recorded to `{}` from {}", self.output, iso(self.started));
        match (self.stopped, self.cut, self.available) {
            (Some(stopped), ..) => message.push_str(&format!(" until {}", iso(stopped))),
            (None, Some(cut), _) => {
                let cut = iso(cut);
                message.push_str(&format!(
                    ", which was cut off before the host began anew at {cut}"
                ));
            }
            (None, None, Some(_)) => message.push_str(", which can be played and goes on"),
            (None, None, None) => message.push_str(", which goes on"),
        }
        message
    }
}

/// The recordings of a node, oldest first.
pub(super) fn recordings<'a>(entries: &[&'a Entry], node: &str) -> Vec<Recording<'a>> {
    let mut found: Vec<Recording<'a>> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.event.node() == Some(node)) {
        let (Some(at), Some(output)) = (
            time(entry),
            entry.event.data.get("outputLocation").and_then(Value::as_str),
        ) else {
            continue;
        };
        let open = found.iter_mut().rev().find(|one| one.output == output);
        match (entry.event.event_type.as_str(), open) {
            (RECORDING_STARTED, _) => found.push(Recording {
                output,
                started: at,
                available: None,
                stopped: None,
                cut: None,
            }),
            (RECORDING_AVAILABLE, Some(open)) => open.available = Some(at),
            (RECORDING_STOPPED, Some(open)) => open.stopped = Some(at),
            _ => {}
        }
    }
    found
}
