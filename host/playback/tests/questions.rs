//! What is available, and when no moment is named.

use super::*;

fn ask(there: &There<'_>, precision: &str, start: Option<&str>, end: Option<&str>) -> Vec<(String, String)> {
    let question = Question::read(Some(precision), start, end).unwrap();
    let ranges = there.answer(&question).unwrap().time_ranges;
    ranges.into_iter().map(|range| (range.start, range.end)).collect()
}

fn pair(start: &str, end: &str) -> (String, String) {
    (start.to_owned(), end.to_owned())
}

#[test]
fn units_are_told_that_have_something_and_neighbours_are_one() {
    let recorded = Recorded::new();
    for day in [
        "2021-05-05T12:00:00Z",
        "2023-12-31T23:59:59Z",
        "2025-10-30T12:00:00Z",
        "2025-11-30T23:59:58Z",
        "2026-01-05T12:00:00Z",
        "2026-01-06T12:00:00Z",
        "2026-01-08T12:00:00Z",
        "2026-03-01T00:00:00Z",
    ] {
        recorded.0.segment(at(day), Ticks::from_secs(2), 1000);
    }
    let there = recorded.there(None);
    assert_eq!(
        ask(&there, "year", None, None),
        [pair("2021", "2021"), pair("2023", "2026")]
    );
    assert_eq!(ask(&there, "year", Some("2019"), Some("2020")), []);
    assert_eq!(ask(&there, "year", Some("2025"), None), [pair("2025", "2026")]);
    assert_eq!(
        ask(&there, "year", Some("1900"), Some("2022")),
        [pair("2021", "2021")]
    );
    assert_eq!(
        ask(&there, "month", Some("2025-10"), Some("2026-09")),
        [
            pair("2025-10", "2025-11"),
            pair("2026-01", "2026-01"),
            pair("2026-03", "2026-03")
        ]
    );
    assert_eq!(
        ask(&there, "day", Some("2026-01-01"), Some("2026-01-31")),
        [pair("2026-01-05", "2026-01-06"), pair("2026-01-08", "2026-01-08")]
    );
    // What ends at midnight is not in the next day; what goes over it is in both.
    assert_eq!(
        ask(&there, "day", Some("2025-11-30"), Some("2025-12-01")),
        [pair("2025-11-30", "2025-11-30")]
    );
    assert_eq!(
        ask(&there, "day", Some("2023-12-25"), Some("2024-01-10")),
        [pair("2023-12-31", "2024-01-01")]
    );
    assert_eq!(ask(&there, "day", Some("2030-01-01"), Some("2030-01-01")), []);
}

#[test]
fn moments_are_told_to_the_millisecond_without_what_lies_beyond_the_question() {
    let recorded = Recorded::new();
    for start in [0, 30, 90] {
        recorded
            .0
            .segment(second(noon(), start), Ticks::from_secs(30), 1000);
    }
    let growing = second(noon(), 120)..second(noon(), 124).offset(Ticks(45_000));
    let there = recorded.there(Some(growing));
    let full = |start, end| ask(&there, "full", Some(start), Some(end));
    let noon = "2026-11-20T12:00:00.000Z";
    assert_eq!(
        full("2026-11-20T00:00:00Z", "2026-11-21T00:00:00.000Z"),
        [
            pair(noon, "2026-11-20T12:01:00.000Z"),
            pair("2026-11-20T12:01:30.000Z", "2026-11-20T12:02:04.500Z")
        ],
        "what is being written counts"
    );
    assert_eq!(
        full("2026-11-20T12:00:10.25Z", "2026-11-20T12:00:20Z"),
        [pair("2026-11-20T12:00:10.250Z", "2026-11-20T12:00:20.000Z")]
    );
    assert_eq!(full("2026-11-20T12:01:00Z", "2026-11-20T12:01:30Z"), []);
    assert_eq!(ask(&there, "year", None, None), [pair("2026", "2026")]);
    let empty = Bench::new();
    let row = empty.index.asset_row(empty.asset).unwrap().unwrap();
    let there = There {
        index: &empty.index,
        asset: &row,
        growing: None,
    };
    assert_eq!(ask(&there, "year", None, None), []);
    assert_eq!(ask(&there, "day", Some("2026-11-20"), Some("2026-11-20")), []);
}

