//! Wall-clock time as events and clips write it, in 90 kHz ticks since the Unix epoch.

use std::time::{SystemTime, UNIX_EPOCH};

/// Ticks in a second.
pub(crate) const TICKS: f64 = 90_000.0;

/// Seconds since the Unix epoch, now.
pub(crate) fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

/// Seconds since the Unix epoch of a moment such as `2026-11-20T10:00:00.250Z`; none for anything else.
pub(crate) fn parse_iso(text: &str) -> Option<f64> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut clock = clock.splitn(3, ':');
    let hour: f64 = clock.next()?.parse().ok()?;
    let minute: f64 = clock.next()?.parse().ok()?;
    let second: f64 = clock.next()?.parse().ok()?;
    let valid =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24.0 && minute < 60.0 && second < 61.0;
    valid
        .then(|| days_from_civil(year, month, day) as f64 * 86_400.0 + hour * 3600.0 + minute * 60.0 + second)
}

/// Days from 1970-01-01 in the Gregorian calendar, by counting years from March (Howard Hinnant's method).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The time of day of a moment, such as `10:00:00.250`, in UTC.
pub(crate) fn clock(seconds: f64) -> String {
    let millis = (seconds * 1000.0).round() as i64;
    let (day, ms) = (
        millis.div_euclid(1000).rem_euclid(86_400),
        millis.rem_euclid(1000),
    );
    format!("{:02}:{:02}:{:02}.{ms:03}", day / 3600, day / 60 % 60, day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_to_the_fraction_of_a_second() {
        assert_eq!(parse_iso("1970-01-01T00:00:00Z"), Some(0.0));
        assert_eq!(parse_iso("2020-05-12T23:33:09.381Z"), Some(1_589_326_389.381));
        assert_eq!(parse_iso("2024-02-29T12:00:00Z"), Some(1_709_208_000.0));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026-11-20",
            "2026-13-20T00:00:00Z",
            "2026-11-20T10:00:00+01:00",
            "now",
        ] {
            assert_eq!(parse_iso(text), None, "{text}");
        }
    }

    #[test]
    fn the_time_of_day_is_written_with_milliseconds() {
        assert_eq!(clock(1_589_326_389.381), "23:33:09.381");
        assert_eq!(clock(86_399.999_9), "00:00:00.000");
    }
}
