//! ISO 8601 durations as topologies write them (`PT30S`, `-PT5S`, `PT1M30.5S`).

use jiff::{SignedDuration, Span};

use super::{TICKS_PER_SECOND, Ticks};

/// Reads an ISO 8601 duration of days, hours, minutes and seconds, with an optional sign.
///
/// # Errors
/// Says what was wrong, in words that fit behind "expected an ISO 8601 duration".
pub fn parse(text: &str) -> Result<Ticks, String> {
    if !text.trim_start_matches(['-', '+']).starts_with(['P', 'p']) {
        return Err(format!("`{text}` does not start with `P`; write it like `PT30S`"));
    }
    let span: Span = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err("years and months have no fixed length; use days, hours, minutes and seconds".into());
    }
    let duration =
        SignedDuration::try_from(span.weeks_as_seconds()).map_err(|error: jiff::Error| error.to_string())?;
    let ticks = duration.as_nanos() * i128::from(TICKS_PER_SECOND) / 1_000_000_000;
    i64::try_from(ticks)
        .map(Ticks)
        .map_err(|_| "the duration is too long".into())
}

trait DaysAsSeconds {
    fn weeks_as_seconds(self) -> Span;
}

impl DaysAsSeconds for Span {
    // On the media timeline each day has 24 hours.
    fn weeks_as_seconds(self) -> Span {
        let days = i64::from(self.get_weeks()) * 7 + i64::from(self.get_days());
        let seconds = self.get_seconds().saturating_add(days.saturating_mul(86_400));
        self.try_weeks(0)
            .and_then(|span| span.try_days(0))
            .and_then(|span| span.try_seconds(seconds))
            .unwrap_or(self)
    }
}

/// Writes a stretch of time the way it is read.
#[must_use]
pub fn format(ticks: Ticks) -> String {
    let sign = if ticks.0 < 0 { "-" } else { "" };
    let seconds = ticks.0.unsigned_abs() as f64 / TICKS_PER_SECOND as f64;
    format!("{sign}PT{seconds}S")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_lva_are_read() {
        for (text, ticks) in [
            ("PT30S", 30 * 90_000),
            ("-PT5S", -5 * 90_000),
            ("PT1M30.5S", 8_145_000),
            ("P1DT1H", 25 * 3600 * 90_000),
            ("PT0S", 0),
            ("pt1s", 90_000),
        ] {
            assert_eq!(parse(text), Ok(Ticks(ticks)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        for text in [
            "",
            "30",
            "PT",
            "P1M",
            "P1Y",
            "PT1X",
            "30s",
            "PT-",
            "P99999999999999D",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn formatting_round_trips() {
        for ticks in [0, 90_000, -450_000, 8_145_000] {
            assert_eq!(parse(&format(Ticks(ticks))), Ok(Ticks(ticks)));
        }
    }
}
