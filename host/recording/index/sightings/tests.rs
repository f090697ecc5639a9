use super::*;
use crate::media::TrackKind;
use crate::recording::asset::scan::Part;
use crate::recording::detections::tests::seen;
use crate::recording::find::{FindError, Question, find};
use crate::recording::index::tests::{Bench, at};
use crate::recording::index::{FILE_NAME, FragmentEntry, GapReason, SegmentId};

const SECOND: i64 = 90_000;

fn start() -> MediaTime {
    at("2026-11-20T12:00:00Z")
}

fn second(second: f64) -> MediaTime {
    start().offset(Ticks((second * SECOND as f64) as i64))
}

/// A segment of ten seconds in which this was seen.
fn seal(bench: &Bench, from: f64, detections: &[Detection]) -> SegmentId {
    let (start, ticks) = (second(from), 10 * SECOND);
    let part = Part {
        bytes: 10,
        start: start.ticks(),
        ticks: ticks as u64,
        samples: 1,
        ..Part::default()
    };
    let fragment = FragmentEntry {
        kind: TrackKind::Video,
        start: start.ticks(),
        ticks: ticks as u64,
        bytes: 10,
        samples: 1,
        sync: true,
    };
    let new = NewSegment {
        asset: bench.asset,
        epoch: bench.epoch,
        start,
        end: start.offset(Ticks(ticks)),
        bytes: 10,
        video: part,
        audio: None,
        fragments: &[fragment],
        sha256: [7; 32],
        folder: &bench.folder.path().join("cache"),
        detections,
    };
    bench.index.seal(&new).unwrap()
}

fn truck(at: f64, track: &str, confidence: f64) -> Detection {
    seen(second(at), "truck", track, confidence)
}

/// Name, first and last second, and how often.
fn told(index: &Index) -> Vec<(String, f64, f64, u64)> {
    let since = |at: MediaTime| at.since(start()).seconds();
    let owners = index.recorders().unwrap();
    let all = SightingFilter {
        label: None,
        range: MediaTime::MIN..MediaTime::MAX,
        asset: None,
        owners: &owners,
        minimum: Fraction(0),
        after: None,
        limit: 100,
    };
    let rows = index.find_sightings(&all).unwrap();
    rows.iter()
        .map(|row| {
            let one = &row.sighting;
            let name = format!("{}{}", one.label, one.track.as_deref().unwrap_or_default());
            (name, since(one.first), since(one.last), one.count)
        })
        .collect()
}

fn expected(rows: &[(&str, f64, f64, u64)]) -> Vec<(String, f64, f64, u64)> {
    rows.iter()
        .map(|(name, first, last, count)| ((*name).to_owned(), *first, *last, *count))
        .collect()
}

fn drop_segment(bench: &Bench, id: SegmentId) {
    let now = start().to_timestamp();
    bench
        .index
        .drop_segments(&[id], GapReason::Retention, now)
        .unwrap();
}

#[test]
fn a_thing_that_stays_is_one_row_over_all_segments_and_goes_with_the_last_of_them() {
    let bench = Bench::new();
    let first = seal(&bench, 0.0, &[truck(1.0, "7", 0.25), truck(9.0, "7", 0.5)]);
    let next = seal(&bench, 10.0, &[truck(11.0, "7", 0.75), truck(15.0, "8", 0.5)]);
    let last = seal(&bench, 20.0, &[truck(21.0, "7", 0.5)]);
    assert_eq!(
        told(&bench.index),
        expected(&[("truck7", 1.0, 21.0, 4), ("truck8", 15.0, 15.0, 1)])
    );
    let best = &bench.index.find_sightings(&SightingFilter {
        label: Some("TRUCK"),
        range: second(0.0)..second(5.0),
        asset: Some("Lobby"),
        owners: &["lobby/sink".to_owned()],
        minimum: Fraction::of(0.75),
        after: None,
        limit: 9,
    });
    let best = &best.as_ref().unwrap()[0].sighting;
    assert_eq!((best.best, best.area.l), (second(11.0), Fraction::of(0.75)));
    drop_segment(&bench, first);
    assert_eq!(
        told(&bench.index),
        expected(&[("truck7", 10.0, 21.0, 4), ("truck8", 15.0, 15.0, 1)])
    );
    drop_segment(&bench, last);
    assert_eq!(
        told(&bench.index),
        expected(&[("truck7", 10.0, 20.0, 4), ("truck8", 15.0, 15.0, 1)])
    );
    drop_segment(&bench, next);
    assert!(told(&bench.index).is_empty());
}

