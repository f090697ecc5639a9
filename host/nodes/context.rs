//! What every node of a running graph is given, and what it lets others see.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::events::Emitter;
use crate::media::Clock;

/// An error that repeats is logged once in this time.
pub const REPEATED_ERROR_INTERVAL: Duration = Duration::from_secs(60);

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

    /// Remembers an error for whoever asks how the node is, and logs it: the same error once in
    /// [`REPEATED_ERROR_INTERVAL`], since what goes wrong with a frame goes wrong with the next.
    pub fn error(&self, error: &dyn std::fmt::Display) {
        if self.stats.set_error(error.to_string(), self.clock.monotonic()) {
            tracing::warn!(node = %self.name, %error, "The node met an error");
        }
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
    last_error: Mutex<Option<LastError>>,
}

#[derive(Debug)]
struct LastError {
    text: String,
    logged: Duration,
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

    /// Gives true when the error is to be logged.
    fn set_error(&self, text: String, now: Duration) -> bool {
        Self::add(&self.errors, 1);
        let mut last = self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        let repeated = last.as_ref().is_some_and(|last| {
            last.text == text && now.saturating_sub(last.logged) < REPEATED_ERROR_INTERVAL
        });
        if !repeated {
            *last = Some(LastError { text, logged: now });
        }
        !repeated
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
            last_error: (self.last_error.lock().unwrap_or_else(PoisonError::into_inner))
                .as_ref()
                .map(|last| last.text.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_repeats_is_counted_each_time_and_logged_once_a_minute() {
        let stats = NodeStats::default();
        let at = Duration::from_secs;
        let logged: Vec<bool> = [("a", 0), ("a", 1), ("b", 2), ("b", 61), ("b", 62)]
            .iter()
            .map(|(text, second)| stats.set_error((*text).to_owned(), at(*second)))
            .collect();
        assert_eq!(logged, [true, false, true, false, true]);
        assert_eq!(stats.status("n").errors, 5);
        assert_eq!(stats.status("n").last_error.as_deref(), Some("b"));
    }
}
