//! Spring and autumn where clocks are changed by an hour, and where they are changed by half of one.

use super::*;

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

/// Clocks are changed by half an hour: forward on 4 October 2026, back on 5 April 2026.
fn lord_howe() -> TimeZone {
    TimeZone::get("Australia/Lord_Howe").unwrap()
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// In UTC, and whether there is something to be told.
fn read(text: &str, zone: &TimeZone) -> (String, bool) {
    let meant = moment(text, zone).unwrap_or_else(|| panic!("{text}"));
    (meant.at.to_string(), meant.note.is_some())
}

#[test]
fn moments_are_read_as_people_write_them() {
    let now = instant("2026-11-21T09:30:00Z");
    for (text, utc) in [
        ("2026-11-20T14:02:00Z", Some("2026-11-20T14:02:00Z")),
        ("2026-11-20T14:02:00+02:00", Some("2026-11-20T12:02:00Z")),
        ("2026-11-20 14:02", Some("2026-11-20T14:02:00Z")),
        (" 2026-11-20T14:02:03.5 ", Some("2026-11-20T14:02:03.5Z")),
        ("09:02", Some("2026-11-21T09:02:00Z")),
        ("14:02", Some("2026-11-20T14:02:00Z")),
        ("yesterday 14:02:30", Some("2026-11-20T14:02:30Z")),
        ("Today 08:00", Some("2026-11-21T08:00:00Z")),
        ("", None),
        ("soon", None),
        ("2026-11-20", None),
        ("25:00", None),
        ("yesterday", None),
        ("2026-11-20T14:02:00[Europe/Berlin]", None),
        ("2026-11-20T14:02:00+99:00", None),
        ("2026-11-20T14:02:00 CET", None),
    ] {
        let found = at(text, now, &TimeZone::UTC).ok();
        assert_eq!(found.map(|one| one.at.to_string()).as_deref(), utc, "{text}");
    }
}

#[test]
fn a_time_without_an_offset_is_meant_in_the_zone() {
    let now = instant("2026-11-21T09:30:00Z");
    let of = |text: &str| at(text, now, &berlin()).unwrap().at.to_string();
    assert_eq!(of("10:00"), "2026-11-21T09:00:00Z");
    assert_eq!(of("10:31"), "2026-11-20T09:31:00Z");
    assert_eq!(of("yesterday 00:30"), "2026-11-19T23:30:00Z");
    assert_eq!(read("2026-07-01 12:00", &berlin()).0, "2026-07-01T10:00:00Z");
    assert_eq!(read("2026-07-01 12:00Z", &berlin()).0, "2026-07-01T12:00:00Z");
}

#[test]
fn lengths_days_and_moments_are_read_and_days_begin_at_midnight() {
    let now = instant("2026-11-21T14:02:00Z");
    let of = |text| since(text, now, &berlin()).map(|one| one.at.to_string());
    for (text, utc) in [
        ("7d", "2026-11-13T23:00:00Z"),
        ("1w", "2026-11-13T23:00:00Z"),
        ("12h", "2026-11-21T02:02:00Z"),
        ("today", "2026-11-20T23:00:00Z"),
        ("Yesterday", "2026-11-19T23:00:00Z"),
        ("2026-11-20", "2026-11-19T23:00:00Z"),
        ("2026-11-20 10:00", "2026-11-20T09:00:00Z"),
        ("14:02:30", "2026-11-21T13:02:30Z"),
        ("yesterday 14:02", "2026-11-20T13:02:00Z"),
    ] {
        assert_eq!(of(text).unwrap(), utc, "{text}");
    }
    let long = "1".repeat(MAX_BYTES + 1);
    for wrong in ["", "soon", "-7d", "2026-13-01", "99999999y", long.as_str()] {
        let error = of(wrong).unwrap_err().to_string();
        assert!(error.contains("hint: write `7d`"), "{wrong}: {error}");
    }
    assert_eq!(NoMoment::of("no\u{1b}w", AT).text, "now");
}

#[test]
fn what_the_clock_shows_twice_is_the_first_and_a_note_says_how_to_write_the_second() {
    // 25 October 2026 has 25 hours in Berlin: 02:00 to 03:00 comes twice.
    assert_eq!(
        read("2026-10-25 01:59:59", &berlin()),
        ("2026-10-24T23:59:59Z".into(), false)
    );
    assert_eq!(
        read("2026-10-25 02:30", &berlin()),
        ("2026-10-25T00:30:00Z".into(), true)
    );
    assert_eq!(
        read("2026-10-25 03:00", &berlin()),
        ("2026-10-25T02:00:00Z".into(), false)
    );
    let note = moment("2026-10-25 02:30", &berlin()).unwrap().note.unwrap();
    assert_eq!(
        note,
        "2026-10-25 02:30 comes twice in Europe/Berlin: the first is meant, 2026-10-25 02:30:00+02:00; \
         for the second write 2026-10-25 02:30:00+01:00"
    );
    // What the note says to write is the other one, and leaves nothing open.
    assert_eq!(
        read("2026-10-25 02:30:00+01:00", &berlin()),
        ("2026-10-25T01:30:00Z".into(), false)
    );
    // On Lord Howe only the half hour from 01:30 to 02:00 comes twice.
    assert_eq!(
        read("2026-04-05 01:29", &lord_howe()),
        ("2026-04-04T14:29:00Z".into(), false)
    );
    assert_eq!(
        read("2026-04-05 01:45", &lord_howe()),
        ("2026-04-04T14:45:00Z".into(), true)
    );
    assert_eq!(
        read("2026-04-05 02:00", &lord_howe()),
        ("2026-04-04T15:30:00Z".into(), false)
    );
}

#[test]
fn what_the_clock_never_shows_is_as_much_later_and_a_note_says_so() {
    // 28 March 2027 has 23 hours in Berlin: 02:00 to 03:00 is left out.
    assert_eq!(
        read("2027-03-28 01:59", &berlin()),
        ("2027-03-28T00:59:00Z".into(), false)
    );
    assert_eq!(
        read("2027-03-28 02:30", &berlin()),
        ("2027-03-28T01:30:00Z".into(), true)
    );
    assert_eq!(
        read("2027-03-28 03:30", &berlin()),
        ("2027-03-28T01:30:00Z".into(), false)
    );
    let note = moment("2027-03-28 02:30", &berlin()).unwrap().note.unwrap();
    assert!(note.ends_with("2027-03-28 03:30:00+02:00 is meant"), "{note}");
    assert_eq!(
        read("2026-10-04 02:15", &lord_howe()),
        ("2026-10-03T15:45:00Z".into(), true)
    );
    assert_eq!(
        written(instant("2026-10-03T15:45:00Z"), &lord_howe()),
        "2026-10-04 02:45:00+11:00"
    );
}

#[test]
fn days_have_as_many_hours_as_they_have() {
    let hours = |zone: &TimeZone, day: &str, next: &str| {
        let begins = |text| since(text, Timestamp::UNIX_EPOCH, zone).unwrap().at;
        begins(next).duration_since(begins(day)).as_secs_f64() / 3600.0
    };
    assert_eq!(hours(&berlin(), "2026-10-25", "2026-10-26"), 25.0);
    assert_eq!(hours(&berlin(), "2027-03-28", "2027-03-29"), 23.0);
    assert_eq!(hours(&lord_howe(), "2026-04-05", "2026-04-06"), 24.5);
    assert_eq!(hours(&lord_howe(), "2026-10-04", "2026-10-05"), 23.5);
    // Asked at noon of the long day, yesterday and one day ago are the same midnight; 24 hours ago is another moment.
    let noon = instant("2026-10-25T11:00:00Z");
    let of = |text| since(text, noon, &berlin()).unwrap().at.to_string();
    assert_eq!(of("1d"), "2026-10-23T22:00:00Z");
    assert_eq!(of("yesterday"), "2026-10-23T22:00:00Z");
    assert_eq!(of("today"), "2026-10-24T22:00:00Z");
    assert_eq!(of("24h"), "2026-10-24T11:00:00Z");
}

#[test]
fn what_is_printed_has_its_offset() {
    let at = instant("2026-10-25T00:30:00.25Z");
    assert_eq!(written(at, &berlin()), "2026-10-25 02:30:00+02:00");
    assert_eq!(
        written_exactly(at, &TimeZone::UTC),
        "2026-10-25 00:30:00.250+00:00"
    );
    assert_eq!(offset(at, &lord_howe()), "+11:00");
    assert_eq!(
        for_people("from 2026-10-25T00:30:00.250Z, in Zürich. 2026 ZZ Z", &berlin()),
        "from 2026-10-25 02:30:00.250+02:00, in Zürich. 2026 ZZ Z"
    );
    // An hour later the clock shows the same, and the names of two files differ all the same.
    let later = instant("2026-10-25T01:30:00Z");
    assert_eq!(file_stamp(at, &berlin()), "2026-10-25T02-30-00+0200");
    assert_eq!(file_stamp(later, &berlin()), "2026-10-25T02-30-00+0100");
    assert_eq!(file_stamp(later, &lord_howe()), "2026-10-25T12-30-00+1100");
}

#[test]
fn only_what_is_meant_in_a_zone_depends_on_it() {
    for text in [
        "10m",
        "PT1H",
        "600s",
        "2026-11-21T08:50:00Z",
        "2026-11-21T08:50:00+01:00",
    ] {
        assert!(!depends_on_zone(text), "{text}");
    }
    for text in ["1d", "2w", "today", "14:02:30", "2026-11-21", "2026-11-21 08:50"] {
        assert!(depends_on_zone(text), "{text}");
    }
}
