//! The table of what is kept how long.

use std::time::Duration;

use super::model::Rules;
use super::reader::{Item, Reader};
use super::sections::bytes;
use crate::recording::asset::name::check_asset;
use crate::recording::retention::{Limits, Pattern};
use crate::topology::Code;
use crate::topology::diagnostics::shown;

/// From an hour to a hundred years.
const HOURS: std::ops::RangeInclusive<u64> = 1..=876_000;

pub(super) fn read<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<Rules> {
    let rules = reader.section(item)?.members(reader, |reader, name, item| {
        let pattern = pattern(reader, name, item)?;
        Some((pattern, limits(reader, item)?))
    });
    Some(Rules::new(rules.into_values()))
}

fn pattern(reader: &mut Reader<'_>, name: &str, item: &Item<'_>) -> Option<Pattern> {
    let pattern = Pattern::parse(name);
    let (what, wrong) = match &pattern {
        Pattern::Name(name) => ("be", check_asset(name).is_err()),
        // Any name begins with nothing.
        Pattern::Prefix(prefix) => ("begin", !prefix.is_empty() && check_asset(prefix).is_err()),
    };
    if !wrong {
        return Some(pattern);
    }
    let message = format!("{} cannot {what} the name of an asset", shown(name));
    let hint = "write the name of an asset, or how it begins with a `*` behind it, as in `gate-*`";
    reader.mistake(item, Code::PropertyValueInvalidPattern, message, Some(hint));
    None
}

fn limits<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<Limits> {
    let mut section = reader.section(item)?;
    let empty = !section.has("keep") && !section.has("max_size");
    let mut limits = Limits::default();
    section.set_some(reader, "keep", &mut limits.keep, length);
    section.set_some(reader, "max_size", &mut limits.max_bytes, size);
    section.finish(reader);
    if empty {
        let message = format!("{} has neither `keep` nor `max_size`", shown(&item.key));
        reader.mistake(item, Code::PropertyMissing, message, None);
    }
    Some(limits)
}

fn length<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<Duration> {
    let text = reader.string(item)?;
    let hours = hours(text).filter(|hours| HOURS.contains(hours));
    if hours.is_none() {
        let message = format!("{} is no length of time for recordings", shown(text));
        let hint = "write hours, days or weeks, such as `30d`, `72h` or `4w`";
        reader.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
    }
    Some(Duration::from_secs(hours? * 3600))
}

fn hours(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    let hours = match unit.trim() {
        "h" => 1,
        "d" => 24,
        "w" => 7 * 24,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(hours)
}

fn size<'t>(reader: &mut Reader<'t>, item: &Item<'t>) -> Option<u64> {
    let text = reader.string(item)?;
    let size = bytes(text);
    if size.is_none() {
        let message = format!("{} is no size", shown(text));
        let hint = "write it with its unit, such as `200GiB` or `2TiB`";
        reader.mistake(item, Code::PropertyValueInvalid, message, Some(hint));
    }
    size
}
