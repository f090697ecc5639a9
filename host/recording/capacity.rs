//! How fast recordings grow, and how long the room lasts.

use std::time::Duration;

use jiff::Timestamp;

use super::index::{Index, IndexError};
use crate::media::{MediaTime, Ticks};

/// What a camera is taken to send when nothing was measured: 1080p at 30 pictures a second, in bits per second.
pub const ASSUMED_BITS: u64 = 4_000_000;
/// What is measured: the last day.
pub const MEASURED: Duration = Duration::from_secs(SECONDS_PER_DAY);
const SECONDS_PER_DAY: u64 = 86_400;
/// With less than this nothing was measured.
const LEAST_RECORDED: f64 = 10.0;

/// How fast the recordings of a node grow.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// `INSTANCE/NODE`; empty when nobody knows.
    pub owner: String,
    /// While it records, in bits per second.
    pub bits: f64,
    /// With its pauses, in bytes per day.
    pub bytes_per_day: u64,
}

/// Of everybody who recorded in the last day.
///
/// # Errors
/// When the index cannot be read.
pub fn measure(index: &Index, now: Timestamp) -> Result<Vec<Rate>, IndexError> {
    let until = MediaTime::from_timestamp(now);
    let since = until.offset(Ticks::from_secs(-(SECONDS_PER_DAY as i64)));
    let mut rates = Vec::new();
    for owner in index.owners()? {
        let (mut bytes, mut ticks) = (0_u64, 0_i64);
        index.stretches(&owner.owner, &(since..until), |stretch| {
            bytes = bytes.saturating_add(stretch.bytes);
            ticks = ticks.saturating_add(stretch.end.since(stretch.start).0);
        })?;
        let recorded = Ticks(ticks).seconds();
        if recorded < LEAST_RECORDED {
            continue;
        }
        // Since it was there, if that is less than a day.
        let watched = until.since(owner.first.max(since)).seconds().max(recorded);
        rates.push(Rate {
            owner: owner.owner,
            bits: bytes as f64 * 8.0 / recorded,
            bytes_per_day: (bytes as f64 / watched * SECONDS_PER_DAY as f64) as u64,
        });
    }
    Ok(rates)
}

/// How many days so many bytes last; none when nothing grows.
#[must_use]
pub fn days(room: u64, bytes_per_day: u64) -> Option<f64> {
    (bytes_per_day > 0).then(|| room as f64 / bytes_per_day as f64)
}

/// What a stream of so many bits per second needs in a day, in bytes.
#[must_use]
pub fn per_day(bits: u64) -> u64 {
    bits / 8 * SECONDS_PER_DAY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::index::tests::{Bench, at};

    #[test]
    fn what_was_recorded_in_the_last_day_says_how_fast_it_grows() {
        let bench = Bench::new();
        let start = at("2026-11-20T12:00:00Z");
        // 1 MB in 100 s, and nothing in the 100 s behind it.
        bench.segment(start, Ticks::from_secs(100), 1_000_000);
        let now = start.offset(Ticks::from_secs(200)).to_timestamp();
        let rates = measure(&bench.index, now).unwrap();
        assert_eq!(rates.len(), 1);
        assert_eq!((rates[0].owner.as_str(), rates[0].bits), ("lobby/sink", 80_000.0));
        assert_eq!(rates[0].bytes_per_day, 432_000_000);
        assert_eq!(days(864_000_000, rates[0].bytes_per_day), Some(2.0));
        let later = start.offset(Ticks::from_secs(3 * 86_400)).to_timestamp();
        assert_eq!(measure(&bench.index, later).unwrap(), []);
        assert_eq!((days(1, 0), per_day(ASSUMED_BITS)), (None, 43_200_000_000));
    }
}
