//! Moments as people write and read them, in the zone of the site. All commands and requests read times here.
//!
//! A time without an offset is meant in the zone. Around the days on which clocks are changed it may be two moments, or none:
//! - what the clock shows twice, because it went back, is meant the first time;
//! - what it never shows, because it went forward, is meant as much later as was left out: 02:30 becomes 03:30.
//!
//! Either comes with a note. Whoever means something else writes an offset.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp, ToSpan as _};

/// Longer texts are no moments, in bytes.
const MAX_BYTES: usize = 64;
/// Bytes of a date: `2026-11-22`.
const DATE: usize = 10;
/// How a moment of a day is written.
const AT: &str = "is no moment\nhint: write it as `2026-11-21T14:02:00Z`, `2026-11-21 14:02`, `14:02` or `yesterday 14:02`";
/// How a beginning or an end is written.
const SINCE: &str = "is no moment and no length of time\n\
    hint: write `7d`, `12h`, `yesterday`, `14:02`, `2026-11-21`, `2026-11-21 14:02` or `2026-11-21T14:02:00Z`";

/// Why a text is no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` {why}")]
pub struct NoMoment {
    text: String,
    why: &'static str,
}

impl NoMoment {
    fn of(text: &str, why: &'static str) -> Self {
        Self {
            text: shown(text),
            why,
        }
    }
}

/// As much of a text as an error repeats.
pub(crate) fn shown(text: &str) -> String {
    let letters = text.chars().filter(|letter| !crate::text::obeyed(*letter));
    letters.take(MAX_BYTES).collect()
}

/// What somebody meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meant {
    /// The moment.
    pub at: Timestamp,
    /// What to tell them: the site's clock shows what they wrote twice, or never.
    pub note: Option<String>,
}

impl From<Timestamp> for Meant {
    fn from(at: Timestamp) -> Self {
        Self { at, note: None }
    }
}

/// Reads a date with a time: `2026-11-21T14:02:00Z`, with another offset, or without one; between the two may be a blank. None:
/// it is something else.
#[must_use]
pub fn moment(text: &str, zone: &TimeZone) -> Option<Meant> {
    let text = text.trim();
    if text.len() > MAX_BYTES {
        return None;
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.into());
    }
    // An offset that cannot be read must not be passed over, nor the name of a zone.
    let (_, time) = text.split_at_checked(DATE)?;
    let plain = time.contains(':')
        && time
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b":.Tt ".contains(&byte));
    local(plain.then(|| text.parse().ok())??, zone)
}

