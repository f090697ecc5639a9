//! Moments as people write them.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::MAX_WINDOW;

/// Why a text is no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no moment\nhint: write it as `2026-11-21T14:02:00Z`, `2026-11-21 14:02`, `14:02` or `yesterday 14:02`"
)]
pub struct NoMoment(String);

/// Longer texts are no moments.
const MAX_CHARS: usize = 64;

/// Why a text is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no length of time that can be looked at\nhint: write it as `30s`, `5m` or `PT30S`, up to {most} s",
    most = MAX_WINDOW.as_secs()
)]
pub struct NoWindow(String);

/// Reads how far around a moment to look, such as `30s`, `5m` or `PT30S`; at most [`MAX_WINDOW`].
///
/// # Errors
/// When it is no such length.
pub fn window(text: &str) -> Result<Duration, NoWindow> {
    let length = text.trim().parse::<SignedDuration>().ok();
    let length = length.and_then(|length| Duration::try_from(length).ok());
    length
        .filter(|length| *length <= MAX_WINDOW)
        .ok_or_else(|| NoWindow(shown(text)))
}

/// As much of a text as an error repeats.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect()
}

/// As it stands in events: UTC, milliseconds.
#[must_use]
pub fn iso(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Reads `2026-11-21T14:02:00Z` (or with an offset), a date and a time, `14:02` (the last one that has passed), `today
/// 14:02` or `yesterday 14:02`. What has no offset is meant in `zone`.
///
/// # Errors
/// When it is none of them.
pub fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, NoMoment> {
    let text = text.trim();
    let refused = || NoMoment(shown(text));
    if text.len() > MAX_CHARS {
        return Err(refused());
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let today = now.to_zoned(zone.clone()).date();
    local(text, today, now, zone).ok_or_else(refused)
}

fn local(text: &str, today: Date, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let moment = |date: Date, time: &str| {
        let time: Time = time.trim().parse().ok()?;
        // In the hour that is there twice, the first; in the one that is not there, as much later.
        Some(date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp())
    };
    let yesterday = today.checked_sub(1.day()).ok()?;
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    match first.to_ascii_lowercase().as_str() {
        "today" => return moment(today, rest),
        "yesterday" => return moment(yesterday, rest),
        _ => {}
    }
    if let Ok(whole) = text.parse::<DateTime>()
        && text.contains(':')
    {
        return Some(whole.to_zoned(zone.clone()).ok()?.timestamp());
    }
    let at = moment(today, text)?;
    // Asked at nine in the morning, `23:10` is last night's.
    if at <= now {
        Some(at)
    } else {
        moment(yesterday, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, zone: &TimeZone) -> Option<String> {
        let now = "2026-11-21T09:30:00Z".parse().unwrap();
        parse(text, now, zone).ok().map(|at| at.to_string())
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        for (text, utc) in [
            ("2026-11-20T14:02:00Z", Some("2026-11-20T14:02:00Z")),
            ("2026-11-20T14:02:00+02:00", Some("2026-11-20T12:02:00Z")),
            ("2026-11-20 14:02", Some("2026-11-20T14:02:00Z")),
            ("2026-11-20T14:02:03.5", Some("2026-11-20T14:02:03.5Z")),
            ("09:02", Some("2026-11-21T09:02:00Z")),
            ("14:02", Some("2026-11-20T14:02:00Z")),
            ("yesterday 14:02:30", Some("2026-11-20T14:02:30Z")),
            ("Today 08:00", Some("2026-11-21T08:00:00Z")),
            ("", None),
            ("soon", None),
            ("2026-11-20", None),
            ("25:00", None),
            ("yesterday", None),
        ] {
            assert_eq!(parsed(text, &TimeZone::UTC).as_deref(), utc, "{text}");
        }
    }

    #[test]
    fn a_time_without_an_offset_is_meant_in_the_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(parsed("11:00", &zone).as_deref(), Some("2026-11-21T09:00:00Z"));
        assert_eq!(
            parsed("yesterday 00:30", &zone).as_deref(),
            Some("2026-11-19T22:30:00Z")
        );
    }

    #[test]
    fn a_window_is_a_length_of_time_up_to_an_hour() {
        for (text, seconds) in [
            ("30s", Some(30)),
            ("5m", Some(300)),
            ("PT10S", Some(10)),
            ("1h", Some(3600)),
            ("2h", None),
            ("-5s", None),
            ("5", None),
            ("", None),
        ] {
            assert_eq!(
                window(text).ok().map(|length| length.as_secs()),
                seconds,
                "{text}"
            );
        }
    }

    #[test]
    fn a_refusal_says_how_to_write_it_and_shows_no_control_characters() {
        let error = parse("no\u{1b}w", Timestamp::UNIX_EPOCH, &TimeZone::UTC).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("`now` is no moment\nhint: write it as"),
            "{error}"
        );
    }
}
