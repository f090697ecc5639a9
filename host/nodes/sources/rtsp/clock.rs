//! The host's time within one conversation with a camera.

use std::sync::Arc;
use std::time::Duration;

use super::error::CAMERA_TIMEOUT;
use crate::media::{Clock, MediaTime, Ticks};

/// A difference between the host's clock and the conversation's that is taken for a step of the host's clock, as
/// when a box without a battery learns the time after its start. More than a timeline follows without a
/// discontinuity, so that it begins anew.
const MAX_CLOCK_STEP: Ticks = Ticks::from_secs(15);

/// UTC at the beginning of a conversation, carried on by the clock that is never stepped, until the host's clock is
/// set to quite another time.
#[derive(Debug)]
pub(super) struct SessionClock {
    clock: Arc<dyn Clock>,
    began: MediaTime,
    began_monotonic: Duration,
    /// On the monotonic clock.
    last_picture: Duration,
    /// The media time of the session's origin (`rtptime` of RTP-Info), from the first unit.
    pub(super) origin: Option<MediaTime>,
}

impl SessionClock {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let began_monotonic = clock.monotonic();
        Self {
            began: clock.media(),
            began_monotonic,
            last_picture: began_monotonic,
            origin: None,
            clock,
        }
    }

    /// The present moment.
    pub(super) fn now(&mut self) -> MediaTime {
        let monotonic = self.clock.monotonic();
        let steady = self.began.offset(Ticks::from_duration(
            monotonic.saturating_sub(self.began_monotonic),
        ));
        let wall = self.clock.media();
        if wall.since(steady).0.abs() < MAX_CLOCK_STEP.0 {
            return steady;
        }
        tracing::warn!(from = %steady, to = %wall, "The host's clock was set: recordings go on at the new time");
        (self.began, self.began_monotonic, self.origin) = (wall, monotonic, None);
        wall
    }

    /// A picture came.
    pub(super) fn picture(&mut self) {
        self.last_picture = self.clock.monotonic();
    }

    /// How long the next picture may still take; None when it took too long. A camera whose encoder is stuck may go
    /// on to send sound and sender reports for ever.
    pub(super) fn patience(&self) -> Option<Duration> {
        let silent = self.clock.monotonic().saturating_sub(self.last_picture);
        CAMERA_TIMEOUT.checked_sub(silent).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::ManualClock;

    fn clocks() -> (Arc<ManualClock>, SessionClock) {
        let clock = Arc::new(ManualClock::new("1970-01-01T00:01:00Z".parse().unwrap()));
        (Arc::clone(&clock), SessionClock::new(clock))
    }

    #[test]
    fn a_small_step_of_the_hosts_clock_is_not_seen_and_a_large_one_is_taken_over() {
        let (clock, mut session) = clocks();
        clock.advance(Duration::from_secs(2));
        clock.set_wall("1970-01-01T00:01:09Z".parse().unwrap());
        assert_eq!(session.now().iso(), "1970-01-01T00:01:02.000Z");
        session.origin = Some(MediaTime::MIN);
        clock.set_wall("2026-11-20T12:00:00Z".parse().unwrap());
        assert_eq!(session.now().iso(), "2026-11-20T12:00:00.000Z");
        assert_eq!(session.origin, None, "an origin on the old timeline is of no use");
        clock.advance(Duration::from_secs(1));
        assert_eq!(session.now().iso(), "2026-11-20T12:00:01.000Z");
    }

    #[test]
    fn patience_ends_when_no_picture_comes_whatever_else_does() {
        let (clock, mut session) = clocks();
        clock.advance(CAMERA_TIMEOUT - Duration::from_secs(1));
        assert_eq!(session.patience(), Some(Duration::from_secs(1)));
        session.picture();
        clock.advance(Duration::from_secs(1));
        assert_eq!(session.patience(), Some(CAMERA_TIMEOUT - Duration::from_secs(1)));
        clock.advance(CAMERA_TIMEOUT);
        assert_eq!(session.patience(), None);
    }
}
