//! What every node of a running graph is given, and what it lets others see.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::events::Emitter;
use crate::media::Clock;

/// A node's surroundings.
#[derive(Clone, Debug)]
pub struct NodeContext {
    /// The node's name in its topology.
    pub name: Arc<str>,
    /// Publishes events whose subject is this node.
    pub emitter: Emitter,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// What others see of this node.
    pub stats: Arc<NodeStats>,
    /// Cancelled when the graph is to stop. Only sources look at it: everything else ends when what feeds it does.
    pub stop: CancellationToken,
}

impl NodeContext {
    /// Publishes an event of this node, stamped with the host's time.
    pub fn emit(&self, event_type: &str, data: serde_json::Value) {
        self.emitter.emit(event_type, self.clock.media(), data);
    }

    /// Remembers an error for whoever asks how the node is, and logs it.
    pub fn error(&self, error: &dyn std::fmt::Display) {
        tracing::warn!(node = %self.name, %error, "The node met an error");
        self.stats.set_error(error.to_string());
    }
}

/// Counters of one node.
#[derive(Debug, Default)]
pub struct NodeStats {
    /// Units, frames or signals that came in.
    pub received: AtomicU64,
    /// Units, frames or signals that went out.
    pub sent: AtomicU64,
    /// What was left out because somebody was too slow.
    pub dropped: AtomicU64,
    /// Things that went wrong.
    pub errors: AtomicU64,
    last_error: Mutex<Option<String>>,
}

/// The counters at one moment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// The node's name.
    pub node: String,
    /// Units, frames or signals that came in.
    pub received: u64,
    /// Units, frames or signals that went out.
    pub sent: u64,
    /// What was left out because somebody was too slow.
    pub dropped: u64,
    /// Things that went wrong.
    pub errors: u64,
    /// The newest of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

impl NodeStats {
    /// Adds to a counter.
    pub fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }

    fn set_error(&self, error: String) {
        Self::add(&self.errors, 1);
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// The counters now.
    #[must_use]
    pub fn status(&self, node: &str) -> NodeStatus {
        NodeStatus {
            node: node.to_owned(),
            received: self.received.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            last_error: self
                .last_error
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }
}
