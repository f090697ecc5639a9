use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::media::steady::AGE_GRACE;
use crate::media::{Clock as _, ManualClock, MediaTime, Ticks, TrackKind};
use crate::recording::asset::name::{Epoch, SEGMENT, SegmentName};
use crate::recording::asset::scan::Part;
use crate::recording::holds::NewHold;
use crate::recording::index::{
    AssetId, EpochId, FragmentEntry, GapReason, Index, NewSegment, SegmentId, Unlisted,
};
use crate::recording::listener::{RecordingEvent, RecordingListener};
use crate::recording::storage::Disk;
use crate::recording::store::{AssetStore, DirectoryStore, LOCAL};
use crate::recording::{Cache, CacheOptions};

const NOW: &str = "2026-11-20T12:00:00Z";
const LENGTH: i64 = 30;
const MIB: usize = 1 << 20;
const DAY: u64 = 86_400;
/// How often something is looked at, 10 ms apart, before it is given up.
const SOON: u32 = 1_000;

/// Remembers what went.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<(String, GapReason, u64)>>);

impl RecordingListener for Told {
    fn tell(&self, owner: &str, event: &RecordingEvent) {
        if let RecordingEvent::Dropped {
            reason, fragments, ..
        } = event
        {
            self.0
                .lock()
                .unwrap()
                .push((owner.to_owned(), *reason, *fragments));
        }
    }
}

