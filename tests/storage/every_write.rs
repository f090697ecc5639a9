//! A process that dies at its n-th write, for every n: whatever it has acknowledged is there afterwards, and plays.
//!
//! The process is this very program, started again with [`LIFE`] in its environment. What it acknowledges it prints, so that the
//! ledger is kept by the one that does not die. It is cut off in the middle of a write: half of the bytes stand on the disk.

use std::io::{self, IoSlice, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use mediagraph::media::{Clock, MediaTime, SystemClock, TICKS_PER_SECOND, Ticks};
use mediagraph::recording::cache::sink_folder;
use mediagraph::recording::index::{GapReason, Index};
use mediagraph::recording::listener::Deaf;
use mediagraph::recording::storage::{Disk, Storage, StorageFile};
use mediagraph::recording::store::{DirectoryStore, LOCAL};
use mediagraph::recording::upload::{Uploader, UploaderOptions};
use mediagraph::recording::{AssetSpec, Cache, CacheOptions, Notice, Recorder as _};
use tokio_util::sync::CancellationToken;

use crate::clip::Clip;
use crate::common::judge;
use crate::common::process::until;

/// Says that this process is to live and die, and after how many writes.
const LIFE: &str = "MEDIAGRAPH_TEST_LIFE";
const FOLDER: &str = "MEDIAGRAPH_TEST_FOLDER";
const NAME: &str = "every_write::wherever_the_process_dies_what_it_acknowledged_is_there_and_plays";
const KEYFRAMES: &[&str] = &["-bf", "0", "-g", "25", "-keyint_min", "25", "-sc_threshold", "0"];
/// The longest fragment of the clip, and the picture that ends it: a crash costs so much at most, in ticks.
const FRAGMENT: u64 = 2 * TICKS_PER_SECOND as u64 + TICKS_PER_SECOND as u64 / 10;
/// ffmpeg looks at one life in so many: all are looked at by `mediagraph check`.
const JUDGED: i64 = 8;
const SOON: std::time::Duration = std::time::Duration::from_secs(60);

/// Dies at the operation that `left` says.
#[derive(Clone, Debug)]
struct Dying {
    left: Arc<AtomicI64>,
}

impl Dying {
    fn dies_now(&self) -> bool {
        self.left.fetch_sub(1, Ordering::SeqCst) == 0
    }

    fn step(&self) {
        if self.dies_now() {
            die();
        }
    }
}

/// Nothing is written, closed or told any more.
fn die() -> ! {
    let _dead = Command::new("sh")
        .args(["-c", &format!("kill -KILL {}", std::process::id())])
        .status();
    std::process::abort()
}

impl Storage for Dying {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.step();
        Disk.create_dir(path)
    }
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        self.step();
        self.file(Disk.create_new(path)?)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        self.step();
        self.file(Disk.open(path)?)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step();
        Disk.rename(from, to)
    }
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step();
        Disk.hard_link(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step();
        Disk.remove(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.step();
        Disk.remove_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step();
        Disk.sync_dir(path)
    }
}

impl Dying {
    #[allow(clippy::unnecessary_wraps, reason = "it stands behind what can fail")]
    fn file(&self, inner: Box<dyn StorageFile>) -> io::Result<Box<dyn StorageFile>> {
        let of = self.clone();
        Ok(Box::new(DyingFile { of, inner }))
    }
}

#[derive(Debug)]
struct DyingFile {
    of: Dying,
    inner: Box<dyn StorageFile>,
}

impl StorageFile for DyingFile {
    fn write(&mut self, at: u64, parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        if self.of.dies_now() {
            let all: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
            self.inner.write(at, &mut [IoSlice::new(&all[..all.len() / 2])])?;
            die();
        }
        self.inner.write(at, parts)
    }
    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.of.step();
        self.inner.truncate(length)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.of.step();
        self.inner.sync()
    }
    fn append_file(&mut self, at: u64, from: &Path, length: u64) -> io::Result<()> {
        if self.of.dies_now() {
            self.inner.append_file(at, from, length / 2)?;
            die();
        }
        self.inner.append_file(at, from, length)
    }
}