#[test]
fn questions_that_are_too_long_or_written_otherwise_are_refused() {
    let read = |precision, start, end| Question::read(Some(precision), Some(start), Some(end));
    for (precision, start, end) in [
        ("year", "0001", "9999"),
        ("month", "2026-01", "2026-12"),
        ("month", "2025-12", "2026-11"),
        ("day", "2026-01-01", "2026-01-31"),
        ("day", "2026-02-27", "2026-03-29"),
        ("full", "2026-01-01T00:00:00Z", "2026-01-02T01:00:00Z"),
        ("full", "2026-01-01T00:00:00.123Z", "2026-01-01T00:00:00.124Z"),
    ] {
        assert!(read(precision, start, end).is_ok(), "{precision} {start} {end}");
    }
    for (precision, start, end) in [
        ("month", "2026-01", "2027-01"),
        ("day", "2026-01-01", "2026-02-01"),
        ("full", "2026-01-01T00:00:00Z", "2026-01-02T01:00:00.001Z"),
    ] {
        let refused = read(precision, start, end);
        assert!(
            matches!(refused, Err(QuestionError::TooLong { .. })),
            "{precision} {start} {end}"
        );
    }
    for (precision, start, end) in [
        ("year", "2026", "2025"),
        ("month", "2026-02", "2026-01"),
        ("day", "2026-01-02", "2026-01-01"),
        ("full", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    ] {
        assert_eq!(
            read(precision, start, end),
            Err(QuestionError::Reversed),
            "{precision}"
        );
    }
    for (precision, wrong) in [
        ("year", "26"),
        ("year", "2026-01"),
        ("year", "+026"),
        ("month", "2026"),
        ("month", "2026-13"),
        ("month", "2026-1"),
        ("day", "2026-02-30"),
        ("day", "2026-02-03T00:00:00Z"),
        ("full", "2026-02-03"),
        ("full", "2026-02-03T00:00:00"),
        ("full", "2026-02-03T00:00:00+01:00"),
        ("full", "2026-02-03 00:00:00Z"),
        ("full", "2026-02-03T00:00:00.Z"),
        ("full", "2026-02-03T25:00:00Z"),
        ("full", "ü026-02-03T00:00:00Z"),
    ] {
        let refused = read(precision, wrong, wrong);
        assert!(
            matches!(refused, Err(QuestionError::Form { .. })),
            "{precision} {wrong}: {refused:?}"
        );
    }
    assert_eq!(Question::read(None, None, None), Err(QuestionError::Precision));
    assert_eq!(
        Question::read(Some("hour"), None, None),
        Err(QuestionError::Precision)
    );
    for precision in ["month", "day", "full"] {
        let refused = Question::read(Some(precision), None, None);
        assert!(
            matches!(refused, Err(QuestionError::Missing { .. })),
            "{precision}"
        );
    }
    assert!(Question::read(Some("year"), None, Some("2026")).is_ok());
}

#[test]
fn the_newest_four_hours_are_meant_when_nobody_says_when() {
    let recorded = Recorded::new();
    recorded.seal(recorded.0.epoch, noon(), "I");
    let next = recorded.epoch("host-2", second(noon(), 5 * 3600));
    recorded.coded(next, 320, true);
    recorded.seal(next, second(noon(), 5 * 3600), "I");
    let extent = recorded.there(None).extent().unwrap();
    let asked = range::Asked::read(None, None, &jiff::tz::TimeZone::UTC)
        .unwrap()
        .resolve(extent.as_ref())
        .unwrap();
    assert_eq!(runs(&recorded.load(asked)), [(5 * 3600, 5 * 3600 + 2)]);
}

#[test]
fn what_lies_between_stretches_is_told_from_end_to_end_without_what_has_a_cause() {
    let recorded = Recorded::new();
    let epoch = recorded.0.epoch;
    for start in [0, 4, 100, 200] {
        recorded.seal(epoch, second(noon(), start), "II");
    }
    recorded.0.gap(stretch(130, 200), GapReason::Camera);
    let there = recorded.there(Some(stretch(300, 310)));
    let told = |from, until| {
        let seconds = |at: MediaTime| at.since(noon()).0 / 90_000;
        let missing = there
            .missing(&stretch(from, until), &HashSet::new())
            .unwrap()
            .into_iter();
        missing
            .map(|(hole, cause)| (seconds(hole.start), seconds(hole.end), cause))
            .collect::<Vec<_>>()
    };
    let all = [
        (8, 100, NOT_RECORDED),
        (104, 130, NOT_RECORDED),
        (130, 200, "camera"),
        (204, 300, NOT_RECORDED),
    ];
    assert_eq!(told(-1000, 1000), all);
    assert_eq!(told(0, 310), all);
    // However little of it is asked for.
    assert_eq!(told(50, 60), all[..1]);
    assert_eq!(told(110, 120), all[1..2]);
    assert_eq!(told(150, 160), all[2..3]);
    assert_eq!(told(250, 260), all[3..]);
    // What is being recorded does not follow what lies before others.
    assert_eq!(told(90, 101), all[..1]);
    for (from, until) in [(-1000, 8), (0, 8), (100, 104), (200, 204), (300, 1000)] {
        assert_eq!(told(from, until), [], "{from} to {until}");
    }
}