/// A state directory with a local store, on a disk whose size the test decides.
struct House {
    folder: tempfile::TempDir,
    cache: Arc<Cache>,
    clock: Arc<ManualClock>,
    told: Arc<Told>,
    /// The size of the disk.
    disk: Arc<AtomicU64>,
    assets: Mutex<BTreeMap<String, (AssetId, EpochId)>>,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(NOW.parse().unwrap()));
        let told = Arc::new(Told::default());
        let index = Arc::new(Index::open(&folder.path().join("index.db")).unwrap());
        let options = CacheOptions {
            root: folder.path().join("cache"),
            host: "box".into(),
            storage: Arc::new(Disk),
            clock: Arc::clone(&clock) as _,
            index,
            listener: Arc::clone(&told) as _,
        };
        std::fs::create_dir_all(folder.path().join("assets")).unwrap();
        Self {
            cache: Cache::open(options).unwrap(),
            folder,
            clock,
            told,
            disk: Arc::new(AtomicU64::new(1 << 40)),
            assets: Mutex::default(),
        }
    }

    fn index(&self) -> &Index {
        self.cache.index()
    }

    fn asset(&self, name: &str) -> (AssetId, EpochId) {
        let mut assets = self.assets.lock().unwrap();
        let make = || {
            let now = NOW.parse().unwrap();
            let asset = self
                .index()
                .asset(LOCAL, name, &format!("{name}/sink"), now)
                .unwrap();
            let epoch = Epoch {
                host: "box".into(),
                counter: 1,
            };
            let epoch = self.index().begin_epoch(asset, &epoch, now).unwrap();
            self.index().set_init(epoch, TrackKind::Video, b"init").unwrap();
            let path = self.stored(name, "box-1.video.mp4");
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"init").unwrap();
            (asset, epoch)
        };
        *assets.entry(name.to_owned()).or_insert_with(make)
    }

    fn stored(&self, asset: &str, file: &str) -> PathBuf {
        self.folder.path().join("assets").join(asset).join(file)
    }

    /// A segment of 1 MiB that began so many seconds ago, in the cache.
    fn cached(&self, name: &str, ago: u64) -> (SegmentId, SegmentName) {
        let (asset, epoch) = self.asset(name);
        let now = MediaTime::from_timestamp(NOW.parse().unwrap());
        let start = now.offset(Ticks::from_secs(-i64::try_from(ago).unwrap()));
        let folder = self.folder.path().join("cache").join(name);
        let file = SegmentName {
            start,
            epoch: Epoch {
                host: "box".into(),
                counter: 1,
            },
        };
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(file.file(SEGMENT)), vec![0; MIB]).unwrap();
        let ticks = LENGTH as u64 * 90_000;
        let fragment = FragmentEntry {
            kind: TrackKind::Video,
            start: start.ticks(),
            ticks,
            bytes: MIB as u64,
            samples: 750,
            sync: true,
        };
        let new = NewSegment {
            asset,
            epoch,
            start,
            end: start.offset(Ticks::from_secs(LENGTH)),
            bytes: MIB as u64,
            video: Part {
                bytes: MIB as u64,
                start: start.ticks(),
                ticks,
                samples: 750,
                ..Part::default()
            },
            audio: None,
            fragments: &[fragment],
            sha256: [0; 32],
            folder: &folder,
            detections: &[],
        };
        (self.index().seal(&new).unwrap(), file)
    }

    /// The same, carried to the store.
    fn keep(&self, name: &str, ago: u64) -> SegmentName {
        let (id, file) = self.cached(name, ago);
        let from = self
            .folder
            .path()
            .join("cache")
            .join(name)
            .join(file.file(SEGMENT));
        std::fs::copy(from, self.stored(name, &file.file(SEGMENT))).unwrap();
        self.cache.stored(&[id]).unwrap();
        file
    }

    fn keeper(&self, rules: &[(&str, Limits)]) -> Arc<Keeper> {
        let (folder, disk) = (self.folder.path().to_owned(), Arc::clone(&self.disk));
        let space = move |_: &Path| {
            let total = disk.load(Ordering::SeqCst);
            let used = used(&folder);
            Ok(Space {
                free: total.saturating_sub(used),
                total,
                free_files: None,
            })
        };
        let local = self.folder.path().join("assets");
        let store: Arc<dyn AssetStore> = Arc::new(DirectoryStore::new(local.clone(), Arc::new(Disk)));
        Keeper::new(KeeperOptions {
            cache: Arc::clone(&self.cache),
            stores: BTreeMap::from([(LOCAL.to_owned(), store)]),
            local,
            rules: Rules::new(
                rules
                    .iter()
                    .map(|(pattern, limits)| (Pattern::parse(pattern), *limits)),
            ),
            keep_free: KeepFree {
                percent: Some(10),
                bytes: None,
            },
            space: Arc::new(space),
            clock: Arc::clone(&self.clock) as _,
        })
    }

    /// The stored files of an asset.
    fn files(&self, name: &str) -> Vec<String> {
        let folder = std::fs::read_dir(self.folder.path().join("assets").join(name)).unwrap();
        let mut names: Vec<String> = folder
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.retain(|name| name.ends_with(SEGMENT));
        names.sort();
        names
    }

    fn gaps(&self, name: &str) -> Vec<(GapReason, f64)> {
        let (asset, _) = self.asset(name);
        let gaps = self.index().gaps(asset, MediaTime::MIN..MediaTime::MAX).unwrap();
        gaps.iter()
            .map(|gap| (gap.reason, gap.end.since(gap.start).seconds()))
            .collect()
    }

    fn hold(&self, name: &str, range: std::ops::Range<MediaTime>, until: Option<jiff::Timestamp>) {
        let asset = self.index().asset_row(self.asset(name).0).unwrap().unwrap();
        let new = NewHold {
            start: Some(range.start),
            end: Some(range.end),
            reason: String::new(),
            who: String::new(),
            until,
        };
        self.cache.holds().place(&asset, new, self.clock.wall()).unwrap();
    }

    /// As whoever writes playlists does.
    fn write_playlists(&self) {
        for day in self.index().unlisted(LOCAL, 100).unwrap() {
            self.index().listed(&day).unwrap();
        }
    }

    fn unlisted(&self) -> Vec<Unlisted> {
        self.index().unlisted(LOCAL, 100).unwrap()
    }
}

/// Waits for something that a task does.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..SOON {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: not in time")
}

fn used(folder: &Path) -> u64 {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.metadata().unwrap();
        if kind.is_dir() {
            sum += used(&entry.path());
        } else if entry.file_name().to_string_lossy().ends_with(SEGMENT) {
            sum += kind.len();
        }
    }
    sum
}

fn keep_days(days: u64) -> Limits {
    Limits {
        keep: Some(Duration::from_secs(days * DAY)),
        max_bytes: None,
    }
}

fn at_most(mib: usize) -> Limits {
    Limits {
        keep: None,
        max_bytes: Some((mib * MIB) as u64),
    }
}

