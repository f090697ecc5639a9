//! What every node of a running graph is given, and what it lets others see.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::losses::{Loss, Losses};
pub use super::stats::{Ages, Dropped, DroppedByKind, NodeStats, NodeStatus};
use crate::events::Emitter;
use crate::media::{Clock, MediaTime};

/// An error that repeats is logged once in this time.
pub const REPEATED_ERROR_INTERVAL: Duration = Duration::from_secs(60);

const DATA_DROPPED: &str = "Microsoft.Media.Graph.Diagnostics.DataDropped";

/// A node's surroundings.
#[derive(Clone, Debug)]
pub struct NodeContext {
    /// The node's name in its topology.
    pub name: Arc<str>,
    /// Names instance and node in log lines: whatever works for this node runs in it.
    pub span: Span,
    /// Publishes events whose subject is this node.
    pub emitter: Emitter,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// What others see of this node.
    pub stats: Arc<NodeStats>,
    /// What it has lost and not told yet.
    pub losses: Arc<Losses>,
    /// Cancelled when the graph is to stop. Only sources look at it: everything else ends when what feeds it does.
    pub stop: CancellationToken,
}

impl NodeContext {
    /// Publishes an event of this node, stamped with the host's time.
    pub fn emit(&self, event_type: &str, data: Value) {
        self.emitter.emit(event_type, self.clock.media(), data);
    }

    /// Keeps something about a moment for whoever asks later why things went as they did; it is not published.
    pub fn note(&self, note_type: &str, at: MediaTime, data: &impl Serialize) {
        match serde_json::to_value(data) {
            Ok(data) => self.emitter.note(note_type, at, data),
            Err(error) => tracing::debug!(%error, "A note cannot be written"),
        }
    }

    /// Remembers an error for whoever asks how the node is, and logs it: the same error once in
    /// [`REPEATED_ERROR_INTERVAL`], since what goes wrong with a frame goes wrong with the next.
    pub fn error(&self, error: &dyn std::fmt::Display) {
        if self.stats.set_error(error.to_string(), self.clock.monotonic()) {
            tracing::warn!(%error, "The node met an error");
        }
    }

    /// The node is in this state from now on.
    pub fn state(&self, state: &'static str) {
        self.stats.set_state(state, &*self.clock);
    }

    /// Counts something of this media time that came in.
    pub fn came(&self, time: MediaTime) {
        self.clock.reached(time);
        self.stats.came(time, self.clock.monotonic());
    }

    /// Counts frames that were left out for newer ones: an everyday thing, so no event.
    pub fn skipped(&self, frames: u64) {
        self.stats.count_dropped(Dropped::Frames, frames);
    }

    /// Counts what was lost, and tells the world, though not of each unit.
    pub fn lost(&self, loss: Loss) {
        self.stats.count_dropped(loss.kind, loss.units);
        let told = self.losses.add(loss, self.clock.monotonic());
        self.tell_of(told);
    }

    /// As [`NodeContext::lost`], of what was lost just now.
    pub fn lost_now(&self, kind: Dropped, units: u64, message: &'static str) {
        let now = self.clock.media();
        self.lost(Loss {
            kind,
            units,
            start: now,
            end: now,
            message,
            output: None,
        });
    }

    /// Tells of losses that have waited long enough; of all of them when nothing more will come.
    pub fn tell_losses(&self, at_last: bool) {
        let told = self.losses.tell(self.clock.monotonic(), at_last);
        self.tell_of(told);
    }

    fn tell_of(&self, losses: Vec<Value>) {
        for data in losses {
            self.emit(DATA_DROPPED, data);
        }
    }
}
