//! ISO 8601 durations (`PT30S`, `-PT5S`, `P1DT2H`, `PT0.5S`) as signed 90 kHz ticks.
//!
//! Small on purpose: it is compiled into components. Years and months have no fixed length and are refused.

#![forbid(unsafe_code)]

/// Ticks in one second of media time.
pub const TICKS_PER_SECOND: i64 = 90_000;

/// More than any configuration means; keeps all sums far from overflow.
const MAX_SECONDS: f64 = 1e9;

/// Reads a duration, rounded to the nearest tick.
///
/// # Errors
/// Says what is wrong with the text and how a duration is written.
pub fn parse(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no ISO 8601 duration; write it like `PT30S`, `-PT5S` or `PT1M30.5S`");
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let rest = rest.strip_prefix(['P', 'p']).ok_or_else(wrong)?;
    let (date, time) = match rest.split_once(['T', 't']) {
        Some((_, "")) => return Err(wrong()),
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return Err(wrong());
    }
    let days = components(date, &[('W', 604_800.0), ('D', 86_400.0)]).ok_or_else(wrong)?;
    let clock = components(time, &[('H', 3600.0), ('M', 60.0), ('S', 1.0)]).ok_or_else(wrong)?;
    let seconds = days + clock;
    if seconds > MAX_SECONDS {
        return Err(format!("`{text}` is too long a duration"));
    }
    let ticks = (seconds * TICKS_PER_SECOND as f64).round() as i64;
    Ok(if negative { -ticks } else { ticks })
}

/// Sums up `12H30M`, whose units must come in the order of `units`, each at most once. Only the last may have a
/// fraction.
fn components(mut text: &str, mut units: &[(char, f64)]) -> Option<f64> {
    let mut sum = 0.0;
    while !text.is_empty() {
        let end = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, rest) = text.split_at_checked(end)?;
        let unit = rest.chars().next()?.to_ascii_uppercase();
        let at = units.iter().position(|(letter, _)| *letter == unit)?;
        let (_, seconds) = units.get(at)?;
        units = units.get(at + 1..)?;
        text = rest.get(1..)?;
        sum += decimal(number, text.is_empty())? * seconds;
    }
    Some(sum)
}

/// A plain decimal number; no exponent, no sign, which `f64::from_str` would let through.
fn decimal(number: &str, may_have_fraction: bool) -> Option<f64> {
    let number = number.replace(',', ".");
    let digits_only = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let plain = match number.split_once('.') {
        Some((whole, fraction)) => may_have_fraction && digits_only(whole) && digits_only(fraction),
        None => digits_only(&number),
    };
    plain.then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [
            ("PT30S", 30.0),
            ("-PT5S", -5.0),
            ("+PT5S", 5.0),
            ("PT1M30.5S", 90.5),
            ("PT0,5S", 0.5),
            ("P1DT1H", 90_000.0),
            ("P1W", 604_800.0),
            ("PT0S", 0.0),
            ("pt1s", 1.0),
        ] {
            assert_eq!(parse(text), Ok((seconds * 90_000.0) as i64), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        for text in [
            "",
            "30",
            "30S",
            "P",
            "PT",
            "P1DT",
            "P1Y",
            "P1M",
            "PT1X",
            "PT1S1M",
            "PT1S1S",
            "PT-1S",
            "PT1e3S",
            "PT.5S",
            "PT1.S",
            "PT1.5M2S",
            "PT S",
            "PTS",
            "--PT1S",
            "P1S",
            "PT1D",
            "PTinfS",
            "P999999999W",
            "PT1Sß",
            "Pß",
            "PTß1S",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_error_shows_how_to_write_it() {
        assert!(parse("30 s").unwrap_err().contains("`PT30S`"));
    }
}
