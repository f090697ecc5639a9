//! What a host has for recording: the cache, the stores, and what carries from one to the other.
//!
//! Opened once per process, before any graph; ended after all graphs have drained, so that what they sealed last is carried, too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::recorded::RecordedEvents;
use crate::events::EventSink;
use crate::media::Clock;
use crate::recording::RecordingError;
use crate::recording::adopt::adopt;
use crate::recording::cache::{Cache, CacheOptions};
use crate::recording::index::{self, Index, IndexError};
use crate::recording::listener::RecordingListener;
use crate::recording::retention::{KeepFree, Keeper, KeeperOptions, Rules, space};
use crate::recording::storage::Disk;
use crate::recording::store::{AssetStore, DirectoryStore, LOCAL, StoreSettings};
use crate::recording::upload::{Remaining, StoreHealth, UploadStatus, Uploader, UploaderOptions};
use crate::state::StateDir;

/// Uploads that are cut off when the host ends get so long to notice.
const STOP_TIME: Duration = Duration::from_secs(5);

/// How a host records.
#[derive(Clone, Debug)]
pub struct RecordingsOptions {
    /// The store of sinks, by name.
    pub store: String,
    /// The stores beside the local one, by name.
    pub stores: BTreeMap<String, StoreSettings>,
    /// What is kept how long.
    pub retention: Rules,
    /// What stays free on the disks that recordings are on.
    pub keep_free: KeepFree,
}

impl Default for RecordingsOptions {
    fn default() -> Self {
        Self {
            store: LOCAL.to_owned(),
            stores: BTreeMap::new(),
            retention: Rules::default(),
            keep_free: KeepFree::default(),
        }
    }
}

