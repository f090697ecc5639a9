//! What the index says of a store holds after a power cut.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::bench::Bench;
use super::*;
use crate::recording::cache::Cache;
use crate::recording::store::{DirectoryStore, LOCAL};
use crate::recording::upload::{Uploader, UploaderOptions};

/// Longest that a queue may take over a few files.
const SOON: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(5);

/// Works off what waits, until `done`.
async fn upload(
    bench: &Bench,
    cache: &Arc<Cache>,
    storage: &Failing,
    mut done: impl FnMut(&Uploader) -> bool,
) {
    let root = bench.folder.path().join("assets");
    let uploader = Uploader::new(UploaderOptions {
        name: LOCAL.to_owned(),
        store: Arc::new(DirectoryStore::new(root, Arc::new(storage.clone()))),
        cache: Arc::clone(cache),
        clock: Arc::clone(&bench.clock) as _,
    });
    let stop = CancellationToken::new();
    let until = async {
        while !done(&uploader) {
            tokio::time::sleep(LOOK).await;
        }
        stop.cancel();
    };
    let both = async { tokio::join!(uploader.run(stop.clone()), until) };
    tokio::time::timeout(SOON, both).await.expect("the queue is done");
}

fn is_done(cache: &Cache) -> bool {
    cache.index().backlog(LOCAL).unwrap().segments == 0 && !is_unlisted(cache)
}

fn is_unlisted(cache: &Cache) -> bool {
    cache.index().is_unlisted(None).unwrap()
}

#[tokio::test]
async fn a_day_counts_as_listed_only_when_its_playlists_are_on_the_disk() {
    let bench = Bench::new();
    bench.record(&stream(0, 10, true));
    let cache = bench.cache();
    let asset = bench.folder.path().join("assets/lobby");
    let storage = Failing::never();
    storage.refuse(Some(("sync", asset.join("index.m3u8"))));
    let mut refused = false;
    upload(&bench, &cache, &storage, |uploader| {
        if !refused && uploader.is_paused() {
            refused = true;
            assert!(is_unlisted(&cache));
            storage.take_done();
            storage.refuse(None);
        }
        bench.clock.advance(LOOK * 10);
        is_done(&cache)
    })
    .await;
    assert!(refused);
    // What a disk has lost it does not report again: all was written anew, and then synced.
    let done = storage.take_done();
    for name in playlists_in(&asset) {
        let at = |what| done.iter().position(|one| *one == (what, asset.join(&name)));
        let (renamed, synced) = (at("rename").expect(&name), at("sync").expect(&name));
        assert!(renamed < synced, "{name} {done:?}");
    }
    assert_eq!(done.last(), Some(&("sync_dir", asset)));
}

fn playlists_in(asset: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(asset).unwrap();
    let names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".m3u8"))
        .collect();
    assert_eq!(names.len(), 4, "{names:?}");
    names
}

#[tokio::test]
async fn a_segment_stays_in_the_cache_until_its_name_is_on_the_stores_disk() {
    let bench = Bench::new();
    bench.record(&stream(0, 5, true));
    let cache = bench.cache();
    let asset = bench.folder.path().join("assets/lobby");
    let storage = Failing::never();
    storage.refuse(Some(("sync_dir", asset)));
    upload(&bench, &cache, &storage, Uploader::is_paused).await;
    let [row] = bench.rows(&cache).try_into().unwrap();
    let segment = bench.dir().join(row.name.file(".m4s"));
    assert!(segment.exists());
    assert_eq!(cache.index().backlog(LOCAL).unwrap().segments, 1);
    storage.refuse(None);
    upload(&bench, &cache, &storage, |_| is_done(&cache)).await;
    assert_eq!(cache.index().backlog(LOCAL).unwrap().segments, 0);
    assert!(!segment.exists());
}
