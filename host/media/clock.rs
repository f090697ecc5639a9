//! Where time comes from. Nothing else in mediagraph reads a clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::MediaTime;

/// The host's clocks. `wall` may jump when the operating system is told a new time, `monotonic` never does.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// UTC.
    fn wall(&self) -> Timestamp;

    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;

    /// UTC as media time.
    fn media(&self) -> MediaTime {
        MediaTime::from_timestamp(self.wall())
    }

    /// The clock of one node; none where all nodes have this one. In replay each shows the media time that its node has
    /// come to ([`super::ReplayClock`]).
    fn of_node(&self, _node: &str) -> Option<Arc<dyn Clock>> {
        None
    }

    /// Media has come so far. Only a clock that shows media time cares.
    fn reached(&self, _time: MediaTime) {}
}

/// The operating system's clocks.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock at zero.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the operating system is asked"
    )]
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the operating system is asked"
    )]
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// A clock that stands still until it is told otherwise: for tests.
#[derive(Debug)]
pub struct ManualClock {
    wall: Mutex<Timestamp>,
    monotonic_ns: AtomicU64,
}

impl ManualClock {
    /// Starts at `wall`, with the monotonic clock at zero.
    #[must_use]
    pub fn new(wall: Timestamp) -> Self {
        Self {
            wall: Mutex::new(wall),
            monotonic_ns: AtomicU64::new(0),
        }
    }

    /// Lets time pass on both clocks.
    pub fn advance(&self, by: Duration) {
        let mut wall = self
            .wall
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *wall = wall.checked_add(by).unwrap_or(Timestamp::MAX);
        self.monotonic_ns
            .fetch_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Steps the wall clock alone, as an NTP client does.
    pub fn set_wall(&self, to: Timestamp) {
        *self
            .wall
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = to;
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        *self
            .wall
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.monotonic_ns.load(Ordering::SeqCst))
    }
}