/// All that a host has for recording.
#[derive(Debug)]
pub struct Recordings {
    cache: Arc<Cache>,
    options: RecordingsOptions,
    stores: BTreeMap<String, Arc<dyn AssetStore>>,
    uploaders: Vec<Arc<Uploader>>,
    keeper: Arc<Keeper>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Recordings {
    /// Opens the index and the cache in a state directory and puts them in order after a crash; starts what uploads. Blocks;
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// When the index or a store cannot be opened.
    pub fn open(
        state: &StateDir,
        options: RecordingsOptions,
        clock: Arc<dyn Clock>,
        listener: Arc<dyn RecordingListener>,
    ) -> Result<Arc<Self>, RecordingError> {
        let stores = open_stores(state, &options, &clock)?;
        let index = Index::open(&state.path().join(index::FILE_NAME))?;
        adopt(&index, &state.assets(), state.host_id(), &Disk, clock.wall())?;
        let cache = Cache::open(CacheOptions {
            root: state.cache(),
            host: state.host_id().to_owned(),
            storage: Arc::new(Disk),
            clock: Arc::clone(&clock),
            index: Arc::new(index),
            listener,
        })?;
        let keeper = Keeper::new(KeeperOptions {
            cache: Arc::clone(&cache),
            stores: stores.clone(),
            local: state.assets(),
            rules: options.retention.clone(),
            keep_free: options.keep_free,
            space: Arc::new(space),
            clock: Arc::clone(&clock),
        });
        let recordings = Self {
            uploaders: stores
                .iter()
                .map(|(name, store)| uploader(name, store, &cache, &clock))
                .collect(),
            cache,
            options,
            stores,
            keeper,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        recordings.warn_of_strangers()?;
        for uploader in &recordings.uploaders {
            let (uploader, stop) = (Arc::clone(uploader), recordings.stop.clone());
            recordings.tasks.spawn(async move { uploader.run(stop).await });
        }
        let (keeper, stop) = (Arc::clone(&recordings.keeper), recordings.stop.clone());
        recordings.tasks.spawn(keeper.run(stop));
        Ok(Arc::new(recordings))
    }

    /// What was recorded for a store that the host does not know any more stays in the cache.
    fn warn_of_strangers(&self) -> Result<(), RecordingError> {
        let mut strangers: Vec<String> = self
            .cache
            .index()
            .assets()?
            .into_iter()
            .map(|asset| asset.store)
            .collect();
        strangers.dedup();
        for store in strangers.iter().filter(|store| !self.stores.contains_key(*store)) {
            let waits = self.cache.index().backlog(store)?;
            if waits.segments > 0 {
                tracing::warn!(
                    store,
                    segments = waits.segments,
                    bytes = waits.bytes,
                    "Recordings wait in the cache for a store that the configuration does not have any more"
                );
            }
        }
        Ok(())
    }

    /// As [`Recordings::open`]; what happens to recordings becomes events.
    ///
    /// # Errors
    /// As [`Recordings::open`].
    pub fn open_with_events(
        state: &StateDir,
        options: RecordingsOptions,
        clock: Arc<dyn Clock>,
        events: Arc<dyn EventSink>,
    ) -> Result<Arc<Self>, RecordingError> {
        let listener = Arc::new(RecordedEvents::new(events, Arc::clone(&clock)));
        Self::open(state, options, clock, listener)
    }

    /// The cache.
    #[must_use]
    pub fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// What lets the oldest go. It looks at once when the disk has no room for what is being recorded.
    #[must_use]
    pub fn keeper(&self) -> &Arc<Keeper> {
        &self.keeper
    }

    /// The name of the store that sinks record to.
    #[must_use]
    pub fn store(&self) -> &str {
        &self.options.store
    }

    /// All stores by name.
    #[must_use]
    pub fn all_stores(&self) -> &BTreeMap<String, Arc<dyn AssetStore>> {
        &self.stores
    }

    /// A store by name.
    #[must_use]
    pub fn find_store(&self, name: &str) -> Option<&Arc<dyn AssetStore>> {
        self.stores.get(name)
    }

    /// How the uploads to all stores are. Reads the index.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn uploads(&self) -> Result<Vec<UploadStatus>, RecordingError> {
        self.uploaders.iter().map(|uploader| uploader.status()).collect()
    }

    /// How all stores are, by name. Reads nothing.
    #[must_use]
    pub fn stores(&self) -> Vec<StoreHealth> {
        self.uploaders.iter().map(|uploader| uploader.health()).collect()
    }

    /// Waits, at most for `bound`, until the stores have what an instance recorded (none: what all did), and gives what they do not
    /// have then. Does not wait for a store that takes nothing. Call it when nobody records any more.
    pub async fn flush(self: &Arc<Self>, instance: Option<&str>, bound: Duration) -> Remaining {
        let before: Vec<u64> = self
            .uploaders
            .iter()
            .map(|uploader| uploader.passes().0)
            .collect();
        let mut progress: Vec<_> = self
            .uploaders
            .iter()
            .map(|uploader| uploader.progress())
            .collect();
        self.uploaders.iter().for_each(|uploader| uploader.wake());
        let waiting = async {
            while !self.is_flushed(instance).await && !self.is_stuck(&before) {
                let changes = progress.iter_mut().map(|progress| Box::pin(progress.changed()));
                // An uploader that has ended makes no progress, but then there is no host either.
                if futures::future::select_all(changes).await.0.is_err() {
                    return;
                }
            }
        };
        // What is left then is counted below.
        let _ = tokio::time::timeout(bound, waiting).await;
        self.remaining(instance).await
    }

    async fn is_flushed(self: &Arc<Self>, instance: Option<&str>) -> bool {
        // A host that ends lets others write.
        if instance.is_none() && !self.uploaders.iter().all(|uploader| uploader.has_let_go()) {
            return false;
        }
        let instance = instance.map(str::to_owned);
        let flushed = self.ask(move |index| {
            Ok(index.backlog_of(instance.as_deref())?.segments == 0
                && !index.is_unlisted(instance.as_deref())?)
        });
        // An index that cannot be read is not waited for.
        flushed.await.unwrap_or(true)
    }

    /// Whether every queue either cannot go on, or has done everything it can since `before`.
    fn is_stuck(&self, before: &[u64]) -> bool {
        // One pass may have been under way when it was woken: the second saw everything.
        let done = |uploader: &Uploader, before: u64| {
            let (passes, uploading) = uploader.passes();
            !uploading && passes.wrapping_sub(before) >= 2
        };
        self.uploaders
            .iter()
            .zip(before)
            .all(|(uploader, before)| uploader.is_paused() || done(uploader, *before))
    }

    async fn remaining(self: &Arc<Self>, instance: Option<&str>) -> Remaining {
        let instance = instance.map(str::to_owned);
        let backlog = self.ask(move |index| index.backlog_of(instance.as_deref())).await;
        backlog.map_or_else(Remaining::default, |backlog| Remaining {
            segments: backlog.segments,
            bytes: backlog.bytes,
        })
    }

    /// Asks the index on a thread that may block.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Index) -> Result<T, IndexError> + Send + 'static,
    ) -> Option<T> {
        let index = Arc::clone(self.cache.index());
        let asked = tokio::task::spawn_blocking(move || question(&index)).await;
        match asked {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::warn!(%error, "The index of recordings cannot be asked");
                None
            }
            Err(_) => None,
        }
    }

    /// Carries to the stores what still waits, for as long as `bound`, and ends. What is left stays in the cache and goes
    /// up after the next start.
    pub async fn shutdown(self: &Arc<Self>, bound: Duration) {
        let left = self.flush(None, bound).await;
        self.tasks.close();
        self.stop.cancel();
        if tokio::time::timeout(STOP_TIME, self.tasks.wait()).await.is_err() {
            tracing::warn!("An upload did not end in time");
        }
        if left.segments > 0 {
            tracing::warn!(
                segments = left.segments,
                bytes = left.bytes,
                "Not everything was uploaded; it stays in the cache and goes up after the next start"
            );
        }
    }
}

impl Drop for Recordings {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn open_stores(
    state: &StateDir,
    options: &RecordingsOptions,
    clock: &Arc<dyn Clock>,
) -> Result<BTreeMap<String, Arc<dyn AssetStore>>, RecordingError> {
    let mut stores: BTreeMap<String, Arc<dyn AssetStore>> = BTreeMap::new();
    stores.insert(
        LOCAL.to_owned(),
        Arc::new(DirectoryStore::new(state.assets(), Arc::new(Disk))),
    );
    for (name, settings) in &options.stores {
        stores.insert(name.clone(), settings.open(clock)?);
    }
    Ok(stores)
}

fn uploader(
    name: &str,
    store: &Arc<dyn AssetStore>,
    cache: &Arc<Cache>,
    clock: &Arc<dyn Clock>,
) -> Arc<Uploader> {
    Arc::new(Uploader::new(UploaderOptions {
        name: name.to_owned(),
        store: Arc::clone(store),
        cache: Arc::clone(cache),
        clock: Arc::clone(clock),
    }))
}