/// Reads a moment of some day: as [`moment`] does, or `14:02` (the last one that has passed), `today 14:02`, `yesterday 14:02`.
///
/// # Errors
/// When it is none of them.
pub fn at(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Meant, NoMoment> {
    let found = moment(text, zone).or_else(|| of_day(text.trim(), now, zone));
    found.ok_or_else(|| NoMoment::of(text, AT))
}

/// Reads from when on, or until when: a length of time before now such as `7d` or `12h` (days and weeks begin at midnight, so that
/// the first day is whole), `today`, `yesterday`, a date, or what [`at`] reads.
///
/// # Errors
/// When it is none of them.
pub fn since(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Meant, NoMoment> {
    let trimmed = text.trim();
    if trimmed.len() > MAX_BYTES {
        return Err(NoMoment::of(text, SINCE));
    }
    let early = length(trimmed, now, zone).or_else(|| day(trimmed, now, zone));
    match early {
        Some(at) => Ok(at.into()),
        None => at(trimmed, now, zone).map_err(|_| NoMoment::of(text, SINCE)),
    }
}

/// Whether [`since`] reads something else from a text in another zone.
#[must_use]
pub fn depends_on_zone(text: &str) -> bool {
    let text = text.trim();
    // Of hours and less, which are as long everywhere.
    let days = |span: Span| {
        let longer = (
            span.get_years(),
            span.get_months(),
            span.get_weeks(),
            span.get_days(),
        );
        longer != (0, 0, 0, 0) || text.ends_with(['d', 'w', 'D', 'W'])
    };
    let length = !text.contains(':') && text.parse().is_ok_and(|span| !days(span));
    !(text.parse::<Timestamp>().is_ok() || length)
}

/// As people read it, with the offset, so that nobody has to know whose time it is: `2026-11-22 14:02:07+01:00`.
#[must_use]
pub fn written(at: Timestamp, zone: &TimeZone) -> String {
    format(at, zone, "%Y-%m-%d %H:%M:%S%:z")
}

/// The same to the millisecond.
#[must_use]
pub fn written_exactly(at: Timestamp, zone: &TimeZone) -> String {
    format(at, zone, "%Y-%m-%d %H:%M:%S%.3f%:z")
}

/// In letters that every file system takes: `2026-11-22T14-02-07+0100`.
#[must_use]
pub fn file_stamp(at: Timestamp, zone: &TimeZone) -> String {
    format(at, zone, "%Y-%m-%dT%H-%M-%S%z")
}

/// A text with the moments in it, as programs write them (`2026-11-22T13:02:07.123Z`), written as people of the zone read them.
#[must_use]
pub fn for_people(text: &str, zone: &TimeZone) -> String {
    let words = text.split(' ').map(|word| {
        let (stamp, rest) = match word.find('Z') {
            Some(end) => word.split_at(end + 1),
            None => return word.to_owned(),
        };
        match stamp.parse::<Timestamp>() {
            Ok(at) => format!("{}{rest}", written_exactly(at, zone)),
            Err(_) => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// How far the clocks of the zone are ahead of UTC: `+01:00`.
#[must_use]
pub fn offset(at: Timestamp, zone: &TimeZone) -> String {
    format(at, zone, "%:z")
}

/// What a zone is called: `Europe/Berlin`.
#[must_use]
pub fn name(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_owned()
}

fn format(at: Timestamp, zone: &TimeZone, how: &str) -> String {
    at.to_zoned(zone.clone()).strftime(how).to_string()
}

/// The moment at which clocks of the zone show this.
fn local(shown: DateTime, zone: &TimeZone) -> Option<Meant> {
    let ambiguous = zone.to_ambiguous_zoned(shown);
    let name = zone.iana_name().unwrap_or("this zone");
    let wanted = shown.strftime("%Y-%m-%d %H:%M");
    let kind = ambiguous.offset();
    let at = ambiguous.clone().compatible().ok()?.timestamp();
    let note = match kind {
        AmbiguousOffset::Unambiguous { .. } => None,
        AmbiguousOffset::Fold { .. } => {
            let other = ambiguous.later().ok()?.timestamp();
            let (at, other) = (written(at, zone), written(other, zone));
            Some(format!(
                "{wanted} comes twice in {name}: the first is meant, {at}; for the second write {other}"
            ))
        }
        AmbiguousOffset::Gap { .. } => {
            let at = written(at, zone);
            Some(format!(
                "{wanted} is left out in {name}, since clocks go forward: {at} is meant"
            ))
        }
    };
    Some(Meant { at, note })
}

fn of_day(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Meant> {
    let today = now.to_zoned(zone.clone()).date();
    let yesterday = today.checked_sub(1.day()).ok()?;
    let on = |day: Date, time: &str| local(day.to_datetime(clock(time)?), zone);
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    match first.to_ascii_lowercase().as_str() {
        "today" => on(today, rest),
        "yesterday" => on(yesterday, rest),
        // Asked at nine in the morning, `23:10` is last night's.
        _ => on(today, text)
            .filter(|one| one.at <= now)
            .or_else(|| on(yesterday, text)),
    }
}

/// `14:02`, `14:02:30.5`.
fn clock(text: &str) -> Option<Time> {
    let text = text.trim();
    let plain = text.contains(':')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b":.".contains(&byte));
    plain.then(|| text.parse().ok()).flatten()
}

/// So long before now.
fn length(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    // `14:02:30` could be read as a length, too.
    let span: Span = (!text.contains(':')).then(|| text.parse().ok()).flatten()?;
    let earlier = now.to_zoned(zone.clone()).checked_sub(span).ok()?;
    let earlier = match text.ends_with(['d', 'w', 'D', 'W']) {
        true => earlier.start_of_day().ok()?,
        false => earlier,
    };
    (!span.is_negative()).then(|| earlier.timestamp())
}

/// When a day begins.
fn day(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let today = now.to_zoned(zone.clone()).date();
    let day = match text.to_ascii_lowercase().as_str() {
        "today" => today,
        "yesterday" => today.checked_sub(1.day()).ok()?,
        other => (other.len() <= DATE).then(|| other.parse().ok()).flatten()?,
    };
    Some(day.to_zoned(zone.clone()).ok()?.timestamp())
}

#[cfg(test)]
mod tests;
