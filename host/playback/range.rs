//! Which stretch of a recording is meant, by the rules of Live Video Analytics' streaming URLs:
//!
//! | `startTime`, `endTime` | what is played |
//! |---|---|
//! | neither | the newest, at most [`LATEST`]; it grows while it is recorded |
//! | `startTime` alone | from there on, at most [`LONGEST`]; it grows while it is recorded |
//! | `endTime` alone | an error |
//! | both | what lies between them, at most [`LONGEST`]; it does not grow |
//!
//! A hole within the stretch is a discontinuity; an end within a hole moves to where media begins or ends; nothing is there when both
//! lie in one hole. The last three follow from what is looked up, without a rule of their own.

use std::ops::Range;

use jiff::tz::TimeZone;

use crate::media::{MediaTime, Ticks};
use crate::when;

/// As much is played when nobody says when: 4 hours.
pub const LATEST: Ticks = Ticks::from_secs(4 * 3600);
/// The longest stretch: 24 hours.
pub const LONGEST: Ticks = Ticks::from_secs(24 * 3600);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The newest.
    Latest,
    /// From here on.
    From(MediaTime),
    /// From here to there.
    Between(MediaTime, MediaTime),
}

/// Why a question makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// No moment.
    #[error(
        "`{name}` is no moment\n\
         hint: write it as ISO 8601, such as `2026-11-22T14:02:00Z`; without an offset it is meant in the host's time zone"
    )]
    Moment {
        /// Which parameter.
        name: &'static str,
    },
    /// An end without a beginning.
    #[error("`endTime` is given without `startTime`\nhint: give both, or `startTime` alone, or neither")]
    EndAlone,
    /// Both are needed.
    #[error(
        "both `startTime` and `endTime` are needed\nhint: write them as ISO 8601, such as `2026-11-22T14:02:00Z`"
    )]
    Both,
    /// The wrong way round.
    #[error("`endTime` ({end}) is not after `startTime` ({start})")]
    Reversed {
        /// From here ...
        start: MediaTime,
        /// ... to here.
        end: MediaTime,
    },
    /// Not all of it is granted.
    #[error("the link is for less than this\nhint: make a link for all of it")]
    Beyond,
    /// Too long.
    #[error("from {start} to {end} is more than 24 hours\nhint: ask for less at a time")]
    TooLong {
        /// From here ...
        start: MediaTime,
        /// ... to here.
        end: MediaTime,
    },
}

impl Asked {
    /// Reads what a request says; times without an offset are meant in the zone.
    ///
    /// # Errors
    /// When a text is no moment, or the two make no stretch.
    pub fn read(start: Option<&str>, end: Option<&str>, zone: &TimeZone) -> Result<Self, RangeError> {
        let start = start.map(|text| moment("startTime", text, zone)).transpose()?;
        let end = end.map(|text| moment("endTime", text, zone)).transpose()?;
        match (start, end) {
            (None, None) => Ok(Self::Latest),
            (Some(start), None) => Ok(Self::From(start)),
            (None, Some(_)) => Err(RangeError::EndAlone),
            (Some(start), Some(end)) => between(start, end).map(|()| Self::Between(start, end)),
        }
    }

    /// As [`Asked::read`], where both ends must be given.
    ///
    /// # Errors
    /// As [`Asked::read`], and when one is missing.
    pub fn read_both(start: Option<&str>, end: Option<&str>, zone: &TimeZone) -> Result<Self, RangeError> {
        match Self::read(start, end, zone)? {
            both @ Self::Between(..) => Ok(both),
            Self::Latest | Self::From(_) => Err(RangeError::Both),
        }
    }

    /// As [`Asked::read`], for somebody who may have `granted` alone: an end that is left out is that one's.
    ///
    /// # Errors
    /// As [`Asked::read`], and when it is not within what is granted.
    pub fn within(
        start: Option<&str>,
        end: Option<&str>,
        granted: &Range<MediaTime>,
        zone: &TimeZone,
    ) -> Result<Self, RangeError> {
        let start = start.map(|text| moment("startTime", text, zone)).transpose()?;
        let end = end.map(|text| moment("endTime", text, zone)).transpose()?;
        let start = start.unwrap_or(granted.start);
        // What is granted without an end grows.
        let end = end.or((granted.end < MediaTime::MAX).then_some(granted.end));
        if start < granted.start || end.is_some_and(|end| end > granted.end) {
            return Err(RangeError::Beyond);
        }
        match end {
            None => Ok(Self::From(start)),
            Some(end) => between(start, end).map(|()| Self::Between(start, end)),
        }
    }

