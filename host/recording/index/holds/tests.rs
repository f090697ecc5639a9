use rusqlite::Connection;

use super::*;
use crate::media::Ticks;
use crate::recording::index::tests::{Bench, at};
use crate::recording::index::{FILE_NAME, GapReason, SegmentState, schema};

const NOON: &str = "2026-11-20T12:00:00Z";

fn second(seconds: i64) -> MediaTime {
    at(NOON).offset(Ticks::from_secs(seconds))
}

fn now() -> Timestamp {
    NOON.parse().unwrap()
}

/// Three segments of ten seconds, and a hold from 12 s to 15 s.
fn held() -> (Bench, Vec<SegmentId>, HoldRow) {
    let bench = Bench::new();
    let ids = [0, 10, 20].map(|start| bench.segment(second(start), Ticks::from_secs(10), 1000));
    let hold = HoldRow {
        id: bench.index.next_hold().unwrap(),
        store: "local".into(),
        asset: "Lobby".into(),
        start: second(12),
        end: second(15),
        reason: "case 12".into(),
        who: "boss".into(),
        since: now(),
        until: None,
    };
    bench.index.place_hold(&hold).unwrap();
    (bench, ids.to_vec(), hold)
}

#[test]
fn a_segment_that_a_hold_reaches_into_is_not_dropped_and_its_neighbours_are() {
    let (bench, ids, hold) = held();
    assert_eq!(bench.index.holds().unwrap(), std::slice::from_ref(&hold));
    for reason in [
        GapReason::Retention,
        GapReason::KeepFree,
        GapReason::CacheFull,
        GapReason::Deleted,
    ] {
        let dropped = bench.index.drop_segments(&ids[1..2], reason, now()).unwrap();
        assert!(dropped.is_empty(), "{reason:?}");
    }
    let dropped = bench
        .index
        .drop_segments(&ids, GapReason::Retention, now())
        .unwrap();
    assert_eq!(dropped.len(), 2);
    assert!(bench.index.segment(ids[1]).unwrap().is_some());
    assert!(bench.index.is_something_held().unwrap());
    assert_eq!(bench.index.held_bytes(bench.asset).unwrap(), 1000);
    // A file that is gone is held by nothing.
    let dropped = bench
        .index
        .drop_segments(&ids[1..2], GapReason::Damaged, now())
        .unwrap();
    assert_eq!(dropped.len(), 1);
    assert!(!bench.index.is_something_held().unwrap());
}

#[test]
fn what_may_go_is_asked_for_without_what_is_held_until_it_is_released() {
    let (bench, ids, hold) = held();
    let index = &bench.index;
    let numbers = |rows: Vec<crate::recording::index::SegmentRow>| -> Vec<SegmentId> {
        rows.into_iter().map(|row| row.id).collect()
    };
    let cache = bench.folder.path();
    let free = [ids[0], ids[2]];
    let asked = || {
        [
            numbers(index.oldest_of(bench.asset, MediaTime::MAX, 9).unwrap()),
            numbers(index.oldest_cached(9).unwrap()),
            numbers(index.oldest_in("local", SegmentState::Cached, 9).unwrap()),
            numbers(index.below(cache, 9).unwrap()),
        ]
    };
    for answer in asked() {
        assert_eq!(answer, free);
    }
    assert!(index.find_asset("local", "Lobby").unwrap().unwrap().held);
    index.end_holds(&[hold.id]).unwrap();
    for answer in asked() {
        assert_eq!(answer, ids);
    }
    assert!(!index.find_asset("local", "Lobby").unwrap().unwrap().held);
    assert!(
        index.next_hold().unwrap() > hold.id,
        "a number does not come again"
    );
}

#[test]
fn a_hold_is_found_by_its_range_and_is_of_one_store() {
    let (bench, _, hold) = held();
    let asset = bench.index.find_asset("local", "Lobby").unwrap().unwrap();
    let found = |from, to| bench.index.hold_in(&asset, &(second(from)..second(to))).unwrap();
    assert_eq!(found(0, 13), Some(hold.clone()));
    assert_eq!(found(14, 99), Some(hold));
    assert_eq!(found(0, 12), None, "they only touch");
    assert_eq!(found(15, 99), None);
    let elsewhere = AssetRow {
        store: "cloud".into(),
        ..asset
    };
    let everything = MediaTime::MIN..MediaTime::MAX;
    assert_eq!(bench.index.hold_in(&elsewhere, &everything).unwrap(), None);
}

#[test]
fn what_an_earlier_version_held_is_held_by_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    {
        let old = Connection::open(&path).unwrap();
        for migration in &schema::MIGRATIONS[..5] {
            old.execute_batch(migration).unwrap();
        }
        old.execute_batch(
            "INSERT INTO asset (store, name, owner, created, held) VALUES ('local', 'gate', 'a/b', 1000000, 1),
                 ('local', 'yard', 'a/b', 1000000, 0);
             PRAGMA user_version = 5;",
        )
        .unwrap();
    }
    let index = Index::open(&path).unwrap();
    let holds = index.holds().unwrap();
    assert_eq!(holds.len(), 1);
    assert_eq!(
        (holds[0].asset.as_str(), holds[0].range()),
        ("gate", MediaTime::MIN..MediaTime::MAX)
    );
    assert_eq!(holds[0].since, Timestamp::from_second(1).unwrap());
    let held: Vec<bool> = index.assets().unwrap().iter().map(|asset| asset.held).collect();
    assert_eq!(held, [true, false]);
}
