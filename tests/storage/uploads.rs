//! The queue: oldest first, everything once, whatever the network does.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use mediagraph::media::{SystemClock, Ticks};
use mediagraph::recording::index::{GapReason, SegmentState};
use mediagraph::recording::store::azure::AzureStore;
use mediagraph::recording::store::{AssetStore, Content, Writer};
use mediagraph::recording::upload::UploadState;
use mediagraph::recording::{Recorder, RecordingEvent};

use crate::azurite::Azurite;
use crate::bench::{Bench, STORE, feed};
use crate::clip::{Clip, run};
use crate::common::process::until;
use crate::proxy::{Mode, Proxy};

/// A keyframe each second, so that a segment of a second is possible.
const KEYFRAMES: &[&str] = &["-bf", "0", "-g", "25", "-keyint_min", "25", "-sc_threshold", "0"];
const SEGMENT: &str = ".m4s";
/// Of the clip: its ten seconds in fragments of two.
const SEGMENTS: usize = 5;
const MINUTE: Ticks = Ticks(60 * 90_000);

struct World {
    folder: tempfile::TempDir,
    azurite: Azurite,
    proxy: Proxy,
    store: Arc<dyn AssetStore>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let azurite = Azurite::start(&folder.path().join("azurite"));
        let proxy = Proxy::start(azurite.address);
        let settings = azurite.settings(proxy.address);
        let store = AzureStore::new(&settings, Arc::new(SystemClock::new())).unwrap();
        Self {
            store: Arc::new(store),
            folder,
            azurite,
            proxy,
        }
    }

    fn bench(&self) -> Bench {
        Bench::open(&self.folder.path().join("state"), "box", Arc::clone(&self.store))
    }

    /// The segments in the container, by name.
    fn segments(&self) -> Vec<String> {
        let names = self.azurite.names();
        names.into_iter().filter(|name| name.ends_with(SEGMENT)).collect()
    }

    /// Those that went through, in that order.
    fn order(&self) -> Vec<String> {
        let puts = self.proxy.puts(SEGMENT);
        puts.into_iter()
            .filter(|seen| seen.status == 201)
            .map(|seen| seen.name)
            .collect()
    }
}

fn paused(event: &RecordingEvent) -> bool {
    matches!(event, RecordingEvent::StorePaused { .. })
}

fn resumed(event: &RecordingEvent) -> bool {
    matches!(event, RecordingEvent::StoreResumed { .. })
}

