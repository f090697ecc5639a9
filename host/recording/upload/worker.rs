//! The queue itself: takes what waits, oldest first, in batches.

mod outcome;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use tokio_util::sync::CancellationToken;

use super::content::{self, Ahead};
use super::status::Shared;
use super::{UploaderOptions, sleep_until};
use crate::media::TrackKind;
use crate::recording::RecordingError;
use crate::recording::asset::name::SEGMENT;
use crate::recording::blocking::blocking;
use crate::recording::cache::Cache;
use crate::recording::index::{AssetId, EpochId, SegmentId, SegmentRow, Waiting};
use crate::recording::store::{Content, StoreError, StoreErrorKind, Writer};

/// Segments that are acknowledged in one commit, at most.
const BATCH: u32 = 16;
/// A segment that was put is acknowledged after so long, at the latest.
const BATCH_TIME: Duration = Duration::from_secs(1);
/// The claim of an asset is looked at again after so long.
const CLAIM_TIME: Duration = Duration::from_secs(60);
/// Without being woken, the queue looks at the index so often.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Objects that are remembered to be taken away again; more are left to `mediagraph check`.
const MAX_REMOVALS: usize = 4096;

/// What is known of an asset while something of it is to be done.
#[derive(Debug, Default)]
pub(super) struct Asset {
    pub(super) name: String,
    claimed: Option<Duration>,
    inits: HashSet<(EpochId, TrackKind)>,
    blocked: Option<Backing>,
    /// How long its segments are: playlists are written at most so often while a backlog is worked off.
    pub(super) pace: Duration,
    pub(super) listed: Option<Duration>,
    pub(super) written: HashMap<Date, super::listing::Written>,
}

impl Asset {
    /// Whether it is left out for now.
    pub(super) fn is_blocked(&self, now: Duration) -> bool {
        self.blocked.is_some_and(|backing| backing.until > now)
    }
}

/// How often something failed, and when it is tried again.
#[derive(Clone, Copy, Debug)]
struct Backing {
    failures: u32,
    until: Duration,
}

/// Why a pass has ended.
#[derive(Debug)]
pub(super) enum Halt {
    /// The store takes nothing.
    Store(StoreError),
    /// The index, or the cache's disk.
    Index(RecordingError),
}

impl From<RecordingError> for Halt {
    fn from(error: RecordingError) -> Self {
        Self::Index(error)
    }
}

/// What is put and not yet acknowledged in the index.
#[derive(Debug, Default)]
struct Batch {
    put: Vec<(SegmentRow, String)>,
    since: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) options: UploaderOptions,
    pub(super) shared: Arc<Shared>,
    pub(super) assets: HashMap<AssetId, Asset>,
    writer: Writer,
    ahead: Ahead,
    batch: Batch,
    removals: Vec<(String, String)>,
    failures: u32,
}

impl Worker {
    pub(super) fn new(options: UploaderOptions, shared: Arc<Shared>) -> Self {
        Self {
            writer: Writer {
                host: options.cache.host().to_owned(),
            },
            options,
            shared,
            assets: HashMap::new(),
            ahead: Ahead::default(),
            batch: Batch::default(),
            removals: Vec::new(),
            failures: 0,
        }
    }

    pub(super) async fn run(&mut self, stop: &CancellationToken) {
        let woken = self.options.cache.sealed(&self.options.name);
        loop {
            let passed = tokio::select! {
                () = stop.cancelled() => return,
                passed = self.pass() => passed,
            };
            let until = match passed {
                Ok(()) => {
                    self.failures = 0;
                    self.next_look()
                }
                Err(halt) => self.now() + self.halted(&halt),
            };
            self.shared.passed(self.assets.len());
            // A store that is away is not asked more often because more is recorded.
            let paused = self.failures > 0;
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(self.options.clock.as_ref(), until) => {}
                () = woken.notified(), if !paused => {}
            }
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.options.clock.monotonic()
    }

