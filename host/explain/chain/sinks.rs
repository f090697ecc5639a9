//! What was recorded, and what was lost.

use jiff::Timestamp;

use super::super::evidence::*;
use super::super::moment::iso;
use super::super::{Evidence, Link, Question, Verdict};
use super::recording::{Recording, recordings};
use super::{Chain, nodes, of_types, text};
use crate::events::journal::Entry;
use crate::events::notes::Role;

/// The most failures to store something that are told.
const MAX_MESSAGES: usize = 5;

impl Chain {
    pub(super) fn sinks(&mut self, question: &Question, evidence: &Evidence) {
        let types = [RECORDING_STARTED, RECORDING_AVAILABLE, RECORDING_STOPPED];
        let of_sinks = of_types(&evidence.recordings, &types);
        self.sinks = !of_sinks.is_empty();
        let began = evidence.began(question);
        for node in nodes(&of_sinks) {
            let mut recordings = recordings(&of_sinks, node);
            for recording in &mut recordings {
                recording.find_cut(evidence);
            }
            let covering: Vec<&Recording<'_>> = recordings
                .iter()
                .filter(|one| began.is_none_or(|began| one.started >= began))
                .filter(|one| one.covers(question, evidence, self.passed))
                // One that nobody ended goes on no longer than the graph.
                .filter(|one| one.stopped.is_some() || self.inactive.is_none())
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
            self.nothing_recorded(evidence);
        }
        self.losses(question, evidence);
    }

    fn nothing_recorded(&mut self, evidence: &Evidence) {
        let sinks: Vec<String> = self
            .of_role(Role::Recorder)
            .into_iter()
            .map(str::to_owned)
            .collect();
        if self.graph.is_some() && sinks.is_empty() {
            self.no_sink = true;
            let message =
                "nothing in this graph records: its topology has neither an asset sink nor a file sink";
            self.add(Link::Sink, None, Verdict::Broken, message.to_owned());
        }
        for sink in &sinks {
            let message = "it has recorded nothing, as far as the journal goes back";
            self.add(Link::Sink, Some(sink), Verdict::Broken, message.to_owned());
            // Where events are missing, or too many to look at, a recording may be among them.
            if evidence.host.is_empty() && evidence.recordings.len() < MAX_ENTRIES {
                self.idle = Some(format!(
                    "sink `{sink}` has recorded nothing, as far as the journal goes back"
                ));
            }
        }
        if self.graph.is_none() {
            let message = "the journal knows of no recording around that time";
            self.add(Link::Sink, None, Verdict::Unknown, message.to_owned());
        }
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
