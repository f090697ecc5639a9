//! What every node of a running graph is given, and what it lets others see.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use super::stats::{Ages, Dropped, DroppedByKind, NodeStats, NodeStatus};
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

    /// Keeps something for whoever asks later why things went as they did; not published.
    pub fn note(&self, event_type: &str, data: serde_json::Value) {
        self.emitter.note(event_type, self.clock.media(), data);
    }

    /// The node is in this state from now on.
    pub fn state(&self, state: &'static str) {
        self.stats.set_state(state, &*self.clock);
    }

    /// Remembers an error for whoever asks how the node is, and logs it: the same error once in
    /// [`REPEATED_ERROR_INTERVAL`], since what goes wrong with a frame goes wrong with the next.
    pub fn error(&self, error: &dyn std::fmt::Display) {
        if self.stats.set_error(error.to_string(), self.clock.monotonic()) {
            tracing::warn!(node = %self.name, %error, "The node met an error");
        }
    }
}