#[test]
fn what_was_said_too_late_belongs_to_the_segment_before_as_long_as_that_is_there() {
    let bench = Bench::new();
    let first = seal(&bench, 0.0, &[]);
    seal(&bench, 10.0, &[truck(9.5, "7", 0.5)]);
    assert_eq!(told(&bench.index), expected(&[("truck7", 9.5, 9.5, 1)]));
    drop_segment(&bench, first);
    assert!(told(&bench.index).is_empty());
    // As when the index is made anew from what is left.
    seal(&bench, 30.0, &[truck(29.5, "7", 0.5), truck(30.5, "8", 0.5)]);
    assert_eq!(told(&bench.index), expected(&[("truck8", 30.5, 30.5, 1)]));
}

#[test]
fn a_segment_that_is_there_already_changes_nothing_and_a_copy_has_the_same_rows() {
    let bench = Bench::new();
    let seen = [truck(1.0, "7", 0.25), truck(2.0, "", 0.5)];
    for _ in 0..2 {
        seal(&bench, 0.0, &seen);
    }
    let rows = expected(&[("truck7", 1.0, 1.0, 1), ("truck", 2.0, 2.0, 1)]);
    assert_eq!(told(&bench.index), rows);
    let copy = bench.folder.path().join("copy.db");
    bench.index.export(&copy).unwrap();
    assert_eq!(told(&Index::open(&copy).unwrap()), rows);
}

#[test]
fn an_index_of_the_version_before_is_brought_up_and_keeps_what_it_has() {
    let bench = Bench::new();
    seal(&bench, 0.0, &[]);
    let path = bench.folder.path().join(FILE_NAME);
    drop(bench.index);
    let older = rusqlite::Connection::open(&path).unwrap();
    older
        .execute_batch(
            "DROP TABLE sighting; DROP TABLE hold; ALTER TABLE asset ADD COLUMN held INTEGER NOT NULL DEFAULT 0; \
             PRAGMA user_version = 4;",
        )
        .unwrap();
    drop(older);
    assert!(Index::open_to_read(&path).is_err(), "the host brings it up");
    let index = Index::open(&path).unwrap();
    assert_eq!(index.sizes().unwrap()[0].segments, 1);
    assert!(told(&index).is_empty());
}

#[test]
fn pages_follow_one_another_and_show_what_the_caller_may_see() {
    let bench = Bench::new();
    let seen: Vec<Detection> = (0..5).map(|n| truck(f64::from(n), &n.to_string(), 0.5)).collect();
    seal(&bench, 0.0, &seen);
    let mut question = Question {
        label: Some("truck".to_owned()),
        since: second(1.0).to_timestamp(),
        until: second(4.0).to_timestamp(),
        asset: None,
        minimum_confidence: 0.5,
        limit: 2,
        token: None,
        zone: jiff::tz::TimeZone::UTC,
    };
    let page = find(&bench.index, &question, |instance| instance == "lobby").unwrap();
    let ids = |page: &crate::recording::find::Page| {
        let ids = page.value.iter().map(|one| one.id.clone().unwrap());
        ids.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ids(&page), "1 2");
    assert_eq!(page.value[0].first, "2026-11-20T12:00:01.000Z");
    question.token = page.token;
    let page = find(&bench.index, &question, |_| true).unwrap();
    assert_eq!((ids(&page).as_str(), page.token), ("3", None));
    question.token = None;
    assert!(find(&bench.index, &question, |_| false).unwrap().value.is_empty());
    question.minimum_confidence = 0.51;
    assert!(find(&bench.index, &question, |_| true).unwrap().value.is_empty());
    question.minimum_confidence = 50.0;
    assert!(matches!(
        find(&bench.index, &question, |_| true),
        Err(FindError::Confidence)
    ));
    question.token = Some("x".to_owned());
    question.minimum_confidence = 0.5;
    assert!(matches!(
        find(&bench.index, &question, |_| true),
        Err(FindError::Token)
    ));
}