    /// Whether more may be added to it.
    #[must_use]
    pub fn may_grow(self) -> bool {
        !matches!(self, Self::Between(..))
    }

    /// The stretch of a recording that reaches from the first to the newest moment of `extent`.
    ///
    /// # Errors
    /// When that is too long.
    pub fn resolve(self, extent: Option<&Range<MediaTime>>) -> Result<Range<MediaTime>, RangeError> {
        let newest = extent.map_or(MediaTime::MIN, |extent| extent.end);
        match self {
            Self::Latest => Ok(newest.offset(Ticks(-LATEST.0))..MediaTime::MAX),
            Self::From(start) => {
                let first = extent.map_or(start, |extent| extent.start.max(start));
                if newest.since(first).0 > LONGEST.0 {
                    return Err(RangeError::TooLong { start, end: newest });
                }
                Ok(start..MediaTime::MAX)
            }
            Self::Between(start, end) => Ok(start..end),
        }
    }
}

fn between(start: MediaTime, end: MediaTime) -> Result<(), RangeError> {
    if end <= start {
        return Err(RangeError::Reversed { start, end });
    }
    if end.since(start).0 > LONGEST.0 {
        return Err(RangeError::TooLong { start, end });
    }
    Ok(())
}

/// Reads a moment, such as `2026-11-22T14:02:00.5Z`; without an offset it is meant in the zone.
///
/// # Errors
/// When it is none.
pub fn moment(name: &'static str, text: &str, zone: &TimeZone) -> Result<MediaTime, RangeError> {
    let meant = when::moment(text, zone).ok_or(RangeError::Moment { name })?;
    Ok(MediaTime::from_timestamp(meant.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "2026-11-20T12:00:00Z";

    fn read(start: Option<&str>, end: Option<&str>) -> Result<Asked, RangeError> {
        Asked::read(start, end, &TimeZone::UTC)
    }

    fn at(text: &str) -> MediaTime {
        MediaTime::from_timestamp(text.parse().unwrap())
    }

    fn extent(start: &str, end: &str) -> Range<MediaTime> {
        at(start)..at(end)
    }

    #[test]
    fn without_a_time_the_newest_four_hours_are_played_and_grow() {
        let asked = read(None, None).unwrap();
        let day = extent("2026-11-19T00:00:00Z", "2026-11-20T12:00:00Z");
        let range = asked.resolve(Some(&day)).unwrap();
        assert_eq!(range, at("2026-11-20T08:00:00Z")..MediaTime::MAX);
        assert!(asked.may_grow());
        assert_eq!(asked.resolve(None).unwrap(), MediaTime::MIN..MediaTime::MAX);
    }

    #[test]
    fn a_start_alone_plays_at_most_a_day_and_grows() {
        let asked = read(Some(NOON), None).unwrap();
        assert!(asked.may_grow());
        let short = extent("2026-11-01T00:00:00Z", "2026-11-21T12:00:00Z");
        assert_eq!(asked.resolve(Some(&short)).unwrap(), at(NOON)..MediaTime::MAX);
        let long = extent("2026-11-01T00:00:00Z", "2026-11-21T12:00:01Z");
        let error = asked.resolve(Some(&long)).unwrap_err();
        assert!(matches!(error, RangeError::TooLong { .. }), "{error}");
        // Only what was recorded counts.
        let later = extent("2026-11-21T00:00:00Z", "2026-11-21T12:00:01Z");
        assert!(asked.resolve(Some(&later)).is_ok());
        // In the future: nothing, and no error.
        let past = extent("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
        assert!(asked.resolve(Some(&past)).is_ok());
    }

    #[test]
    fn an_end_alone_is_an_error() {
        assert_eq!(read(None, Some(NOON)), Err(RangeError::EndAlone));
    }

    #[test]
    fn both_play_what_lies_between_for_at_most_a_day_and_do_not_grow() {
        let read = |start, end| super::tests::read(Some(start), Some(end));
        let asked = read(NOON, "2026-11-21T12:00:00Z").unwrap();
        assert!(!asked.may_grow());
        assert_eq!(asked.resolve(None).unwrap(), at(NOON)..at("2026-11-21T12:00:00Z"));
        for (end, wanted) in [
            ("2026-11-21T12:00:00.001Z", "more than 24 hours"),
            (NOON, "is not after"),
            ("2026-11-20T11:59:59Z", "is not after"),
        ] {
            let error = read(NOON, end).unwrap_err().to_string();
            assert!(error.contains(wanted), "{end}: {error}");
        }
        let both = Asked::read_both(Some(NOON), None, &TimeZone::UTC);
        assert_eq!(both, Err(RangeError::Both));
    }

    #[test]
    fn whoever_may_have_a_stretch_alone_gets_it_or_a_part_of_it() {
        let granted = extent("2026-11-20T12:00:00Z", "2026-11-20T12:05:00Z");
        let within = |start, end| Asked::within(start, end, &granted, &TimeZone::UTC);
        let minute = |minute: u32| format!("2026-11-20T12:0{minute}:00Z");
        assert_eq!(within(None, None), Ok(Asked::Between(granted.start, granted.end)));
        let (one, two, five) = (minute(1), minute(2), minute(5));
        assert_eq!(
            within(Some(&one), Some(&two)),
            Ok(Asked::Between(at(&one), at(&two)))
        );
        assert_eq!(
            within(Some(&one), None),
            Ok(Asked::Between(at(&one), granted.end))
        );
        assert_eq!(
            within(None, Some(&two)),
            Ok(Asked::Between(granted.start, at(&two)))
        );
        for (start, end) in [
            (Some("2026-11-20T11:59:59.999Z"), None),
            (None, Some("2026-11-20T12:05:00.001Z")),
            (Some("2026-11-20T13:00:00Z"), Some("2026-11-20T13:01:00Z")),
        ] {
            assert_eq!(within(start, end), Err(RangeError::Beyond), "{start:?} {end:?}");
        }
        let reversed = within(Some(&two), Some(&one)).unwrap_err();
        assert!(matches!(reversed, RangeError::Reversed { .. }), "{reversed}");
        assert!(within(Some(&five), None).is_err(), "nothing is left of it");
        let open = at(NOON)..MediaTime::MAX;
        assert_eq!(
            Asked::within(None, None, &open, &TimeZone::UTC),
            Ok(Asked::From(at(NOON)))
        );
        assert_eq!(
            Asked::within(None, Some(&two), &open, &TimeZone::UTC),
            Ok(Asked::Between(at(NOON), at(&two)))
        );
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        let long = format!("{NOON}{}", " ".repeat(100));
        for text in [
            "",
            "yesterday",
            "2026-11-20",
            "2026-13-20T12:00:00Z",
            "12:00",
            "-1",
            "x".repeat(100).as_str(),
        ] {
            let error = read(Some(text), None).unwrap_err();
            assert_eq!(error, RangeError::Moment { name: "startTime" }, "{text}");
        }
        assert!(
            read(Some(long.as_str()), None).is_ok(),
            "blanks around it do not matter"
        );
        assert!(read(Some("2026-11-20T13:00:00+01:00"), None).is_ok());
    }

    #[test]
    fn the_long_day_of_a_zone_is_asked_for_by_its_own_times() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let ask = |start, end| Asked::read(Some(start), Some(end), &berlin);
        let hour = ask("2026-10-25T02:30:00", "2026-10-25T02:30:00+01:00").unwrap();
        assert_eq!(
            hour,
            Asked::Between(at("2026-10-25T00:30:00Z"), at("2026-10-25T01:30:00Z"))
        );
        // It has 25 hours, which is an hour more than is played at once.
        let error = ask("2026-10-25T00:00:00", "2026-10-26T00:00:00").unwrap_err();
        assert!(matches!(error, RangeError::TooLong { .. }), "{error}");
        assert!(ask("2027-03-28T00:00:00", "2027-03-29T00:00:00").is_ok());
    }
}