    fn next_look(&self) -> Duration {
        let look = self.now() + LOOK_EVERY;
        let blocked = self.assets.values().filter_map(|asset| asset.blocked);
        blocked.map(|backing| backing.until).fold(look, Duration::min)
    }

    /// Works off what waits, then the playlists.
    async fn pass(&mut self) -> Result<(), Halt> {
        self.abandon_batch();
        loop {
            self.take_away().await?;
            let waiting = self.waiting().await?;
            if waiting.is_empty() {
                break;
            }
            self.shared.started();
            let done = self.upload_all(&waiting).await;
            // What was put counts, whatever came after it.
            self.commit().await?;
            done?;
            self.list(true).await?;
        }
        self.list(false).await?;
        self.finish().await
    }

    /// Segments of a batch that was cut off are put again, which changes nothing.
    fn abandon_batch(&mut self) {
        self.batch = Batch::default();
    }

    async fn waiting(&self) -> Result<Vec<Waiting>, Halt> {
        let now = self.now();
        let without: Vec<AssetId> = self
            .assets
            .iter()
            .filter(|(_, asset)| asset.is_blocked(now))
            .map(|(id, _)| *id)
            .collect();
        let store = self.options.name.clone();
        self.reading(move |cache| Ok(cache.index().waiting_without(&store, &without, BATCH)?))
            .await
    }

