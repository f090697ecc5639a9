//! What is told about a graph's nodes from time to time: how many frames came in a minute, and losses that were not
//! told at once.
//!
//! One task for a whole graph looks at counters that exist anyway: a unit of media costs nothing more for it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::context::NodeContext;
use super::losses::LOSS_INTERVAL;
use crate::events::notes::{FRAMES, Frames};

/// How often frames are counted.
pub const FRAMES_INTERVAL: Duration = Duration::from_secs(60);

/// Looks at a graph's nodes until it is stopped.
#[derive(Debug)]
pub struct Minutes {
    nodes: Vec<Counted>,
    stop: CancellationToken,
    told: Duration,
}

#[derive(Debug)]
struct Counted {
    context: NodeContext,
    /// Frames of this node are told.
    frames: bool,
    before: Frames,
}

impl Minutes {
    /// For these nodes; those with a mark are sources and detectors.
    #[must_use]
    pub fn new(nodes: Vec<(NodeContext, bool)>, stop: CancellationToken) -> Self {
        let told = nodes
            .first()
            .map_or(Duration::ZERO, |(context, _)| context.clock.monotonic());
        let counted = |(context, frames)| Counted {
            context,
            frames,
            before: Frames::default(),
        };
        Self {
            nodes: nodes.into_iter().map(counted).collect(),
            stop,
            told,
        }
    }

    /// Runs until the graph is told to stop.
    pub async fn run(mut self) {
        loop {
            let stopping = tokio::select! {
                () = self.stop.cancelled() => true,
                () = tokio::time::sleep(LOSS_INTERVAL) => false,
            };
            self.look(stopping);
            if stopping {
                return;
            }
        }
    }

    fn look(&mut self, at_last: bool) {
        let Some(now) = self.nodes.first().map(|node| node.context.clock.monotonic()) else {
            return;
        };
        let seconds = now.saturating_sub(self.told);
        let due = at_last || seconds >= FRAMES_INTERVAL;
        for node in &mut self.nodes {
            node.context.tell_losses(at_last);
            if due && node.frames {
                node.tell_frames(seconds.as_secs());
            }
        }
        if due {
            self.told = now;
        }
    }
}

impl Counted {
    /// Also when nothing came: that is what somebody will want to know.
    fn tell_frames(&mut self, seconds: u64) {
        let stats = &self.context.stats;
        let total = Frames {
            seconds,
            received: stats.received.load(Ordering::Relaxed),
            processed: stats.processed.load(Ordering::Relaxed),
            dropped: stats.dropped(),
            skipped: stats.skipped.load(Ordering::Relaxed),
            found: stats.sent.load(Ordering::Relaxed),
        };
        let told = Frames {
            seconds,
            received: total.received.saturating_sub(self.before.received),
            processed: total.processed.saturating_sub(self.before.processed),
            dropped: total.dropped.saturating_sub(self.before.dropped),
            skipped: total.skipped.saturating_sub(self.before.skipped),
            found: total.found.saturating_sub(self.before.found),
        };
        self.before = total;
        self.context.note(FRAMES, self.context.clock.media(), &told);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::media::ManualClock;
    use crate::nodes::context::NodeStats;
    use crate::nodes::testing::{at, context};

    #[test]
    fn frames_are_told_once_a_minute_as_what_came_since() {
        let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
        let (context, told) = context(Arc::clone(&clock) as _);
        let stats = Arc::clone(&context.stats);
        let mut minutes = Minutes::new(vec![(context, true)], CancellationToken::new());
        for (second, units) in [(10, 250), (60, 1_250), (120, 0)] {
            for _ in 0..units {
                stats.came(at(1.0), Duration::ZERO);
            }
            NodeStats::add(&stats.processed, units / 2);
            clock.advance(Duration::from_secs(second) - minutes.nodes[0].context.clock.monotonic());
            minutes.look(false);
        }
        let notes: Vec<Frames> = (told.notes().into_iter())
            .map(|note| serde_json::from_value(note.data).unwrap())
            .collect();
        let counts: Vec<(u64, u64, u64)> = notes
            .iter()
            .map(|frames| (frames.seconds, frames.received, frames.processed))
            .collect();
        assert_eq!(counts, [(60, 1_500, 750), (60, 0, 0)]);
    }
}