fn cached_files(folder: &Path) -> usize {
    let listed = run(Command::new("find").arg(folder).args(["-name", "*.m4s"]));
    listed.lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn live_each_segment_is_one_write_and_each_playlist_one_more() {
    let world = World::new();
    let mut bench = world.bench();
    bench.run();
    let clip = Clip::make(KEYFRAMES, true);
    let mut writer = bench.writer("lobby");
    // As a camera sends it: the next second comes when the last was uploaded.
    for unit in &clip.units {
        if writer.push(unit).unwrap() {
            writer.flush().unwrap();
            bench
                .wait("the segment is uploaded", |status| status.backlog.segments == 0)
                .await;
            let listed = bench.status().uploaded_segments;
            tokio::task::block_in_place(|| {
                until("it is listed", crate::bench::SOON, || {
                    (world.proxy.puts(".video.m3u8").len() as u64 >= listed).then_some(())
                });
            });
        }
    }
    writer.close().unwrap();
    bench.drained().await;
    let segments = world.segments().len();
    assert_eq!(segments, SEGMENTS);
    assert_eq!(
        world.proxy.puts(SEGMENT).len(),
        segments,
        "one write of media each"
    );
    for track in [".video.m3u8", ".audio.m3u8"] {
        let writes = world.proxy.puts(track).len();
        assert!(
            writes <= segments + 1,
            "{track}: {writes} writes, one of them for the end"
        );
    }
    for init in [".video.mp4", ".audio.mp4"] {
        assert_eq!(world.proxy.puts(init).len(), 1, "{init}");
    }
    // The first, and the end; between them only when it says something new.
    let masters = world.proxy.puts("index.m3u8").len();
    assert!(masters <= 4, "{masters}");
    assert_eq!(cached_files(world.folder.path()), 0);
    tokio::task::block_in_place(|| {
        until("the host lets go of it", crate::bench::SOON, || {
            (!world.azurite.names().iter().any(|name| name.ends_with(".lock"))).then_some(())
        });
    });
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_uploaded_plays_straight_from_the_container() {
    let world = World::new();
    world.azurite.make_public();
    let clip = Clip::make(KEYFRAMES, true);
    let mut bench = world.bench();
    bench.run();
    bench.record("lobby", &clip.units);
    bench.drained().await;
    let url = format!(
        "{}/lobby/index.m3u8",
        world.azurite.container_at(world.azurite.address)
    );
    tokio::task::block_in_place(|| {
        for (stream, kind) in [("v:0", "video"), ("a:0", "audio")] {
            let counted = run(Command::new("ffprobe")
                .args(["-v", "error", "-count_frames", "-select_streams", stream])
                .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
                .arg(&url));
            let frames: u64 = counted.lines().next().unwrap().trim_matches(',').parse().unwrap();
            assert_eq!(frames, clip.count(kind), "{kind}");
        }
        let day = world
            .azurite
            .names()
            .into_iter()
            .find(|name| name.ends_with(".video.m3u8"))
            .unwrap();
        let playlist = world.azurite.text(&day);
        assert!(playlist.trim_end().ends_with("#EXT-X-ENDLIST"), "{playlist}");
        assert!(!playlist.contains("DISCONTINUITY"), "{playlist}");
    });
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_goes_up_oldest_first_over_all_recordings_and_once() {
    let world = World::new();
    let clip = Clip::make(KEYFRAMES, false);
    let mut bench = world.bench();
    // The second recording lies between the halves of the first.
    let (early, late) = clip.units.split_at(clip.units.len() / 2);
    let shifted = |units: &[Arc<_>], by: i64| {
        let clip = Clip {
            units: units.to_vec(),
        };
        clip.later(Ticks(by * MINUTE.0))
    };
    let mut first = bench.writer("first");
    feed(&mut first, early);
    bench.record("second", &shifted(&clip.units, 1));
    feed(&mut first, &shifted(late, 2));
    first.close().unwrap();
    let waiting = bench.status().backlog.segments;
    bench.run();
    bench.drained().await;
    let order = world.order();
    let mut sorted = order.clone();
    sorted.sort();
    assert_eq!(order, sorted, "by the moment at which they begin");
    assert_eq!(order.len() as u64, waiting);
    assert_eq!(
        world.proxy.puts(SEGMENT).len() as u64,
        waiting,
        "nothing was put twice"
    );
    // Worked off within seconds: the playlists are not written for each segment.
    assert!(world.proxy.puts(".video.m3u8").len() as u64 <= waiting / 2);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_every_kind_of_trouble_everything_is_there_once_and_in_order() {
    let world = World::new();
    let clip = Clip::make(KEYFRAMES, false);
    let mut bench = world.bench();
    bench.run();
    let modes = [
        Mode::Answer(500, None),
        Mode::Answer(429, Some(1)),
        Mode::Answer(503, Some(1)),
        Mode::Cut,
        Mode::Lose,
    ];
    for (number, mode) in modes.into_iter().enumerate() {
        world.proxy.set(mode);
        let by = Ticks(i64::try_from(number).unwrap() * MINUTE.0);
        bench.record(&format!("clip-{number}"), &clip.later(by));
        let status = bench
            .wait("paused", |status| status.state == UploadState::Paused)
            .await;
        assert!(status.message.is_some(), "{mode:?}");
        assert_eq!(status.backlog.segments, SEGMENTS as u64, "{mode:?}");
        assert_eq!(bench.heard(paused), number + 1, "{mode:?}: told once");
        assert_eq!(bench.heard(resumed), number, "{mode:?}");
        world.proxy.set(Mode::Pass);
        bench.drained().await;
        assert_eq!(bench.heard(resumed), number + 1, "{mode:?}: told once");
    }
    let segments = world.segments();
    assert_eq!(segments.len(), modes.len() * SEGMENTS);
    let order = world.order();
    let mut sorted = order.clone();
    sorted.sort();
    assert_eq!(order, sorted);
    assert_eq!(order.len(), modes.len() * SEGMENTS, "nothing was made twice");
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_frozen_or_gone_pauses_its_queue_and_loses_nothing() {
    let mut world = World::new();
    let clip = Clip::make(KEYFRAMES, false);
    let mut bench = world.bench();
    bench.run();
    bench.record("before", &clip.units);
    bench.drained().await;
    world.azurite.freeze();
    bench.record("frozen", &clip.later(MINUTE));
    let status = bench
        .wait("paused", |status| status.state == UploadState::Paused)
        .await;
    assert!(
        status.message.unwrap().contains("no answer within"),
        "a frozen store is told from a slow one"
    );
    world.azurite.thaw();
    bench.drained().await;
    world.azurite.stop();
    bench.record("gone", &clip.later(Ticks(2 * MINUTE.0)));
    bench
        .wait("paused again", |status| status.state == UploadState::Paused)
        .await;
    world.azurite.run();
    bench.drained().await;
    assert_eq!(world.segments().len(), 3 * SEGMENTS);
    assert_eq!((bench.heard(paused), bench.heard(resumed)), (2, 2));
    bench.end().await;
}

/// Slow, and fast enough for a segment of the clip within the ten seconds that a request has at least.
const SLOW: usize = 60_000;
/// Too slow for it.
const TOO_SLOW: usize = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_network_delays_and_one_that_is_too_slow_pauses_and_neither_loses_or_doubles_anything() {
    let world = World::new();
    let clip = Clip::make(KEYFRAMES, false);
    let mut bench = world.bench();
    world.proxy.set(Mode::Slow(SLOW));
    bench.run();
    bench.record("slow", &clip.units);
    bench.drained().await;
    assert_eq!(bench.heard(paused), 0, "slow is not away");
    assert_eq!(bench.status().failures, 0);
    world.proxy.set(Mode::Slow(TOO_SLOW));
    bench.record("slower", &clip.later(MINUTE));
    let status = bench
        .wait("paused", |status| status.state == UploadState::Paused)
        .await;
    let message = status.message.unwrap();
    assert!(message.contains("no answer within 10 s"), "{message}");
    world.proxy.set(Mode::Slow(SLOW));
    bench.drained().await;
    assert_eq!((bench.heard(paused), bench.heard(resumed)), (1, 1));
    assert_eq!(world.segments().len(), 2 * SEGMENTS);
    let order = world.order();
    let mut sorted = order.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(order, sorted, "each was made once, the oldest first");
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_cut_off_between_the_store_and_the_index_is_put_again_and_changes_nothing() {
    let world = World::new();
    let clip = Clip::make(KEYFRAMES, false);
    let bench = world.bench();
    bench.record("lobby", &clip.units);
    // As if the queue had died behind its third PUT.
    let writer = Writer {
        host: "box".to_owned(),
    };
    world.store.claim("lobby", &writer).await.unwrap();
    let waiting = bench.cache.index().waiting(STORE, 100).unwrap();
    for one in &waiting[..3] {
        let name = one.segment.name.file(SEGMENT);
        let content = Content::File {
            path: one.segment.folder.as_ref().unwrap().join(&name),
            bytes: one.segment.bytes,
            sha256: one.segment.sha256,
        };
        world.store.put_if_absent("lobby", &name, &content).await.unwrap();
    }
    bench.end().await;
    let mut bench = world.bench();
    bench.run();
    bench.drained().await;
    assert_eq!(world.segments().len(), SEGMENTS);
    assert_eq!(world.order().len(), SEGMENTS, "none was made twice");
    let asset = bench.cache.index().find_asset(STORE, "lobby").unwrap().unwrap();
    let whole = mediagraph::media::MediaTime::from_ticks(0)
        ..mediagraph::media::MediaTime::from_ticks(i64::MAX as u64);
    let rows = bench.cache.index().segments(asset.id, whole).unwrap();
    assert!(
        rows.iter()
            .all(|row| row.state == SegmentState::Stored && row.folder.is_none())
    );
    let recorded = rows[0].name.start..rows[rows.len() - 1].end;
    assert_eq!(bench.cache.index().gaps(asset.id, recorded).unwrap(), []);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_go_on_after_a_restart_in_the_middle() {
    let world = World::new();
    let clip = Clip::make(KEYFRAMES, false);
    world.proxy.set(Mode::Freeze);
    let mut bench = world.bench();
    bench.run();
    bench.record("lobby", &clip.units);
    bench
        .wait("something is on its way", |status| {
            status.state != UploadState::Idle
        })
        .await;
    bench.end().await;
    world.proxy.set(Mode::Pass);
    let mut bench = world.bench();
    assert_eq!(bench.status().backlog.segments, SEGMENTS as u64);
    bench.run();
    bench.drained().await;
    assert_eq!(world.segments().len(), SEGMENTS);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_holds_up_its_own_recording_alone() {
    let world = World::new();
    world.azurite.make_public();
    let clip = Clip::make(KEYFRAMES, false);
    let mut bench = world.bench();
    bench.record("taken", &clip.units);
    bench.record("other", &clip.later(MINUTE));
    let name = bench.cache.index().waiting(STORE, 1).unwrap()[0]
        .segment
        .name
        .file(SEGMENT);
    world.azurite.put(&format!("taken/{name}"), b"something else");
    bench.run();
    let status = bench
        .wait("the other one is there", |status| {
            status.backlog.segments == SEGMENTS as u64 && !status.blocked.is_empty()
        })
        .await;
    assert_eq!(status.blocked.len(), 1);
    assert_eq!(status.blocked[0].asset, "taken");
    assert!(status.blocked[0].message.contains("holds something else"));
    assert_ne!(status.state, UploadState::Paused);
    assert_eq!(world.azurite.text(&format!("taken/{name}")), "something else");
    assert_eq!(
        bench.heard(|event| matches!(event, RecordingEvent::AssetBlocked { .. })),
        1
    );
    world.store.remove("taken", &name).await.unwrap();
    bench.drained().await;
    assert!(bench.status().blocked.is_empty());
    assert_eq!(world.segments().len(), 2 * SEGMENTS);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_waits_for_the_first_and_keeps_what_it_has() {
    let world = World::new();
    let clip = Clip::make(KEYFRAMES, false);
    let mut first = world.bench();
    first.run();
    let mut writer = first.writer("lobby");
    feed(&mut writer, &clip.units);
    first
        .wait("the first host uploads", |status| status.uploaded_segments > 0)
        .await;
    let state = world.folder.path().join("other");
    let mut second = Bench::open(&state, "other-box", Arc::clone(&world.store));
    second.run();
    second.record("lobby", &clip.later(MINUTE));
    let status = second.wait("refused", |status| !status.blocked.is_empty()).await;
    assert!(
        status.blocked[0].message.contains("`box`"),
        "{:?}",
        status.blocked
    );
    assert_eq!(status.backlog.segments, SEGMENTS as u64);
    writer.close().unwrap();
    // The first lets go when it is done.
    second.drained().await;
    assert_eq!(world.segments().len(), 2 * SEGMENTS);
    first.end().await;
    second.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_on_its_way_is_not_in_the_store_and_shows_as_a_gap() {
    let world = World::new();
    let clip = Clip::make(KEYFRAMES, false);
    let mut bench = world.bench();
    let mut writer = bench.writer("lobby");
    feed(&mut writer, &clip.units);
    feed(&mut writer, &clip.later(Ticks(10 * 90_000)));
    writer.close().unwrap();
    world.proxy.set(Mode::Lose);
    bench.run();
    bench
        .wait("paused", |status| status.state == UploadState::Paused)
        .await;
    // The lock or a first segment may have arrived by now, its answer was lost. Let the segments hang.
    world.proxy.set(Mode::Freeze);
    let waiting = bench.cache.index().waiting(STORE, 100).unwrap();
    let ids: Vec<_> = waiting[..4].iter().map(|one| one.segment.id).collect();
    bench.cache.drop_segments(&ids, GapReason::CacheFull).unwrap();
    world.proxy.set(Mode::Pass);
    bench.drained().await;
    assert_eq!(bench.status().uploaded_segments as usize, 2 * SEGMENTS - 4);
    let day = world
        .azurite
        .names()
        .into_iter()
        .find(|name| name.ends_with(".video.m3u8"))
        .unwrap();
    let playlist = world.azurite.text(&day);
    let listed = playlist.lines().filter(|line| line.ends_with(SEGMENT)).count();
    assert_eq!(listed, 2 * SEGMENTS - 4, "{playlist}");
    // Two in the middle go, too: what was in the store is listed no more, and the gap is marked.
    let rows = bench.cache.index().find_asset(STORE, "lobby").unwrap().unwrap();
    let whole = mediagraph::media::MediaTime::from_ticks(0)
        ..mediagraph::media::MediaTime::from_ticks(i64::MAX as u64);
    let rows = bench.cache.index().segments(rows.id, whole).unwrap();
    let middle: Vec<_> = rows[2..4].iter().map(|row| row.id).collect();
    bench.cache.drop_segments(&middle, GapReason::Retention).unwrap();
    bench.cache.sealed(STORE).notify_one();
    bench.drained().await;
    let playlist = world.azurite.text(&day);
    assert_eq!(
        playlist.lines().filter(|line| line.ends_with(SEGMENT)).count(),
        4,
        "{playlist}"
    );
    assert_eq!(
        playlist.matches("#EXT-X-DISCONTINUITY\n").count(),
        1,
        "{playlist}"
    );
    assert!(playlist.contains("#EXT-X-PROGRAM-DATE-TIME:"), "{playlist}");
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_of_a_recording_names_a_day_that_is_there_whatever_is_dropped() {
    const DAY: Ticks = Ticks(86_400 * 90_000);
    let world = World::new();
    let clip = Clip::make(KEYFRAMES, false);
    let mut bench = world.bench();
    bench.run();
    bench.record("lobby", &clip.units);
    bench.record("lobby", &clip.later(DAY));
    bench.drained().await;
    let of_asset = |ending: &str| {
        let names = world.azurite.names();
        let mut names: Vec<String> = names.into_iter().filter(|name| name.ends_with(ending)).collect();
        names.sort();
        names
    };
    let masters = || {
        let mut names = of_asset(".m3u8");
        names.retain(|name| name.matches('.').count() == 1 && !name.ends_with("index.m3u8"));
        names
    };
    let index = || world.azurite.text("lobby/index.m3u8");
    let days = masters();
    assert_eq!(days.len(), 2, "{days:?}");
    assert_eq!(index(), world.azurite.text(&days[1]));
    let asset = bench.cache.index().find_asset(STORE, "lobby").unwrap().unwrap();
    let whole = mediagraph::media::MediaTime::from_ticks(0)
        ..mediagraph::media::MediaTime::from_ticks(i64::MAX as u64);
    let rows = bench.cache.index().segments(asset.id, whole).unwrap();
    let (first, second) = rows.split_at(SEGMENTS);
    let drop_all = |rows: &[mediagraph::recording::index::SegmentRow]| {
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        bench.cache.drop_segments(&ids, GapReason::Retention).unwrap();
        bench.cache.sealed(STORE).notify_one();
    };
    drop_all(second);
    bench.drained().await;
    assert_eq!(masters(), days[..1]);
    assert_eq!(index(), world.azurite.text(&days[0]), "the newest that is left");
    drop_all(first);
    bench.drained().await;
    assert_eq!(
        of_asset(".m3u8"),
        Vec::<String>::new(),
        "nothing is left to be named"
    );
    bench.end().await;
}