/// A cache, the local store, and the queue between them.
struct Host {
    cache: Arc<Cache>,
    uploader: Arc<Uploader>,
}

impl Host {
    fn open(folder: &Path, storage: Arc<dyn Storage>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let cache = Cache::open(CacheOptions {
            root: folder.join("cache"),
            host: "box".to_owned(),
            storage: Arc::clone(&storage),
            clock: Arc::clone(&clock),
            index: Arc::new(Index::open(&folder.join("index.db")).unwrap()),
            listener: Arc::new(Deaf),
        })
        .unwrap();
        let uploader = Arc::new(Uploader::new(UploaderOptions {
            name: LOCAL.to_owned(),
            store: Arc::new(DirectoryStore::new(folder.join("assets"), storage)),
            cache: Arc::clone(&cache),
            clock,
        }));
        Self { cache, uploader }
    }

    /// Carries everything to the store.
    async fn settle(&self) {
        let stop = CancellationToken::new();
        let running = {
            let (uploader, stop) = (Arc::clone(&self.uploader), stop.clone());
            tokio::spawn(async move { uploader.run(stop).await })
        };
        tokio::task::block_in_place(|| {
            until("everything in the store", SOON, || {
                let index = self.cache.index();
                let left = index.backlog_of(None).unwrap().segments;
                (left == 0 && !index.is_unlisted(None).unwrap()).then_some(())
            });
        });
        stop.cancel();
        running.await.unwrap();
    }
}

/// Records the clip and says what is safe. Dies on the way, or prints `end`.
async fn live(folder: &Path, writes: i64) {
    let storage = Dying {
        left: Arc::new(AtomicI64::new(writes)),
    };
    let host = Host::open(folder, Arc::new(storage));
    let say = |text: &str| {
        let mut out = io::stdout().lock();
        writeln!(out, "\nACK {text}").unwrap();
        out.flush().unwrap();
    };
    let mut writer = host
        .cache
        .open_asset(AssetSpec {
            store: LOCAL.to_owned(),
            name: "lobby".to_owned(),
            owner: "gate/recorder".to_owned(),
            folder: sink_folder(host.cache.root(), "gate", "recorder"),
            budget: None,
            segment_length: Ticks::from_secs(4),
        })
        .unwrap();
    let tell = |notices: Vec<Notice>| {
        for notice in notices {
            if let Notice::SegmentSealed { path, bytes, .. } = notice {
                let name = path.file_name().unwrap().to_str().unwrap();
                say(&format!("sealed {name} {bytes}"));
            }
        }
    };
    let mut started = false;
    for unit in &Clip::read(&folder.join("clip.mp4")).units {
        if writer.push(unit).unwrap() {
            let notices = writer.flush().unwrap();
            started |= notices
                .iter()
                .any(|notice| matches!(notice, Notice::Started { .. }));
            tell(notices);
            // At first the index learns that something begins; nothing is on the disk yet.
            let what = if started { "until" } else { "begun" };
            say(&format!("{what} {}", unit.time.ticks()));
        }
    }
    tell(writer.close().unwrap());
    drop(writer);
    host.settle().await;
    say("end");
}

