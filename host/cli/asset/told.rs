//! Recordings and what is held of them, as people read it.

use jiff::tz::TimeZone;

use super::Holds;
use crate::cli::site::shown_exactly;
use crate::cli::table::{Cell, Paint, Table, clean};
use crate::playback::listing::{Listed, Page};
use crate::recording::deletion::Deleted;
use crate::recording::holds::Hold;

pub(super) fn listed(page: &Page, zone: &TimeZone, paint: Paint) -> String {
    if page.value.is_empty() {
        return "nothing was recorded\n".to_owned();
    }
    let mut table = Table::new(&["ASSET", "STORE", "INSTANCE", "FROM", "TO", "", ""]);
    for one in &page.value {
        let Listed { start, end, .. } = one;
        table.row([
            Cell::text(&one.name),
            Cell::text(&one.store),
            Cell::text(&one.instance),
            Cell::text(&told(start.as_deref(), zone)),
            Cell::text(&told(end.as_deref(), zone)),
            Cell::text(if one.live { "recording" } else { "" }),
            Cell::text(if one.held { "held" } else { "" }),
        ]);
    }
    table.render(paint)
}

pub(super) fn held(holds: &Holds, zone: &TimeZone, paint: Paint) -> String {
    if holds.value.is_empty() {
        return "nothing is held\n".to_owned();
    }
    let head = [
        "HOLD", "ASSET", "STORE", "FROM", "TO", "SINCE", "UNTIL", "WHO", "REASON",
    ];
    let mut table = Table::new(&head);
    for one in &holds.value {
        table.row([
            Cell::right(&one.id.to_string()),
            Cell::text(&one.asset),
            Cell::text(&one.store),
            Cell::text(&told(one.start.as_deref(), zone)),
            Cell::text(&told(one.end.as_deref(), zone)),
            Cell::text(&told(Some(&one.since), zone)),
            Cell::text(&told(one.until.as_deref(), zone)),
            Cell::text(&one.who),
            Cell::text(&one.reason),
        ]);
    }
    table.render(paint)
}

/// A moment, where there is one.
fn told(moment: Option<&str>, zone: &TimeZone) -> String {
    moment.map_or_else(|| "-".to_owned(), |moment| shown_exactly(moment, zone))
}

pub(super) fn said(what: &str, one: &Hold, zone: &TimeZone) -> String {
    let shown = |moment: &Option<String>| moment.as_ref().map(|moment| shown_exactly(moment, zone));
    let from = shown(&one.start).unwrap_or_else(|| "the beginning".to_owned());
    let to = shown(&one.end).unwrap_or_else(|| "whatever comes".to_owned());
    let until = shown(&one.until).map_or_else(String::new, |until| format!(", until {until}"));
    let asset = clean(&one.asset);
    format!("{what}: {asset} from {from} to {to}{until} (hold {})\n", one.id)
}

pub(super) fn deleted(one: &Deleted, zone: &TimeZone) -> String {
    let asset = clean(&one.asset);
    let mut text = match (&one.start, &one.end) {
        (Some(start), Some(end)) => format!(
            "deleted: {asset} from {} to {}, {} segments, {} bytes\n",
            shown_exactly(start, zone),
            shown_exactly(end, zone),
            one.segments,
            one.bytes
        ),
        _ => format!("nothing of {asset} was there\n"),
    };
    if one.still_recording {
        text.push_str(
            "what is being recorded now is still there\nhint: delete again when its segment is sealed, or deactivate the instance first\n",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_told_with_its_stretch_and_its_reason() {
        let hold = Hold {
            id: 7,
            asset: "gate".into(),
            store: "local".into(),
            start: Some("2026-11-20T12:00:00.000Z".into()),
            reason: "theft, case 12".into(),
            who: "boss".into(),
            since: "2026-11-21T08:00:00.000Z".into(),
            ..Hold::default()
        };
        assert_eq!(
            said("held", &hold, &TimeZone::UTC),
            "held: gate from 2026-11-20 12:00:00.000+00:00 to whatever comes (hold 7)\n"
        );
        let text = held(&Holds { value: vec![hold] }, &TimeZone::UTC, Paint::Plain);
        assert!(text.contains("boss  theft, case 12"), "{text}");
        assert_eq!(
            held(&Holds::default(), &TimeZone::UTC, Paint::Plain),
            "nothing is held\n"
        );
    }

    #[test]
    fn what_is_deleted_is_told_and_what_is_still_recorded() {
        let mut one = Deleted {
            asset: "gate".into(),
            still_recording: true,
            ..Deleted::default()
        };
        let text = deleted(&one, &TimeZone::UTC);
        assert!(text.starts_with("nothing of gate was there\n"), "{text}");
        assert!(text.contains("hint: delete again"), "{text}");
        one = Deleted {
            start: Some("a".into()),
            end: Some("b".into()),
            segments: 3,
            bytes: 42,
            still_recording: false,
            ..one
        };
        assert_eq!(
            deleted(&one, &TimeZone::UTC),
            "deleted: gate from a to b, 3 segments, 42 bytes\n"
        );
    }
}
