//! What is seen while an asset is recorded stands in its segments and in the index.

use super::bench::Bench;
use super::*;
use crate::recording::asset::name::SEGMENT;
use crate::recording::asset::scan;
use crate::recording::detections::tests::seen;
use crate::recording::detections::{Detection, Fraction, MAX_DETECTIONS, Recent};
use crate::recording::index::{SightingFilter, SightingRow};
use crate::recording::store::LOCAL;
use crate::recording::taking;

fn truck(second: f64) -> Detection {
    let ticks = BASE + (second * 90_000.0) as u64;
    seen(MediaTime::from_ticks(ticks), "truck", "7", 0.5)
}

fn saw(recent: &Recent, seconds: &[f64]) {
    for second in seconds {
        recent.add(0, &[], vec![truck(*second)]);
    }
}

fn sightings(cache: &Cache) -> Vec<SightingRow> {
    let owners = cache.index().recorders().unwrap();
    let all = SightingFilter {
        label: Some("truck"),
        range: MediaTime::MIN..MediaTime::MAX,
        asset: None,
        owners: &owners,
        minimum: Fraction(0),
        after: None,
        limit: 10,
    };
    cache.index().find_sightings(&all).unwrap()
}

/// Seconds at which a truck is in each segment, as the files have it; their hashes are those of the index.
fn in_segments(bench: &Bench, cache: &Cache) -> Vec<Vec<f64>> {
    let asset = cache.index().find_asset(LOCAL, "lobby").unwrap().unwrap();
    let mut all = Vec::new();
    for row in bench.rows(cache) {
        let tracks = scan::tracks(&bench.dir(), &row.name.epoch).unwrap();
        let path = bench.dir().join(row.name.file(SEGMENT));
        let found = scan::inspect(&path, &tracks).unwrap();
        assert_eq!((found.video, found.audio), (row.video, row.audio));
        let taken = taking::take(cache.index(), asset.id, &bench.dir(), row.name.clone(), true).unwrap();
        assert_eq!((taken.bytes, taken.sha256), (row.bytes, row.sha256));
        let second = |one: &Detection| one.time.since(MediaTime::from_ticks(BASE)).seconds();
        all.push(found.detections.iter().map(second).collect());
    }
    all
}

/// Records sixteen seconds, in segments of six, with sound.
fn record(bench: &Bench) -> Arc<Cache> {
    let cache = bench.cache();
    let recent = Arc::new(Recent::default());
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    writer.watch(Arc::clone(&recent));
    let units = stream(0, 16, true);
    let (first, rest) = units.split_at(units.len() / 2);
    saw(&recent, &[0.0, 3.0]);
    bench.feed(&mut writer, first);
    saw(&recent, &[5.0, 7.0]);
    bench.feed(&mut writer, rest);
    // The first two segments are sealed: the first of these is said too late for the second.
    saw(&recent, &[11.0, 13.0]);
    writer.close().unwrap();
    cache
}

#[test]
fn each_segment_has_what_was_seen_in_it_and_the_index_has_it_as_one_stay() {
    let bench = Bench::new();
    let cache = record(&bench);
    assert_eq!(
        in_segments(&bench, &cache),
        [vec![0.0, 3.0, 5.0], vec![7.0], vec![11.0, 13.0]]
    );
    let rows = sightings(&cache);
    let [row] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!((row.asset.as_str(), row.owner.as_str()), ("lobby", "box/sink"));
    assert_eq!(
        (row.sighting.first, row.sighting.last, row.sighting.count),
        (truck(0.0).time, truck(13.0).time, 6)
    );
    assert_eq!(bench.sound_report().problems, Vec::<String>::new());
}

#[test]
fn what_is_seen_while_an_asset_is_written_can_be_looked_at_before_it_is_sealed() {
    let bench = Bench::new();
    let cache = bench.cache();
    let recent = Arc::new(Recent::default());
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    let range = truck(0.0).time..truck(2.0).time;
    assert!(cache.seen_of_late(LOCAL, "lobby", &range).is_empty());
    writer.watch(Arc::clone(&recent));
    saw(&recent, &[0.5, 1.0, 2.0]);
    assert_eq!(
        cache.seen_of_late(LOCAL, "lobby", &range),
        [truck(0.5), truck(1.0)]
    );
    assert!(cache.seen_of_late(LOCAL, "yard", &range).is_empty());
    bench.feed(&mut writer, &stream(0, 4, false));
    writer.close().unwrap();
    assert_eq!(
        in_segments(&bench, &cache),
        [vec![0.5, 1.0, 2.0]],
        "nothing was taken away"
    );
    assert!(
        cache.seen_of_late(LOCAL, "lobby", &range).is_empty(),
        "nobody writes it any more"
    );
}

#[test]
fn an_index_that_is_lost_gets_it_back_from_the_media() {
    let bench = Bench::new();
    let before = sightings(&record(&bench));
    std::fs::remove_file(bench.folder.path().join(crate::recording::index::FILE_NAME)).unwrap();
    let cache = bench.cache();
    assert_eq!(sightings(&cache), before);
}

#[test]
fn a_box_that_is_damaged_costs_what_was_seen_and_no_media() {
    let bench = Bench::new();
    let row = {
        let cache = record(&bench);
        bench.rows(&cache).remove(0)
    };
    let path = bench.dir().join(row.name.file(SEGMENT));
    let mut bytes = std::fs::read(&path).unwrap();
    let version = (row.video.bytes + row.audio.unwrap().bytes) as usize + 24;
    bytes[version] = 99;
    std::fs::write(&path, bytes).unwrap();
    let tracks = scan::tracks(&bench.dir(), &row.name.epoch).unwrap();
    let found = scan::inspect(&path, &tracks).unwrap();
    assert_eq!((found.video, found.audio), (row.video, row.audio));
    assert!(found.detections.is_empty());
    assert_eq!(bench.sound_report().problems, Vec::<String>::new());
}

#[test]
fn a_budget_without_room_for_it_loses_no_media_for_it() {
    let mut bench = Bench::new();
    // Enough for what is recorded, if none of it goes for a box of more than a megabyte.
    bench.budget = Some(1 << 20);
    let cache = bench.cache();
    let recent = Arc::new(Recent::default());
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    writer.watch(Arc::clone(&recent));
    recent.add(0, &[], vec![truck(1.0); MAX_DETECTIONS]);
    let units = stream(0, 14, false);
    bench.feed(&mut writer, &units);
    writer.close().unwrap();
    assert_eq!(count(&bench.sound_report(), "video"), 350);
    assert!(sightings(&cache).is_empty());
    bench.index_and_files_agree(&cache);
}