/// One life, cut off at a write; what it acknowledged.
fn life(folder: &Path, writes: i64) -> Vec<String> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--nocapture", "--test-threads=1"])
        .env(LIFE, writes.to_string())
        .env(FOLDER, folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let told: Vec<String> = said
        .lines()
        .filter_map(|line| line.strip_prefix("ACK ").map(str::to_owned))
        .collect();
    let ended = told.iter().any(|line| line == "end");
    assert_eq!(
        output.status.success(),
        ended,
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    told
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return found;
    };
    for entry in entries.map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push((entry.path(), std::fs::read(entry.path()).unwrap()));
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_process_dies_what_it_acknowledged_is_there_and_plays() {
    if let Ok(writes) = std::env::var(LIFE) {
        let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
        return live(&folder, writes.parse().unwrap()).await;
    }
    let drawn = tempfile::tempdir().unwrap();
    let clip = drawn.path().join("clip.mp4");
    Clip::draw(KEYFRAMES, true, &clip);
    for writes in 0.. {
        // In memory: it is processes that die here, and not disks.
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        std::fs::copy(&clip, folder.path().join("clip.mp4")).unwrap();
        let told = tokio::task::block_in_place(|| life(folder.path(), writes));
        // Put in order twice: the second time changes nothing.
        drop(Host::open(folder.path(), Arc::new(Disk)));
        let once = files(&folder.path().join("cache"));
        let host = Host::open(folder.path(), Arc::new(Disk));
        assert_eq!(files(&folder.path().join("cache")), once, "{writes}");
        host.settle().await;
        tokio::task::block_in_place(|| judge_life(folder.path(), writes, &told));
        if told.iter().any(|line| line == "end") {
            assert!(writes > 50, "it writes more often than that: {writes}");
            return;
        }
    }
}

fn judge_life(folder: &Path, writes: i64, told: &[String]) {
    let asset = folder.join("assets/lobby");
    let told_of = |what: &str| -> Vec<&str> {
        let of = told.iter().filter_map(|line| line.strip_prefix(what));
        of.collect()
    };
    for sealed in told_of("sealed ") {
        let (name, bytes) = sealed.split_once(' ').unwrap();
        let there = std::fs::metadata(asset.join(name)).map(|found| found.len());
        assert_eq!(
            there.ok(),
            bytes.parse().ok(),
            "{name} is lost, killed at write {writes}"
        );
    }
    let last_of = |what: &str| told_of(what).last().map(|ticks| ticks.parse::<u64>().unwrap());
    let Some(until) = last_of("until ") else {
        if let Some(begun) = last_of("begun ") {
            judge_begun(folder, writes, MediaTime::from_ticks(begun));
        }
        return;
    };
    let recording = if writes % JUDGED == 0 {
        judge::judged(&asset)
    } else {
        judge::check(&asset)
    };
    let last = recording.video().iter().map(|sample| sample.time).max().unwrap();
    assert!(
        last + FRAGMENT >= until,
        "{} s of what was written are lost, killed at write {writes}",
        (until - last) as f64 / TICKS_PER_SECOND as f64
    );
    let index = Index::open(&folder.join("index.db")).unwrap();
    let row = index.find_asset(LOCAL, "lobby").unwrap().unwrap();
    let rows = index.segments(row.id, always()).unwrap();
    for row in &rows {
        let file = asset.join(row.name.file(".m4s"));
        let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(
            crate::clip::sha256(&bytes),
            hex(&row.sha256),
            "{}",
            file.display()
        );
    }
    let there = files(&asset);
    let segments = there
        .iter()
        .filter(|(path, _)| path.extension().is_some_and(|ending| ending == "m4s"));
    assert_eq!(segments.count(), rows.len(), "no file without a row");
}

/// Of what had begun everything is there, or a gap that says why not.
fn judge_begun(folder: &Path, writes: i64, begun: MediaTime) {
    let index = Index::open(&folder.join("index.db")).unwrap();
    let row = index.find_asset(LOCAL, "lobby").unwrap().unwrap();
    let gaps = index.gaps(row.id, always()).unwrap();
    assert_eq!(gaps.len(), 1, "killed at write {writes}: {gaps:?}");
    assert_eq!(gaps[0].reason, GapReason::Crash);
    let kept = index.last_end(row.id).unwrap();
    assert_eq!(gaps[0].start, kept.unwrap_or(begun), "killed at write {writes}");
}

fn always() -> std::ops::Range<MediaTime> {
    MediaTime::from_ticks(0)..MediaTime::from_ticks(i64::MAX as u64)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
