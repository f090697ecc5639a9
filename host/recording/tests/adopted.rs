//! Recordings of layout 2, which had no index.

use super::bench::Bench;
use super::*;
use crate::media::Clock as _;
use crate::recording::adopt::adopt;
use crate::recording::index::{Index, SegmentState};
use crate::recording::store::LOCAL;

/// What an earlier version left: an asset with two segments, one that stands open, and a note of its last epoch.
fn old_assets(bench: &Bench) -> std::path::PathBuf {
    let cache = bench.cache();
    let mut writer = cache.open_asset(bench.spec()).unwrap();
    bench.feed(&mut writer, &stream(0, 15, true));
    std::mem::forget(writer);
    drop(cache);
    let assets = bench.folder.path().join("assets");
    std::fs::create_dir(&assets).unwrap();
    std::fs::rename(bench.dir(), assets.join("lobby")).unwrap();
    std::fs::write(assets.join("lobby/.epoch"), "9\n").unwrap();
    std::fs::create_dir(assets.join("foreign")).unwrap();
    std::fs::write(assets.join("a file"), "nothing of ours").unwrap();
    std::fs::remove_file(bench.folder.path().join("index.db")).unwrap();
    assets
}

#[test]
fn recordings_of_an_earlier_version_are_in_the_index_as_stored_and_no_epoch_comes_twice() {
    let bench = Bench::new();
    let assets = old_assets(&bench);
    let index = Index::open(&bench.folder.path().join("new.db")).unwrap();
    for _ in 0..2 {
        adopt(&index, &assets, "box", &Disk, bench.clock.wall()).unwrap();
        let asset = index.find_asset(LOCAL, "lobby").unwrap().unwrap();
        assert_eq!(index.assets().unwrap(), std::slice::from_ref(&asset));
        let rows = index.segments(asset.id, MediaTime::MIN..MediaTime::MAX).unwrap();
        assert_eq!(rows.len(), 3, "two, and the one that was cut off");
        assert!(
            rows.iter()
                .all(|row| row.state == SegmentState::Stored && row.folder.is_none())
        );
        let pictures: u64 = rows.iter().map(|row| row.video.samples).sum();
        assert_eq!(pictures, 14 * 25);
        assert!(rows.iter().all(|row| row.audio.is_some()));
        let epoch = index.epoch(rows[0].epoch).unwrap().unwrap();
        assert!(epoch.video.is_some() && epoch.audio.is_some());
        assert_eq!(index.last_counter(asset.id, "box").unwrap(), 9);
    }
    let left = std::fs::read_dir(assets.join("lobby")).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.ends_with(".part")).count(), 0);
}
