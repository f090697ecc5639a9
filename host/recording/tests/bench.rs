//! A cache with its index, opened and opened again.

use tempfile::TempDir;

use super::*;
use crate::media::ManualClock;
use crate::recording::cache::{CacheOptions, sink_folder};
use crate::recording::index::{FILE_NAME, Gap, GapReason, Index, SegmentRow};
use crate::recording::listener::RecordingListener;
use crate::recording::store::LOCAL;

pub(super) const OWNER: &str = "box/sink";

/// Keeps what it hears.
#[derive(Debug, Default)]
pub(super) struct Heard(pub(super) std::sync::Mutex<Vec<RecordingEvent>>);

impl RecordingListener for Heard {
    fn tell(&self, _: &str, event: &RecordingEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

pub(super) struct Bench {
    /// On a file system in memory: these tests sync by the thousand and cut no power.
    pub(super) folder: TempDir,
    pub(super) clock: Arc<ManualClock>,
    pub(super) heard: Arc<Heard>,
    pub(super) budget: Option<u64>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir_in("/dev/shm").unwrap(),
            clock: Arc::new(ManualClock::new(MediaTime::from_ticks(BASE).to_timestamp())),
            heard: Arc::default(),
            budget: None,
        }
    }

    pub(super) fn root(&self) -> std::path::PathBuf {
        self.folder.path().join("cache")
    }

    pub(super) fn sink(&self) -> std::path::PathBuf {
        sink_folder(&self.root(), "box", "sink")
    }

    pub(super) fn dir(&self) -> std::path::PathBuf {
        self.sink().join("lobby")
    }

    pub(super) fn try_cache(&self, storage: Arc<dyn Storage>) -> Result<Arc<Cache>, RecordingError> {
        let index = Index::open(&self.folder.path().join(FILE_NAME))?;
        Cache::open(CacheOptions {
            root: self.root(),
            host: "box".to_owned(),
            storage,
            clock: Arc::clone(&self.clock) as _,
            index: Arc::new(index),
            listener: Arc::clone(&self.heard) as _,
        })
    }

    pub(super) fn cache(&self) -> Arc<Cache> {
        self.try_cache(disk()).unwrap()
    }

    pub(super) fn spec(&self) -> AssetSpec {
        AssetSpec {
            store: LOCAL.to_owned(),
            name: "lobby".to_owned(),
            owner: OWNER.to_owned(),
            folder: self.sink(),
            budget: self.budget,
            segment_length: Ticks::from_secs(6),
        }
    }

    /// Records as the clock goes, and closes.
    pub(super) fn record(&self, units: &[Arc<AccessUnit>]) -> Vec<Notice> {
        let mut writer = self.cache().open_asset(self.spec()).unwrap();
        let mut notices = self.feed(&mut writer, units);
        notices.extend(writer.close().unwrap());
        notices
    }

    pub(super) fn feed(&self, recorder: &mut dyn Recorder, units: &[Arc<AccessUnit>]) -> Vec<Notice> {
        if let Some(last) = units.last() {
            self.clock.set_wall(last.time.to_timestamp());
        }
        feed(recorder, units)
    }

    /// What is wrong with the media in the cache; playlists are the stores' business.
    pub(super) fn report(&self) -> Report {
        let mut report = verify(&self.dir()).unwrap();
        report.problems.retain(|problem| {
            !problem.contains("is in no playlist") && !problem.contains("`index.m3u8` is missing")
        });
        report
    }

    pub(super) fn sound_report(&self) -> Report {
        let report = self.report();
        assert_eq!(report.problems, Vec::<String>::new());
        report
    }

    /// What the index has of the asset.
    pub(super) fn rows(&self, cache: &Cache) -> Vec<SegmentRow> {
        let Some(asset) = cache.index().find_asset(LOCAL, "lobby").unwrap() else {
            return Vec::new();
        };
        cache
            .index()
            .segments(asset.id, MediaTime::MIN..MediaTime::MAX)
            .unwrap()
    }

    pub(super) fn gaps(&self, cache: &Cache) -> Vec<Gap> {
        let Some(asset) = cache.index().find_asset(LOCAL, "lobby").unwrap() else {
            return Vec::new();
        };
        cache
            .index()
            .gaps(asset.id, MediaTime::MIN..MediaTime::MAX)
            .unwrap()
    }

    /// Start, end in seconds from the beginning, and the reason.
    pub(super) fn gap_seconds(&self, cache: &Cache) -> Vec<(i64, i64, GapReason)> {
        let second = |at: MediaTime| (at.since(MediaTime::from_ticks(BASE)).0 + 45_000) / 90_000;
        let gaps = self.gaps(cache).into_iter();
        gaps.map(|gap| (second(gap.start), second(gap.end), gap.reason))
            .collect()
    }

    /// The files of the asset, with their contents.
    pub(super) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let Ok(entries) = std::fs::read_dir(self.dir()) else {
            return Vec::new();
        };
        let mut files: Vec<_> = entries
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, std::fs::read(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    }

    /// Every row has its file and every file its row, to the byte and to the hash.
    pub(super) fn index_and_files_agree(&self, cache: &Cache) {
        let files = self.files();
        let rows = self.rows(cache);
        let mut named: Vec<String> = rows.iter().map(|row| row.name.file(".m4s")).collect();
        named.sort();
        let there: Vec<&String> = files
            .iter()
            .map(|(name, _)| name)
            .filter(|name| name.ends_with(".m4s"))
            .collect();
        assert_eq!(there, named.iter().collect::<Vec<_>>());
        for row in &rows {
            let (_, bytes) = files
                .iter()
                .find(|(name, _)| *name == row.name.file(".m4s"))
                .unwrap();
            let hash: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(bytes).into();
            assert_eq!((bytes.len() as u64, hash), (row.bytes, row.sha256));
            let fragments = cache.index().fragments(row.id).unwrap();
            assert_eq!(fragments.iter().map(|one| one.bytes).sum::<u64>(), row.bytes);
            let tracks = crate::recording::asset::scan::tracks(&self.dir(), &row.name.epoch).unwrap();
            let scanned =
                crate::recording::asset::scan::inspect(&self.dir().join(row.name.file(".m4s")), &tracks)
                    .unwrap();
            assert_eq!(
                (scanned.video, scanned.audio, scanned.fragments),
                (row.video, row.audio, fragments)
            );
        }
        assert!(cache.index().garbage().unwrap().is_empty());
        let unfinished = |name: &str| name.ends_with(".part") || name.ends_with(".tmp");
        assert!(!files.iter().any(|(name, _)| unfinished(name)), "{files:?}");
    }
}
