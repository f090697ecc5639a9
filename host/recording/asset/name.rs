//! Names inside an asset's folder. A segment's name is a pure function of its start and its writer's epoch.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::media::{MediaTime, TrackKind};
use crate::recording::RecordingError;

/// Longest name of an asset, in characters: that of Azure Media Services, which Live Video Analytics records to.
const MAX_ASSET_NAME: usize = 260;
/// Longest name of a host, in bytes.
const MAX_HOST: usize = 64;
const STAMP: &str = "%Y%m%dT%H%M%S%.6f";

/// What a sealed segment's name ends with.
pub const SEGMENT: &str = ".m4s";
/// What an open segment's video ends with.
pub const VIDEO_PART: &str = ".m4s.part";
/// What an open segment's audio ends with.
pub const AUDIO_PART: &str = ".m4s.audio.part";

/// Checks that a name is one that LVA allows and that cannot leave the root.
///
/// # Errors
/// Says what is wrong.
pub fn check_asset(name: &str) -> Result<(), RecordingError> {
    let count = name.chars().count();
    let reason = if count == 0 || count > MAX_ASSET_NAME {
        "it must have 1 to 260 characters"
    } else if name.chars().any(|c| "<>%&:\\/?*+.'".contains(c)) {
        "it must not contain any of <>%&:\\/?*+.'"
    } else if name.chars().any(char::is_control) {
        "it must not contain control characters"
    } else {
        return Ok(());
    };
    Err(RecordingError::AssetName {
        name: name.to_owned(),
        reason,
    })
}

/// Checks that a host's id can be a part of file names.
///
/// # Errors
/// Says what is wrong.
pub fn check_host(host: &str) -> Result<(), RecordingError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !host.is_empty() && host.len() <= MAX_HOST && host.chars().all(plain) {
        return Ok(());
    }
    Err(RecordingError::AssetName {
        name: host.to_owned(),
        reason: "the host's id must be 1 to 64 letters, digits, `-` or `_`",
    })
}

/// Names one uninterrupted stretch of one writer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch {
    /// Of the writer.
    pub host: String,
    /// Rises at each open, codec change and discontinuity.
    pub counter: u64,
}

impl Epoch {
    /// The init segment of one of its tracks.
    #[must_use]
    pub fn init(&self, kind: TrackKind) -> String {
        match kind {
            TrackKind::Video => format!("{self}.video.mp4"),
            TrackKind::Audio => format!("{self}.audio.mp4"),
        }
    }

    /// From `HOST-COUNTER`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (host, counter) = text.rsplit_once('-')?;
        check_host(host).ok()?;
        Some(Self {
            host: host.to_owned(),
            counter: counter.parse().ok()?,
        })
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.host, self.counter)
    }
}

/// Names one segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    /// Its first moment, to the tick.
    pub start: MediaTime,
    /// Its writer's epoch.
    pub epoch: Epoch,
}

impl SegmentName {
    /// From `20261120T225535.123456Z-HOST-7`, without an ending.
    #[must_use]
    pub fn parse(stem: &str) -> Option<Self> {
        let (stamp, epoch) = stem.split_once("Z-")?;
        let civil = DateTime::strptime(STAMP, stamp).ok()?;
        let at = TimeZone::UTC.to_timestamp(civil).ok()?;
        Some(Self {
            start: MediaTime::from_timestamp(at),
            epoch: Epoch::parse(epoch)?,
        })
    }

    /// With an ending.
    #[must_use]
    pub fn file(&self, ending: &str) -> String {
        format!("{self}{ending}")
    }

    /// The UTC day in which it starts.
    #[must_use]
    pub fn day(&self) -> Date {
        TimeZone::UTC.to_datetime(self.start.to_timestamp()).date()
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A tick is 11.1 us: the microsecond at or after it names it, and reading it back rounds down.
        let micros = (self.start.ticks() * 100).div_ceil(9);
        let at = i64::try_from(micros)
            .ok()
            .and_then(|micros| Timestamp::from_microsecond(micros).ok())
            .unwrap_or(Timestamp::MAX);
        write!(f, "{}Z-{}", at.strftime(STAMP), self.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tick_has_a_name_of_its_own_that_reads_back() {
        let base = MediaTime::from_timestamp("2026-11-20T22:55:35Z".parse().unwrap()).ticks();
        for tick in (0..200).chain([89_998, 89_999]) {
            let name = SegmentName {
                start: MediaTime::from_ticks(base + tick),
                epoch: Epoch::parse("my-host-7").unwrap(),
            };
            assert_eq!(
                SegmentName::parse(&name.to_string()),
                Some(name.clone()),
                "{name}"
            );
        }
    }

    #[test]
    fn names_that_would_leave_the_folder_are_refused() {
        for name in [
            "",
            "..",
            "a/b",
            "a\\b",
            "a.b",
            "a\0",
            "a\n",
            "it's",
            "100%",
            &"x".repeat(261),
        ] {
            assert!(check_asset(name).is_err(), "{name:?}");
        }
        for name in ["a", "Lobby camera", "sample-20261120T225535Z", &"ü".repeat(260)] {
            assert!(check_asset(name).is_ok(), "{name:?}");
        }
        for host in ["", "a/b", "..", "a b"] {
            assert!(check_host(host).is_err(), "{host:?}");
        }
    }

    #[test]
    fn foreign_names_are_not_segments() {
        for stem in [
            "",
            "x",
            "20261120T225535Z-h-1x",
            "20261399T225535.000000Z-h-1",
            "2026Z-h-1",
            "Z--1",
        ] {
            assert_eq!(SegmentName::parse(stem), None, "{stem}");
        }
    }
}
