//! A cache with recordings in it, a store, and the queue between them.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mediagraph::media::{AccessUnit, Clock, SystemClock, Ticks};
use mediagraph::recording::cache::sink_folder;
use mediagraph::recording::index::Index;
use mediagraph::recording::storage::Disk;
use mediagraph::recording::store::AssetStore;
use mediagraph::recording::upload::{UploadStatus, Uploader, UploaderOptions};
use mediagraph::recording::{
    AssetSpec, AssetWriter, Cache, CacheOptions, Recorder, RecordingEvent, RecordingListener,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::common::process::until;

pub(crate) const STORE: &str = "cloud";
/// Whatever a queue does by itself, back-off among it.
pub(crate) const SOON: Duration = Duration::from_secs(120);

/// Remembers what it hears.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<Vec<RecordingEvent>>);

impl RecordingListener for Heard {
    fn tell(&self, _: &str, event: &RecordingEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

pub(crate) struct Bench {
    pub(crate) cache: Arc<Cache>,
    heard: Arc<Heard>,
    uploader: Arc<Uploader>,
    stop: CancellationToken,
    running: Option<JoinHandle<()>>,
}

impl Bench {
    /// Opens what stands in a folder; nothing is uploaded yet.
    pub(crate) fn open(folder: &Path, host: &str, store: Arc<dyn AssetStore>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let heard = Arc::new(Heard::default());
        std::fs::create_dir_all(folder).unwrap();
        let cache = Cache::open(CacheOptions {
            root: folder.join("cache"),
            host: host.to_owned(),
            storage: Arc::new(Disk),
            clock: Arc::clone(&clock),
            index: Arc::new(Index::open(&folder.join("index.db")).unwrap()),
            listener: Arc::clone(&heard) as _,
        })
        .unwrap();
        let uploader = Arc::new(Uploader::new(UploaderOptions {
            name: STORE.to_owned(),
            store,
            cache: Arc::clone(&cache),
            clock,
        }));
        Self {
            cache,
            heard,
            uploader,
            stop: CancellationToken::new(),
            running: None,
        }
    }

    /// Begins to upload.
    pub(crate) fn run(&mut self) {
        let (uploader, stop) = (Arc::clone(&self.uploader), self.stop.clone());
        self.running = Some(tokio::spawn(async move { uploader.run(stop).await }));
    }

    /// Ends the queue in the middle of whatever it does, as a crash would.
    pub(crate) async fn end(mut self) {
        self.stop.cancel();
        if let Some(running) = self.running.take() {
            running.await.unwrap();
        }
    }

    /// A writer with segments of a second.
    pub(crate) fn writer(&self, asset: &str) -> AssetWriter {
        self.cache
            .open_asset(AssetSpec {
                store: STORE.to_owned(),
                name: asset.to_owned(),
                owner: "gate/recorder".to_owned(),
                folder: sink_folder(self.cache.root(), "gate", "recorder"),
                budget: None,
                segment_length: Ticks::from_secs(1),
            })
            .unwrap()
    }

    /// Records all of it and closes the asset.
    pub(crate) fn record(&self, asset: &str, units: &[Arc<AccessUnit>]) {
        let mut writer = self.writer(asset);
        feed(&mut writer, units);
        writer.close().unwrap();
    }

    pub(crate) fn status(&self) -> UploadStatus {
        self.uploader.status().unwrap()
    }

    pub(crate) async fn wait(&self, what: &str, done: impl Fn(&UploadStatus) -> bool) -> UploadStatus {
        tokio::task::block_in_place(|| {
            until(what, SOON, || Some(self.status()).filter(|status| done(status)))
        })
    }

    /// Waits until everything is in the store, and its playlists.
    pub(crate) async fn drained(&self) {
        tokio::task::block_in_place(|| {
            until("everything uploaded", SOON, || {
                let index = self.cache.index();
                let left = index.backlog_of(None).unwrap().segments;
                (left == 0 && !index.is_unlisted(None).unwrap()).then_some(())
            });
        });
    }

    /// How often something was told.
    pub(crate) fn heard(&self, is: impl Fn(&RecordingEvent) -> bool) -> usize {
        self.heard
            .0
            .lock()
            .unwrap()
            .iter()
            .filter(|event| is(event))
            .count()
    }
}

pub(crate) fn feed(writer: &mut AssetWriter, units: &[Arc<AccessUnit>]) {
    for unit in units {
        if writer.push(unit).unwrap() {
            writer.flush().unwrap();
        }
    }
}
