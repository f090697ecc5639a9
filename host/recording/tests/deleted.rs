//! Deleting by hand: what goes, what a hold keeps, and what is told of it.

use std::ops::Range;

use super::bench::Bench;
use super::*;
use crate::recording::deletion::DeletionError;
use crate::recording::holds::NewHold;
use crate::recording::index::{AssetRow, GapReason};
use crate::recording::store::LOCAL;

fn second(seconds: u64) -> MediaTime {
    MediaTime::from_ticks(BASE + seconds * 90_000)
}

fn seconds(range: Range<u64>) -> Range<MediaTime> {
    second(range.start)..second(range.end)
}

fn row(cache: &Cache) -> AssetRow {
    cache.index().find_asset(LOCAL, "lobby").unwrap().unwrap()
}

fn hold(cache: &Cache, range: Range<u64>) {
    let new = NewHold {
        start: Some(second(range.start)),
        end: Some(second(range.end)),
        reason: "case 12".into(),
        who: "boss".into(),
        until: None,
    };
    let now = MediaTime::from_ticks(BASE).to_timestamp();
    cache.holds().place(&row(cache), new, now).unwrap();
}

#[test]
fn all_that_reaches_into_the_stretch_goes_and_is_a_gap_that_says_so() {
    let bench = Bench::new();
    // Segments of six seconds: from 0, 6, 12 and 18.
    bench.record(&stream(0, 20, true));
    let cache = bench.cache();
    let deleted = cache.delete(&row(&cache), &seconds(7..8)).unwrap();
    assert_eq!((deleted.segments, deleted.still_recording), (1, false));
    assert_eq!(deleted.start, Some(second(6).iso()));
    assert_eq!(bench.gap_seconds(&cache), [(6, 12, GapReason::Deleted)]);
    bench.index_and_files_agree(&cache);
    let told = bench.heard.0.lock().unwrap().clone();
    let told = told.iter().filter(|event| {
        matches!(
            event,
            RecordingEvent::Dropped {
                reason: GapReason::Deleted,
                ..
            }
        )
    });
    assert_eq!(told.count(), 1);
    let nothing = cache.delete(&row(&cache), &seconds(7..8)).unwrap();
    assert_eq!((nothing.segments, nothing.start), (0, None));
    let rest = cache.delete(&row(&cache), &(second(13)..MediaTime::MAX)).unwrap();
    assert_eq!(rest.segments, 2);
    assert_eq!(bench.gap_seconds(&cache), [(6, 20, GapReason::Deleted)]);
    assert_eq!(bench.rows(&cache).len(), 1);
    let empty = cache.delete(&row(&cache), &seconds(3..3)).unwrap_err();
    assert!(matches!(empty, DeletionError::Empty { .. }));
}

#[test]
fn a_hold_keeps_the_whole_of_what_would_be_deleted() {
    let bench = Bench::new();
    bench.record(&stream(0, 20, false));
    let cache = bench.cache();
    hold(&cache, 10..11);
    // Seconds 7 to 8 are not held, but their segment is.
    for range in [0..20, 7..8, 10..11, 0..7] {
        let error = cache.delete(&row(&cache), &seconds(range.clone())).unwrap_err();
        let text = error.to_string();
        assert!(
            matches!(error, DeletionError::Held { gone: 0, .. }),
            "{range:?} {text}"
        );
        assert!(
            text.contains("hold 1 of `boss`") && text.contains("(case 12)") && text.contains("hint:"),
            "{text}"
        );
    }
    assert_eq!(bench.rows(&cache).len(), 4);
    assert!(bench.gaps(&cache).is_empty());
    assert_eq!(cache.delete(&row(&cache), &seconds(0..6)).unwrap().segments, 1);
    assert_eq!(cache.delete(&row(&cache), &seconds(12..20)).unwrap().segments, 2);
    bench.index_and_files_agree(&cache);
}

#[test]
fn what_is_being_recorded_is_told_and_can_be_deleted_when_it_is_sealed() {
    let bench = Bench::new();
    let cache = bench.cache();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &stream(0, 10, false));
    let everything = MediaTime::MIN..MediaTime::MAX;
    let deleted = cache.delete(&row(&cache), &everything).unwrap();
    assert_eq!((deleted.segments, deleted.still_recording), (1, true));
    assert!(
        !cache
            .delete(&row(&cache), &seconds(0..2))
            .unwrap()
            .still_recording
    );
    writer.close().unwrap();
    let deleted = cache.delete(&row(&cache), &everything).unwrap();
    assert_eq!((deleted.segments, deleted.still_recording), (1, false));
    assert!(bench.rows(&cache).is_empty());
}
