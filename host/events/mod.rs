//! Events: one envelope everywhere (stdout, streams, files, replay).

pub mod lines;

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::media::MediaTime;

/// One event line. The names are those of Live Video Analytics.
#[derive(Clone, Debug, Serialize, PartialEq)]
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
}

/// Receives events. Must not block: a slow reader is the implementation's business, not the graph's.
pub trait EventSink: Send + Sync + std::fmt::Debug {
    /// Takes one event.
    fn publish(&self, event: Event);
}

/// Publishes the events of one subject.
#[derive(Clone, Debug)]
pub struct Emitter {
    sink: Arc<dyn EventSink>,
    topic: Arc<str>,
    subject: Arc<str>,
}

impl Emitter {
    /// For one subject.
    #[must_use]
    pub fn new(sink: Arc<dyn EventSink>, topic: &str, subject: &str) -> Self {
        Self {
            sink,
            topic: topic.into(),
            subject: subject.into(),
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
        self.sink.publish(Event {
            id: uuid::Uuid::new_v4().to_string(),
            topic: self.topic.to_string(),
            subject: self.subject.to_string(),
            event_type: event_type.to_owned(),
            event_time: at.iso(),
            data_version: "1.0".to_owned(),
            data,
        });
    }
}