#[tokio::test]
async fn what_is_too_old_goes_and_becomes_a_gap_but_not_before_the_clock_is_believed() {
    let house = House::new();
    let young = house.keep("lobby", DAY);
    let old = house.keep("lobby", 3 * DAY);
    house.keep("yard", 3 * DAY);
    house.write_playlists();
    let keeper = house.keeper(&[("lob*", keep_days(2))]);
    keeper.retain().await;
    assert_eq!(house.files("lobby").len(), 2, "the clock may be wrong");
    assert!(keeper.status().clock_doubtful);
    house.clock.advance(AGE_GRACE);
    keeper.retain().await;
    assert_eq!(house.files("lobby"), [young.file(SEGMENT)]);
    assert_eq!(house.files("yard").len(), 1, "no rule is for it");
    assert_eq!(house.gaps("lobby"), [(GapReason::Retention, 30.0)]);
    assert_eq!(
        *house.told.0.lock().unwrap(),
        [("lobby/sink".to_owned(), GapReason::Retention, 1)]
    );
    let unlisted = house.unlisted();
    assert_eq!(unlisted.len(), 1);
    assert!(
        unlisted[0].range().contains(&old.start),
        "its day's playlists name it still"
    );
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_costs_nothing() {
    let house = House::new();
    house.keep("lobby", DAY);
    let keeper = house.keeper(&[("*", keep_days(2))]);
    house.clock.advance(AGE_GRACE);
    keeper.retain().await;
    house.clock.set_wall("2036-11-20T12:00:00Z".parse().unwrap());
    keeper.retain().await;
    assert_eq!(house.files("lobby").len(), 1);
}

#[tokio::test]
async fn the_assets_of_a_rule_hold_together_no_more_than_its_size_and_the_oldest_goes_first() {
    let house = House::new();
    for ago in [500, 300, 100] {
        house.keep("lobby-1", ago);
        house.keep("lobby-2", ago + 50);
    }
    house.cached("lobby-1", 40);
    let own = house.keep("lobby-own", 9_000);
    let keeper = house.keeper(&[("lobby-*", at_most(3)), ("lobby-own", at_most(1))]);
    keeper.retain().await;
    assert_eq!(
        (house.files("lobby-1").len(), house.files("lobby-2").len()),
        (1, 1)
    );
    assert_eq!(house.files("lobby-own"), [own.file(SEGMENT)]);
    assert_eq!(
        house.index().backlog(LOCAL).unwrap().segments,
        1,
        "the newest still waits for its store"
    );
    let total: u64 = house.index().sizes().unwrap().iter().map(|size| size.bytes).sum();
    assert_eq!(total, 4 * MIB as u64);
}

#[tokio::test]
async fn what_is_held_never_goes() {
    let house = House::new();
    house.keep("lobby", 3 * DAY);
    house.keep("yard", 2 * DAY);
    house.hold("lobby", MediaTime::MIN..MediaTime::MAX, None);
    house.clock.advance(AGE_GRACE);
    let keeper = house.keeper(&[(
        "*",
        Limits {
            max_bytes: Some(0),
            ..keep_days(1)
        },
    )]);
    house.clock.advance(AGE_GRACE);
    keeper.retain().await;
    assert_eq!((house.files("lobby").len(), house.files("yard").len()), (1, 0));
    house.disk.store(MIB as u64, Ordering::SeqCst);
    keeper.make_room().await;
    assert_eq!(house.files("lobby").len(), 1);
    assert!(keeper.status().nothing_left && keeper.status().held);
    house.disk.store(100 * MIB as u64, Ordering::SeqCst);
    keeper.make_room().await;
    assert!(!keeper.status().nothing_left && !keeper.status().held);
}

#[tokio::test]
async fn only_the_stretch_that_is_held_stays_and_it_does_not_count_into_the_size_of_its_rule() {
    let house = House::new();
    let held = house.keep("lobby", 500);
    house.keep("lobby", 300);
    let newest = house.keep("lobby", 100);
    let start = held.start;
    house.hold("lobby", start..start.offset(Ticks(1)), None);
    house.keeper(&[("lobby", at_most(1))]).retain().await;
    assert_eq!(house.files("lobby"), [held.file(SEGMENT), newest.file(SEGMENT)]);
    // The reserve takes what is not held, and then has nothing left.
    house.disk.store(MIB as u64, Ordering::SeqCst);
    let keeper = house.keeper(&[]);
    keeper.make_room().await;
    assert_eq!(house.files("lobby"), [held.file(SEGMENT)]);
    assert!(keeper.status().nothing_left && keeper.status().held);
}

#[tokio::test]
async fn a_hold_whose_time_is_over_keeps_nothing_any_more_once_the_clock_is_believed() {
    let house = House::new();
    house.keep("lobby", 3 * DAY);
    let hour = Duration::from_secs(3600);
    let until = house.clock.wall().checked_add(hour).unwrap();
    house.hold("lobby", MediaTime::MIN..MediaTime::MAX, Some(until));
    let keeper = house.keeper(&[("*", keep_days(1))]);
    house.clock.set_wall("2036-11-20T12:00:00Z".parse().unwrap());
    keeper.retain().await;
    assert_eq!(house.files("lobby").len(), 1, "the clock jumped");
    house.clock.set_wall(NOW.parse().unwrap());
    let keeper = house.keeper(&[("*", keep_days(1))]);
    house.clock.advance(AGE_GRACE);
    keeper.retain().await;
    assert_eq!(house.files("lobby").len(), 1, "it still holds");
    house.clock.advance(hour);
    keeper.retain().await;
    assert!(house.files("lobby").is_empty());
    assert!(house.index().holds().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_deleted_goes_from_its_store_soon() {
    let house = House::new();
    house.keep("lobby", 300);
    let kept = house.keep("lobby", 100);
    let keeper = house.keeper(&[]);
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    tasks.spawn(Arc::clone(&keeper).run(stop.clone()));
    let asset = house.index().asset_row(house.asset("lobby").0).unwrap().unwrap();
    let range = MediaTime::MIN..kept.start;
    assert_eq!(house.cache.delete(&asset, &range).unwrap().segments, 1);
    assert_eq!(house.gaps("lobby"), [(GapReason::Deleted, 30.0)]);
    keeper.let_go_soon();
    until("the store lets go", || {
        house.files("lobby") == [kept.file(SEGMENT)]
    })
    .await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}

#[tokio::test]
async fn a_full_disk_loses_its_oldest_media_first_and_the_cache_after_the_store() {
    let house = House::new();
    for ago in [100, 400, 300, 200] {
        house.keep(if ago > 250 { "lobby" } else { "yard" }, ago);
    }
    let (_, waiting) = house.cached("lobby", 50);
    // Five MiB are there, and one shall be free.
    house.disk.store(5 * MIB as u64, Ordering::SeqCst);
    let keeper = house.keeper(&[]);
    keeper.make_room().await;
    assert_eq!((house.files("lobby").len(), house.files("yard").len()), (1, 2));
    assert_eq!(house.gaps("lobby"), [(GapReason::KeepFree, 30.0)]);
    assert!(!keeper.status().nothing_left);
    house.disk.store(MIB as u64, Ordering::SeqCst);
    keeper.make_room().await;
    assert_eq!((house.files("lobby").len(), house.files("yard").len()), (0, 0));
    let cached = house
        .folder
        .path()
        .join("cache/lobby")
        .join(waiting.file(SEGMENT));
    assert!(!cached.exists(), "the cache gives what the store could not");
    assert!(!keeper.status().nothing_left, "there is room now");
    house.disk.store(0, Ordering::SeqCst);
    house.disk.store(100, Ordering::SeqCst);
    keeper.make_room().await;
    let told = house.told.0.lock().unwrap().clone();
    assert_eq!(told.iter().map(|(_, _, fragments)| fragments).sum::<u64>(), 5);
    assert!(told.iter().all(|(_, reason, _)| *reason == GapReason::KeepFree));
}

#[tokio::test]
async fn what_a_store_could_not_let_go_is_asked_of_it_again() {
    let house = House::new();
    let old = house.keep("lobby", 3 * DAY);
    house.keep("lobby", DAY);
    let path = house.stored("lobby", &old.file(SEGMENT));
    // A folder cannot be removed like a file.
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let keeper = house.keeper(&[("*", keep_days(2))]);
    house.clock.advance(AGE_GRACE);
    keeper.retain().await;
    assert_eq!(house.index().removals(LOCAL, 10).unwrap().len(), 1);
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, "media").unwrap();
    // As after a restart: what is in the index is all that is known.
    house.keeper(&[]).retain().await;
    assert!(!path.exists());
    assert!(house.index().removals(LOCAL, 10).unwrap().is_empty());
}

#[tokio::test]
async fn an_asset_of_which_nothing_is_left_goes_with_its_init_segments_and_is_forgotten_after_its_gap() {
    let house = House::new();
    house.keep("event-1", 3 * DAY);
    let keeper = house.keeper(&[("*", keep_days(2))]);
    house.clock.advance(AGE_GRACE);
    keeper.retain().await;
    let init = house.stored("event-1", "box-1.video.mp4");
    assert!(init.exists(), "the day's playlists name it");
    house.write_playlists();
    // Noted in one round, removed in the next.
    keeper.retain().await;
    keeper.retain().await;
    assert!(!init.exists());
    assert!(
        house.index().find_asset(LOCAL, "event-1").unwrap().is_some(),
        "its gap can be asked for"
    );
    house.clock.advance(FORGET_AFTER);
    keeper.retain().await;
    assert!(house.index().find_asset(LOCAL, "event-1").unwrap().is_none());
}
