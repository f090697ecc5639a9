//! Events: one envelope everywhere (stdout, streams, files, replay).
//!
//! A node speaks through its [`Emitter`] into one [`EventSink`], which is usually a [`Fanout`]: to the [`Journal`], that
//! numbers and keeps events and hands them to streams, and to files of lines ([`files`]). What nobody needs on a stream,
//! but `explain` needs the next morning, is a note ([`notes`]): it goes to the journal alone.

pub mod fanout;
pub mod files;
pub mod filter;
pub mod hub;
pub mod journal;
pub mod lines;
pub mod notes;
pub mod ordered;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use fanout::Fanout;
pub use files::{EventFiles, FileTargets, Rotation};
pub use filter::Filter;
pub use journal::{Entry, Journal, JournalLimits};
pub use ordered::OrderedEvents;

use crate::media::MediaTime;

/// One event line. The names are those of Live Video Analytics.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// A GUID.
    pub id: String,
    /// Who speaks: the host.
    pub topic: String,
    /// What raised it, such as `/graphInstances/demo/sinks/assetSink`.
    pub subject: String,
    /// Such as `Microsoft.Media.Graph.Operational.RecordingStarted`.
    pub event_type: String,
    /// ISO 8601, UTC.
    pub event_time: String,
    /// The version of `data`'s shape.
    pub data_version: String,
    /// What happened.
    pub data: Value,
    /// The hub output that a message sink sends it to. Says where the event goes, so it is no part of what is sent.
    #[serde(skip)]
    pub output: Option<Arc<str>>,
}

/// The name under which the host speaks.
pub const TOPIC: &str = "mediagraph";
/// The subject of what is about the host and no instance.
pub const HOST_SUBJECT: &str = "/host";
/// What stands before the name of an instance in a subject.
const INSTANCE_SUBJECT: &str = "/graphInstances/";

impl Event {
    /// Something about the host and no instance.
    #[must_use]
    pub fn of_host(event_type: &str, at: MediaTime, data: Value) -> Self {
        Self::new(TOPIC, HOST_SUBJECT, event_type, at, data)
    }

    /// Something about an instance, or about the host.
    #[must_use]
    pub fn about(instance: Option<&str>, event_type: &str, at: MediaTime, data: Value) -> Self {
        match instance {
            Some(name) => Self::new(TOPIC, &format!("{INSTANCE_SUBJECT}{name}"), event_type, at, data),
            None => Self::of_host(event_type, at, data),
        }
    }

    fn new(topic: &str, subject: &str, event_type: &str, at: MediaTime, data: Value) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            topic: topic.to_owned(),
            subject: subject.to_owned(),
            event_type: event_type.to_owned(),
            event_time: at.iso(),
            data_version: "1.0".to_owned(),
            data,
            output: None,
        }
    }

    /// The instance that it is about; none when it is about the host.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        let (instance, _) = self.subject_parts()?;
        Some(instance)
    }

    /// The node that it is about; none when it is about the whole instance or the host.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        let (_, rest) = self.subject_parts()?;
        rest.split('/').nth(1)
    }

    fn subject_parts(&self) -> Option<(&str, &str)> {
        let rest = self.subject.strip_prefix(INSTANCE_SUBJECT)?;
        Some(rest.split_once('/').unwrap_or((rest, "")))
    }
}

/// Receives events. Must not block: a slow reader is the implementation's business, not the graph's.
pub trait EventSink: Send + Sync + std::fmt::Debug {
    /// Takes one event.
    fn publish(&self, event: Event);

    /// Takes what is kept for `explain` and is on no stream.
    fn note(&self, _event: Event) {}
}

/// Publishes the events of one subject.
#[derive(Clone, Debug)]
pub struct Emitter {
    sink: Arc<dyn EventSink>,
    topic: Arc<str>,
    subject: Arc<str>,
    output: Option<Arc<str>>,
}

impl Emitter {
    /// For one subject.
    #[must_use]
    pub fn new(sink: Arc<dyn EventSink>, topic: &str, subject: &str) -> Self {
        Self {
            sink,
            topic: topic.into(),
            subject: subject.into(),
            output: None,
        }
    }

    /// The same, for the hub output of a message sink.
    #[must_use]
    pub fn to_output(&self, output: Option<Arc<str>>) -> Self {
        Self {
            output,
            ..self.clone()
        }
    }

    /// The same sink and topic, for another subject.
    #[must_use]
    pub fn for_subject(&self, subject: &str) -> Self {
        Self {
            subject: subject.into(),
            ..self.clone()
        }
    }

    /// Publishes `event_type` (such as `Microsoft.Media.Graph.Operational.RecordingStarted`) at a moment.
    pub fn emit(&self, event_type: &str, at: MediaTime, data: Value) {
        self.sink.publish(self.event(event_type, at, data));
    }

    /// Keeps for `explain` what is on no stream; [`notes`] has the types and what stands in them.
    pub fn note(&self, event_type: &str, at: MediaTime, data: Value) {
        self.sink.note(self.event(event_type, at, data));
    }

    fn event(&self, event_type: &str, at: MediaTime, data: Value) -> Event {
        Event {
            output: self.output.clone(),
            ..Event::new(&self.topic, &self.subject, event_type, at, data)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(subject: &str) -> (Option<String>, Option<String>) {
        let event = Event::new("", subject, "", MediaTime::MIN, Value::Null);
        (
            event.instance().map(str::to_owned),
            event.node().map(str::to_owned),
        )
    }

    #[test]
    fn a_subject_names_the_instance_and_the_node() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(about("/graphInstances/yard"), (some("yard"), None));
        assert_eq!(
            about("/graphInstances/yard/sinks/asset"),
            (some("yard"), some("asset"))
        );
        assert_eq!(about("/host"), (None, None));
    }
}