    /// On a thread that may block.
    pub(super) async fn reading<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Cache) -> Result<T, RecordingError> + Send + 'static,
    ) -> Result<T, Halt> {
        let cache = Arc::clone(&self.options.cache);
        match blocking(move || work(&cache)).await {
            Ok(done) => Ok(done?),
            Err(error) => {
                let message = format!("the queue of the store failed: {error}");
                Err(Halt::Store(StoreError::new(StoreErrorKind::Other, message)))
            }
        }
    }

    async fn upload_all(&mut self, waiting: &[Waiting]) -> Result<(), Halt> {
        let mut skipped = HashSet::new();
        for (at, one) in waiting.iter().enumerate() {
            if skipped.contains(&one.segment.asset) {
                continue;
            }
            let next = waiting.get(at + 1).map(|next| &next.segment);
            match self.upload(one, next).await {
                Ok(()) => self.succeeded(one.segment.asset),
                Err(error) => {
                    skipped.insert(one.segment.asset);
                    self.failed(one.segment.asset, error)?;
                }
            }
            let late = self
                .batch
                .since
                .is_some_and(|since| self.now() >= since + BATCH_TIME);
            if late {
                self.commit().await?;
                self.list(true).await?;
            }
        }
        Ok(())
    }

    async fn upload(&mut self, one: &Waiting, next: Option<&SegmentRow>) -> Result<(), StoreError> {
        let segment = &one.segment;
        self.claim(segment.asset, &one.asset).await?;
        self.put_inits(one).await?;
        let content = if self.options.store.wants_bytes() {
            let content = self.ahead.take(segment).await?;
            if let Some(next) = next {
                self.ahead.begin(next);
            }
            content
        } else {
            content::file(segment)?
        };
        let name = segment.name.file(SEGMENT);
        let called_off = self.options.cache.begin_upload(segment.id);
        let put = tokio::select! {
            biased;
            () = called_off.cancelled() => None,
            put = self.options.store.put_if_absent(&one.asset, &name, &content) => Some(put),
        };
        self.options.cache.end_upload(segment.id);
        match put {
            Some(put) => put.map(drop)?,
            // It was dropped meanwhile, and may have got there.
            None => {
                self.remove_later(&one.asset, &name);
                return Ok(());
            }
        }
        let now = self.now();
        self.batch.since.get_or_insert(now);
        self.batch.put.push((segment.clone(), one.asset.clone()));
        Ok(())
    }

    /// Becomes, or makes sure to be still, the one writer of an asset.
    pub(super) async fn claim(&mut self, id: AssetId, name: &str) -> Result<(), StoreError> {
        let now = self.now();
        let asset = self.assets.entry(id).or_default();
        if asset.name.is_empty() {
            asset.name = name.to_owned();
        }
        if asset.claimed.is_some_and(|at| now < at + CLAIM_TIME) {
            return Ok(());
        }
        self.options.store.claim(name, &self.writer).await?;
        asset.claimed = Some(now);
        Ok(())
    }

    async fn put_inits(&mut self, one: &Waiting) -> Result<(), StoreError> {
        let id = one.segment.epoch;
        let known = |asset: &Asset, kind| asset.inits.contains(&(id, kind));
        let complete = self.assets.get(&one.segment.asset).is_some_and(|asset| {
            known(asset, TrackKind::Video) && (one.segment.audio.is_none() || known(asset, TrackKind::Audio))
        });
        if complete {
            return Ok(());
        }
        let read = self.reading(move |cache| Ok(cache.index().epoch(id)?)).await;
        let epoch = match read {
            Ok(Some(epoch)) => epoch,
            Ok(None) => return Ok(()),
            Err(Halt::Store(error)) => return Err(error),
            Err(Halt::Index(error)) => {
                return Err(StoreError::new(StoreErrorKind::Source, error.to_string()));
            }
        };
        for (kind, init) in [(TrackKind::Video, epoch.video), (TrackKind::Audio, epoch.audio)] {
            let Some(init) = init else { continue };
            let content = Content::Bytes(init.into());
            let name = epoch.epoch.init(kind);
            self.options
                .store
                .put_if_absent(&one.asset, &name, &content)
                .await?;
            if let Some(asset) = self.assets.get_mut(&one.segment.asset) {
                asset.inits.insert((id, kind));
            }
        }
        Ok(())
    }

    /// Says in the index that what was put is in the store.
    async fn commit(&mut self) -> Result<(), Halt> {
        let put = std::mem::take(&mut self.batch).put;
        if put.is_empty() {
            return Ok(());
        }
        let ids: Vec<SegmentId> = put.iter().map(|(segment, _)| segment.id).collect();
        let dropped = self.reading(move |cache| cache.stored(&ids)).await?;
        for (segment, asset) in put {
            if dropped.contains(&segment.id) {
                self.remove_later(&asset, &segment.name.file(SEGMENT));
                continue;
            }
            if let Some(asset) = self.assets.get_mut(&segment.asset) {
                asset.pace = segment.end.since(segment.name.start).to_duration();
            }
            let mut inner = self.shared.lock();
            inner.segments = inner.segments.saturating_add(1);
            inner.bytes = inner.bytes.saturating_add(segment.bytes);
        }
        self.shared.moved();
        Ok(())
    }

    fn remove_later(&mut self, asset: &str, name: &str) {
        if self.removals.len() < MAX_REMOVALS {
            self.removals.push((asset.to_owned(), name.to_owned()));
        }
    }

    /// Takes away what was dropped while it was on its way.
    async fn take_away(&mut self) -> Result<(), Halt> {
        while let Some((asset, name)) = self.removals.last() {
            let removed = self.options.store.remove(asset, name).await;
            removed.map_err(Halt::Store)?;
            self.removals.pop();
        }
        Ok(())
    }

    /// Lets go of assets that nobody writes and of which nothing is left to be done.
    async fn finish(&mut self) -> Result<(), Halt> {
        let assets: Vec<(AssetId, String)> = self
            .assets
            .iter()
            .filter(|(_, asset)| asset.blocked.is_none())
            .map(|(id, asset)| (*id, asset.name.clone()))
            .collect();
        for (id, name) in assets {
            if self.options.cache.is_open(&self.options.name, &name) || self.is_needed(id).await? {
                continue;
            }
            let released = self.options.store.release(&name, &self.writer).await;
            released.map_err(Halt::Store)?;
            self.assets.remove(&id);
        }
        Ok(())
    }

    async fn is_needed(&self, id: AssetId) -> Result<bool, Halt> {
        self.reading(move |cache| Ok(cache.index().is_unfinished(id)?))
            .await
    }
}
