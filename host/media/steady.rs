//! Whether the host's clock can be believed about how old something is.
//!
//! What goes for its age goes for good. A clock that was set wrong, at the start or by a jump, must not decide that: after
//! either, nothing is too old until the clock has gone evenly for [`AGE_GRACE`]. A time service that says that it has not set
//! the clock yet is believed, too.

use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Clock;

/// After the start, or a jump of the host's clock, nothing goes for its age before this time has passed: the clock may
/// be wrong.
pub const AGE_GRACE: Duration = Duration::from_secs(600);
/// A smaller jump is none.
pub const CLOCK_JUMP: Duration = Duration::from_secs(60);
/// `systemd-timesyncd` works here, and makes the file [`SYNCHRONISED`] once it has set the clock.
const TIME_SERVICE: &str = "/run/systemd/timesync";
const SYNCHRONISED: &str = "synchronized";

/// Watches the two clocks of a host against each other.
#[derive(Clone, Debug)]
pub struct SteadyClock {
    /// Since when the clocks agree, and what they showed last.
    since: Duration,
    wall: Timestamp,
    monotonic: Duration,
    time_service: PathBuf,
}

impl SteadyClock {
    /// Begins to watch: the clock is not believed yet.
    #[must_use]
    pub fn new(clock: &dyn Clock) -> Self {
        let monotonic = clock.monotonic();
        Self {
            since: monotonic,
            wall: clock.wall(),
            monotonic,
            time_service: TIME_SERVICE.into(),
        }
    }

    /// What it is now, if the clock is to be believed. Ask once a minute or so.
    pub fn now(&mut self, clock: &dyn Clock) -> Option<Timestamp> {
        let (wall, monotonic) = (clock.wall(), clock.monotonic());
        let by_wall = wall.duration_since(self.wall);
        let passed = SignedDuration::try_from(monotonic.saturating_sub(self.monotonic)).ok()?;
        if by_wall.checked_sub(passed)?.unsigned_abs() > CLOCK_JUMP {
            self.since = monotonic;
        }
        (self.wall, self.monotonic) = (wall, monotonic);
        let even = monotonic.saturating_sub(self.since) >= AGE_GRACE;
        (even && !self.known_to_be_wrong()).then_some(wall)
    }

    /// Whether a time service is at work here that has not set the clock yet.
    #[must_use]
    pub fn known_to_be_wrong(&self) -> bool {
        self.time_service.is_dir() && !self.time_service.join(SYNCHRONISED).exists()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::ManualClock;

    fn begin() -> (ManualClock, SteadyClock) {
        let clock = ManualClock::new("2026-11-20T22:55:35Z".parse().unwrap());
        let mut steady = SteadyClock::new(&clock);
        // Whether this machine has a time service is not what is asked here.
        steady.time_service = "/nowhere".into();
        (clock, steady)
    }

    #[test]
    fn a_clock_is_believed_after_it_has_gone_evenly_for_a_time() {
        let (clock, mut steady) = begin();
        assert_eq!(steady.now(&clock), None);
        clock.advance(AGE_GRACE);
        assert_eq!(steady.now(&clock), Some(clock.wall()));
        clock.set_wall("2027-11-20T22:55:35Z".parse().unwrap());
        assert_eq!(steady.now(&clock), None, "it jumped by a year");
        clock.advance(AGE_GRACE - CLOCK_JUMP);
        assert_eq!(steady.now(&clock), None);
        clock.advance(CLOCK_JUMP);
        assert!(steady.now(&clock).is_some());
    }

    #[test]
    fn a_time_service_that_has_not_set_the_clock_is_believed() {
        let (clock, mut steady) = begin();
        let folder = tempfile::tempdir().unwrap();
        steady.time_service = folder.path().into();
        clock.advance(AGE_GRACE);
        assert_eq!(steady.now(&clock), None);
        std::fs::write(folder.path().join(SYNCHRONISED), "").unwrap();
        assert!(steady.now(&clock).is_some());
    }
}
