//! Time in replay: that of the media, and nobody else's.
//!
//! Invariant: what a clock shows depends only on what its own node was given, never on how fast the machine is or how far
//! other nodes are; so events and waits of a node are the same in every replay.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::{Clock, MediaTime};

/// A clock that shows how far media has come, and has one for each node.
#[derive(Debug)]
pub struct ReplayClock {
    start: MediaTime,
    /// Ticks; never goes back.
    reached: AtomicU64,
    /// Of the whole replay: how long something takes is still told by the host's clock.
    host: Option<Arc<dyn Clock>>,
    nodes: Mutex<HashMap<String, Arc<ReplayClock>>>,
}

impl ReplayClock {
    /// Stands at the first moment of the media until media has come.
    #[must_use]
    pub fn new(start: MediaTime, host: Arc<dyn Clock>) -> Self {
        Self {
            host: Some(host),
            ..Self::of_a_node(start)
        }
    }

    fn of_a_node(start: MediaTime) -> Self {
        Self {
            start,
            reached: AtomicU64::new(start.ticks()),
            host: None,
            nodes: Mutex::default(),
        }
    }
}

impl Clock for ReplayClock {
    fn wall(&self) -> Timestamp {
        self.media().to_timestamp()
    }

    fn monotonic(&self) -> Duration {
        match &self.host {
            Some(host) => host.monotonic(),
            None => self.media().since(self.start).to_duration(),
        }
    }

    fn media(&self) -> MediaTime {
        MediaTime::from_ticks(self.reached.load(Ordering::SeqCst))
    }

    fn of_node(&self, node: &str) -> Option<Arc<dyn Clock>> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let clock = nodes
            .entry(node.to_owned())
            .or_insert_with(|| Arc::new(Self::of_a_node(self.start)));
        Some(Arc::clone(clock) as _)
    }

    fn reached(&self, time: MediaTime) {
        // The end of all time is a watermark, and no moment.
        if time < MediaTime::MAX {
            self.reached.fetch_max(time.ticks(), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Ticks;

    #[test]
    fn each_node_has_the_time_of_what_came_to_it() {
        let start = MediaTime::from_timestamp("2026-11-20T12:00:00Z".parse().unwrap());
        let host = Arc::new(crate::media::ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
        let clock = ReplayClock::new(start, host);
        let (gate, other) = (clock.of_node("gate").unwrap(), clock.of_node("other").unwrap());
        gate.reached(start.offset(Ticks::from_secs(5)));
        gate.reached(start.offset(Ticks::from_secs(3)));
        gate.reached(MediaTime::MAX);
        assert_eq!(gate.media().iso(), "2026-11-20T12:00:05.000Z");
        assert_eq!(clock.of_node("gate").unwrap().monotonic(), Duration::from_secs(5));
        assert_eq!((other.media(), clock.media()), (start, start));
    }
}
