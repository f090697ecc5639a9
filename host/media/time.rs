//! Media time: 90 kHz ticks since the Unix epoch, the one timescale of mediagraph.
//!
//! 90 kHz is the RTP clock of video (RFC 6184, section 8.2.1) and the unit in which Live Video Analytics
//! stamped its inferences, so events and recordings line up without rounding.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Ticks in one second.
pub const TICKS_PER_SECOND: i64 = 90_000;

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// A moment on the media timeline: 90 kHz ticks since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaTime(u64);

impl MediaTime {
    /// Before everything.
    pub const MIN: Self = Self(0);
    /// After everything: "until further notice". Far enough from `u64::MAX` that sums do not wrap.
    pub const MAX: Self = Self(i64::MAX as u64);

    /// From ticks since the Unix epoch; what lies beyond [`MediaTime::MAX`] becomes it.
    #[must_use]
    pub const fn from_ticks(ticks: u64) -> Self {
        if ticks > Self::MAX.0 {
            Self::MAX
        } else {
            Self(ticks)
        }
    }

    /// Ticks since the Unix epoch.
    #[must_use]
    pub const fn ticks(self) -> u64 {
        self.0
    }

    /// The nearest tick at or before a wall-clock moment; moments before 1970 become the epoch.
    #[must_use]
    pub fn from_timestamp(at: Timestamp) -> Self {
        let ticks = at.as_nanosecond().max(0) * i128::from(TICKS_PER_SECOND) / NANOS_PER_SECOND;
        Self::from_ticks(u64::try_from(ticks).unwrap_or(u64::MAX))
    }

    /// The wall-clock moment of this tick, rounded up to a whole nanosecond so that the way back gives the same
    /// tick; clamped to what the calendar holds.
    #[must_use]
    pub fn to_timestamp(self) -> Timestamp {
        let nanos = (i128::from(self.0) * NANOS_PER_SECOND + i128::from(TICKS_PER_SECOND - 1))
            / i128::from(TICKS_PER_SECOND);
        Timestamp::from_nanosecond(nanos).unwrap_or(Timestamp::MAX)
    }

    /// This moment moved by a signed amount; stays within the timeline.
    #[must_use]
    pub fn offset(self, by: Ticks) -> Self {
        Self::from_ticks(self.0.saturating_add_signed(by.0))
    }

    /// The signed distance from `earlier` to `self`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Ticks {
        // Both are at most i64::MAX, so the difference fits.
        Ticks((self.0 as i64).saturating_sub(earlier.0 as i64))
    }

    /// ISO 8601 in UTC with milliseconds, as events carry it.
    #[must_use]
    pub fn iso(self) -> String {
        format!("{:.3}", self.to_timestamp())
    }
}

impl fmt::Display for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

/// A signed stretch of media time in 90 kHz ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticks(pub i64);

impl Ticks {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(TICKS_PER_SECOND))
    }

    /// From a duration, rounded down to a tick.
    #[must_use]
    pub fn from_duration(duration: Duration) -> Self {
        let ticks = duration.as_nanos() * TICKS_PER_SECOND as u128 / NANOS_PER_SECOND as u128;
        Self(i64::try_from(ticks).unwrap_or(i64::MAX))
    }

    /// As a duration; negative stretches become zero.
    #[must_use]
    pub fn to_duration(self) -> Duration {
        let nanos = i128::from(self.0.max(0)) * NANOS_PER_SECOND / i128::from(TICKS_PER_SECOND);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// In seconds, for people and playlists.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / TICKS_PER_SECOND as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_lva_timestamp_is_its_wall_clock_time() {
        let at = MediaTime::from_ticks(143_039_375_044_290);
        assert_eq!(at.iso(), "2020-05-12T23:33:09.381Z");
        assert_eq!(MediaTime::from_timestamp(at.to_timestamp()), at);
    }

    #[test]
    fn arithmetic_stays_on_the_timeline() {
        assert_eq!(MediaTime::MIN.offset(Ticks::from_secs(-5)), MediaTime::MIN);
        assert_eq!(MediaTime::MAX.offset(Ticks(i64::MAX)), MediaTime::MAX);
        assert_eq!(MediaTime::from_ticks(u64::MAX), MediaTime::MAX);
        assert_eq!(MediaTime::MIN.since(MediaTime::MAX), Ticks(-i64::MAX));
    }

    #[test]
    fn every_tick_survives_the_way_through_the_wall_clock() {
        for ticks in [0, 1, 2, 89_999, 90_000, 158_400_000_000_001] {
            let at = MediaTime::from_ticks(ticks);
            assert_eq!(MediaTime::from_timestamp(at.to_timestamp()), at, "{ticks}");
        }
    }
}
