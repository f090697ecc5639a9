//! Assets as they come into the cache.

use super::bench::Bench;
use super::*;
use crate::recording::index::GapReason;

#[test]
fn an_asset_holds_every_unit_that_was_pushed() {
    let bench = Bench::new();
    let notices = bench.record(&stream(0, 20, true));
    let report = bench.sound_report();
    assert_eq!((count(&report, "video"), count(&report, "audio")), (500, 937));
    assert_eq!(report.duration, Ticks::from_secs(20));
    assert_eq!(report.start, MediaTime::from_ticks(BASE));
    assert!(matches!(notices[0], Notice::Started { at, .. } if at == MediaTime::from_ticks(BASE)));
    let sealed = notices
        .iter()
        .filter(|notice| matches!(notice, Notice::SegmentSealed { .. }))
        .count();
    assert_eq!(sealed, 4);
    let Some(Notice::Stopped { totals, .. }) = notices.last() else {
        panic!("{notices:?}");
    };
    assert_eq!(
        (totals.units, totals.dropped, totals.duration),
        (1437, 0, Ticks::from_secs(20))
    );
    let cache = bench.cache();
    bench.index_and_files_agree(&cache);
    assert_eq!(bench.rows(&cache).len(), 4);
    assert!(bench.gaps(&cache).is_empty());
}

#[test]
fn units_before_the_first_random_access_point_are_dropped_and_counted() {
    let bench = Bench::new();
    let units = stream(0, 5, true);
    let notices = bench.record(&units[1..]);
    let Some(Notice::Stopped { totals, .. }) = notices.last() else {
        panic!("{notices:?}");
    };
    assert_eq!(totals.dropped + totals.units, units.len() as u64 - 1);
    assert_eq!(count(&bench.sound_report(), "video"), 100);
}

#[test]
fn a_second_writer_is_refused_and_a_closed_asset_is_appended_to() {
    let bench = Bench::new();
    let cache = bench.cache();
    let mut first = cache.open_asset(bench.spec()).unwrap();
    let second = cache.open_asset(bench.spec());
    assert!(matches!(second, Err(RecordingError::Locked { .. })), "{second:?}");
    assert!(cache.is_open("local", "lobby"));
    bench.feed(&mut first, &stream(0, 5, true));
    first.close().unwrap();
    assert!(!cache.is_open("local", "lobby"));
    drop(cache);
    bench.record(&stream(90_000 * 60, 5, true));
    let report = bench.sound_report();
    assert_eq!(count(&report, "video"), 250);
    assert_eq!(report.gaps.len(), 1);
    let cache = bench.cache();
    let epochs: Vec<u64> = bench
        .rows(&cache)
        .iter()
        .map(|row| row.name.epoch.counter)
        .collect();
    assert_eq!(epochs, [1, 2]);
    assert!(
        bench.gaps(&cache).is_empty(),
        "nobody wanted it recorded in between"
    );
}

#[test]
fn a_discontinuity_and_a_codec_change_begin_epochs_and_a_camera_that_was_away_leaves_a_gap() {
    let bench = Bench::new();
    let mut units = stream(0, 4, false);
    let mut later = stream(90_000 * 10, 4, false);
    Arc::make_mut(&mut later[0]).discontinuity = true;
    units.extend(later);
    let mut wide = (*video_format()).clone();
    wide.sample_entry = sample_entry(b"avc1", 90);
    let wide = Arc::new(wide);
    units.extend((0..50).map(|index| unit(&wide, 90_000 * 14 + index * FRAME, index == 0)));
    let notices = bench.record(&units);
    let report = bench.sound_report();
    assert_eq!(count(&report, "video"), 250);
    assert_eq!(report.gaps.len(), 1);
    let gaps = notices
        .iter()
        .filter(|notice| matches!(notice, Notice::Gap { .. }));
    assert_eq!(gaps.count(), 1);
    let cache = bench.cache();
    assert_eq!(bench.gap_seconds(&cache), [(4, 10, GapReason::Camera)]);
    let rows = bench.rows(&cache);
    assert_eq!(
        rows.iter().map(|row| row.name.epoch.counter).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    let epochs = cache.index().epochs(rows[0].asset).unwrap();
    assert!(
        epochs
            .iter()
            .all(|epoch| epoch.video.is_some() && epoch.audio.is_none())
    );
}

#[test]
fn a_camera_that_is_away_leaves_what_came_before_sealed_and_is_a_gap_to_the_end() {
    let bench = Bench::new();
    let cache = bench.cache();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &stream(0, 4, true));
    writer.pause().unwrap();
    assert_eq!(bench.rows(&cache).len(), 1, "it can be uploaded");
    writer.pause().unwrap();
    bench
        .clock
        .set_wall(MediaTime::from_ticks(BASE + 90_000 * 60).to_timestamp());
    writer.close().unwrap();
    assert_eq!(bench.gap_seconds(&cache), [(4, 60, GapReason::Camera)]);
    bench.index_and_files_agree(&cache);
}

#[test]
fn without_random_access_points_fragments_are_cut_all_the_same() {
    let bench = Bench::new();
    let video = video_format();
    let units: Vec<_> = (0..500)
        .map(|index| unit(&video, index * FRAME, index == 0))
        .collect();
    let mut writer = bench.cache().open_asset(bench.spec()).unwrap();
    let mut flushes = 0;
    for unit in &units {
        if writer.push(unit).unwrap() {
            writer.flush().unwrap();
            flushes += 1;
        }
    }
    assert_eq!(flushes, 1 + 4, "that something begins, and four fragments");
    writer.close().unwrap();
    assert_eq!(count(&bench.sound_report(), "video"), 500);
}

#[test]
fn epochs_rise_though_the_clock_goes_back_and_the_cache_is_emptied() {
    let bench = Bench::new();
    bench.record(&stream(90_000 * 3600, 3, false));
    std::fs::remove_dir_all(bench.root()).unwrap();
    bench.record(&stream(0, 3, false));
    let cache = bench.cache();
    let rows = bench.rows(&cache);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].name.epoch.counter, 2, "no name comes twice");
    assert_eq!(bench.gap_seconds(&cache), [(3600, 3603, GapReason::Damaged)]);
    let epochs = cache.index().epochs(rows[0].asset).unwrap();
    assert!(epochs[0].opened < epochs[1].opened, "what is oldest goes first");
}
