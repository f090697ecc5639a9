//! The task that lets the oldest go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::space::device;
use super::{FORGET_AFTER, KeepFree, KeepStatus, RETENTION_INTERVAL, Rules, SPACE_INTERVAL, Space};
use crate::media::{Clock, MediaTime, SteadyClock};
use crate::recording::index::{
    AssetId, AssetRow, AssetSize, GapReason, Index, Removal, SegmentRow, SegmentState,
};
use crate::recording::store::{AssetStore, LOCAL};
use crate::recording::{Cache, RecordingError};

/// Segments that go in one commit.
const BATCH: u32 = 256;
/// Commits of one round and one asset; the rest goes in the next round.
const MAX_BATCHES: usize = 64;
/// Objects that a store is asked to let go in one round.
const MAX_REMOVALS: u32 = 10_000;
/// How long a store may take to let one object go.
const REMOVE_TIMEOUT: Duration = Duration::from_secs(30);
/// So much more than the reserve is made free at once, at most: then not every segment needs a round of its own.
const MAX_SLACK: u64 = 256 << 20;

/// Reads the free space of a path.
pub type SpaceReader = Arc<dyn Fn(&Path) -> std::io::Result<Space> + Send + Sync>;

/// What a [`Keeper`] works with.
pub struct KeeperOptions {
    /// The segments. Tells the listener what is dropped.
    pub cache: Arc<Cache>,
    /// The stores by name.
    pub stores: BTreeMap<String, Arc<dyn AssetStore>>,
    /// The folder of the local store.
    pub local: PathBuf,
    /// What is kept how long.
    pub rules: Rules,
    /// What stays free.
    pub keep_free: KeepFree,
    /// How it is known what is free.
    pub space: SpaceReader,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
}

/// Lets the oldest go, when it is too old, too much, or the disk is too full.
pub struct Keeper {
    options: KeeperOptions,
    state: Mutex<State>,
}

struct State {
    steady: SteadyClock,
    status: KeepStatus,
    /// Stores have something to let go that somebody waits for.
    let_go: bool,
}

impl std::fmt::Debug for KeeperOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeeperOptions")
            .field("rules", &self.rules)
            .field("keep_free", &self.keep_free)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Keeper").field(&self.options).finish()
    }
}

impl Keeper {
    /// Nothing goes before [`Keeper::run`], or a round that is asked for.
    #[must_use]
    pub fn new(options: KeeperOptions) -> Arc<Self> {
        let steady = SteadyClock::new(&*options.clock);
        Arc::new(Self {
            options,
            state: Mutex::new(State {
                steady,
                status: KeepStatus::default(),
                let_go: false,
            }),
        })
    }

    /// How the reserve is.
    #[must_use]
    pub fn status(&self) -> KeepStatus {
        KeepStatus {
            held_full: self.options.cache.is_held_full(),
            ..self.state().status
        }
    }

    /// Asks the stores soon for what they must let go, as after something was deleted; not only at the next round.
    pub fn let_go_soon(&self) {
        self.state().let_go = true;
        self.options.cache.room_wanted().notify_one();
    }

    fn index(&self) -> &Index {
        self.options.cache.index()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until it is stopped.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut aged: Option<Duration> = None;
        loop {
            let now = self.options.clock.monotonic();
            let due = aged.is_none_or(|before| now.saturating_sub(before) >= RETENTION_INTERVAL);
            let asked = std::mem::take(&mut self.state().let_go);
            let round = async {
                if due {
                    self.retain().await;
                } else if asked {
                    self.let_go().await;
                }
                self.make_room().await;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = round => {}
            }
            if due {
                aged = Some(now);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.options.cache.room_wanted().notified() => {}
                () = tokio::time::sleep(SPACE_INTERVAL) => {}
            }
        }
    }

    /// Lets go what is too old or too much by the rules, and what stores still had to let go.
    pub async fn retain(self: &Arc<Self>) {
        self.blocking(|keeper| {
            if let Err(error) = keeper.retain_now() {
                tracing::warn!(%error, "What is too old cannot be removed now");
            }
        })
        .await;
        self.let_go().await;
    }

    /// What stores must let go, and what is left behind then.
    async fn let_go(self: &Arc<Self>) {
        let stores: Vec<String> = self.options.stores.keys().cloned().collect();
        for store in stores {
            self.remove_from(&store).await;
        }
        self.blocking(|keeper| {
            if let Err(error) = keeper.tidy() {
                tracing::warn!(%error, "What removed recordings left behind cannot be tidied now");
            }
        })
        .await;
    }

    /// Makes the reserve free again: the oldest that the local store has goes, then the oldest in the cache.
    pub async fn make_room(self: &Arc<Self>) {
        for _ in 0..MAX_BATCHES {
            let Some(more) = self.blocking(Self::make_room_once).await else {
                return;
            };
            self.remove_from(LOCAL).await;
            if !more {
                return;
            }
        }
    }

    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        let keeper = Arc::clone(self);
        // It ends with an error only when the work panicked, which was logged.
        tokio::task::spawn_blocking(move || work(&keeper)).await.ok()
    }

    fn retain_now(&self) -> Result<(), RecordingError> {
        let now = {
            let mut state = self.state();
            let now = state.steady.now(&*self.options.clock);
            state.status.clock_doubtful = now.is_none();
            now
        };
        if let Some(now) = now {
            self.end_holds(now);
        }
        if self.options.rules.is_empty() {
            return Ok(());
        }
        let sizes = self.index().sizes()?;
        for size in &sizes {
            let limits = self.options.rules.of(&size.asset.name).map(|(_, limits)| *limits);
            let keep = limits.and_then(|limits| limits.keep);
            if let (Some(now), Some(keep), Some(first)) = (now, keep, size.first)
                && let Ok(until) = now.checked_sub(keep)
                && first.to_timestamp() < until
            {
                self.drop_before(&size.asset, MediaTime::from_timestamp(until))?;
            }
        }
        self.shrink()
    }

    /// Holds whose time is over end, by a clock that is to be believed.
    fn end_holds(&self, now: Timestamp) {
        match self.options.cache.holds().expire(now) {
            Ok(ended) => {
                for hold in ended {
                    tracing::info!(asset = hold.asset, hold = hold.id.0, "The time of a hold is over");
                }
            }
            Err(error) => tracing::warn!(%error, "A hold whose time is over cannot be ended now"),
        }
    }

    fn drop_before(&self, asset: &AssetRow, until: MediaTime) -> Result<(), RecordingError> {
        for _ in 0..MAX_BATCHES {
            let oldest = self.index().oldest_of(asset.id, until, BATCH)?;
            if oldest.is_empty() || self.drop(&oldest, GapReason::Retention)? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// What the assets of a rule hold together stays within its size.
    fn shrink(&self) -> Result<(), RecordingError> {
        let sizes = self.index().sizes()?;
        for (pattern, limits) in self.options.rules.iter() {
            let Some(most) = limits.max_bytes else { continue };
            let own: Vec<&AssetSize> = sizes
                .iter()
                .filter(|size| {
                    self.options
                        .rules
                        .of(&size.asset.name)
                        .is_some_and(|(own, _)| own == pattern)
                })
                .collect();
            let mut bytes = 0_u64;
            for size in &own {
                let held = if size.asset.held {
                    self.index().held_bytes(size.asset.id)?
                } else {
                    0
                };
                bytes = bytes.saturating_add(size.bytes.saturating_sub(held));
            }
            let assets: Vec<AssetId> = own.iter().map(|size| size.asset.id).collect();
            self.drop_oldest(&assets, bytes.saturating_sub(most))?;
        }
        Ok(())
    }

    /// Lets the oldest of several assets go until so many bytes went.
    fn drop_oldest(&self, assets: &[AssetId], mut excess: u64) -> Result<(), RecordingError> {
        for _ in 0..MAX_BATCHES {
            if excess == 0 {
                break;
            }
            let mut oldest = Vec::new();
            for asset in assets {
                oldest.extend(self.index().oldest_of(*asset, MediaTime::MAX, BATCH)?);
            }
            oldest.sort_by_key(|segment| segment.name.start);
            oldest.truncate(BATCH as usize);
            let oldest = enough(oldest, excess);
            let gone = self.drop(&oldest, GapReason::Retention)?;
            if gone == 0 {
                break;
            }
            excess = excess.saturating_sub(gone);
        }
        Ok(())
    }

    /// Drops segments; gives the bytes that went.
    fn drop(&self, segments: &[SegmentRow], reason: GapReason) -> Result<u64, RecordingError> {
        let ids: Vec<_> = segments.iter().map(|segment| segment.id).collect();
        let dropped = self.options.cache.drop_segments(&ids, reason)?;
        let bytes = dropped
            .iter()
            .fold(0_u64, |sum, one| sum.saturating_add(one.segment.bytes));
        Ok(bytes)
    }

    /// One step towards the reserve; false when there is nothing to do, or nothing that can be done.
    fn make_room_once(&self) -> bool {
        match self.try_make_room() {
            Ok(Room::Enough) => {
                let mut state = self.state();
                (state.status.nothing_left, state.status.held) = (false, false);
                false
            }
            Ok(Room::Made) => true,
            Ok(Room::NothingLeft) => {
                // An index that cannot be read is told of elsewhere.
                let held = self.index().is_something_held().unwrap_or(false);
                let mut state = self.state();
                (state.status.nothing_left, state.status.held) = (true, held);
                false
            }
            Err(error) => {
                tracing::warn!(%error, "The disk is nearly full and nothing can be removed now");
                false
            }
        }
    }

    fn try_make_room(&self) -> Result<Room, RecordingError> {
        // Two disks may be short at once: the worse one decides what is told.
        let mut result = Room::Enough;
        for volume in self.volumes()? {
            let Ok(space) = (self.options.space)(&volume.path) else {
                continue;
            };
            let least = self.options.keep_free.of(space.total);
            if space.free >= least {
                continue;
            }
            let lacking = least
                .saturating_sub(space.free)
                .saturating_add((least / 20).min(MAX_SLACK));
            let oldest = enough(self.oldest_on(&volume)?, lacking);
            let gone = if oldest.is_empty() {
                0
            } else {
                self.drop(&oldest, GapReason::KeepFree)?
            };
            match (gone, &result) {
                (0, _) => result = Room::NothingLeft,
                (_, Room::Enough) => result = Room::Made,
                _ => {}
            }
        }
        Ok(result)
    }

    /// The file systems that recordings of ours are on.
    fn volumes(&self) -> Result<Vec<Volume>, RecordingError> {
        let local = existing(&self.options.local);
        let mut volumes: Vec<Volume> = Vec::new();
        if let Ok(device) = device(&local) {
            volumes.push(Volume {
                path: local,
                device,
                local: true,
            });
        }
        for folder in self.index().cached_folders(BATCH)? {
            let Ok(device) = device(&folder) else { continue };
            if !volumes.iter().any(|volume| volume.device == device) {
                volumes.push(Volume {
                    path: folder,
                    device,
                    local: false,
                });
            }
        }
        Ok(volumes)
    }

    /// What may go from a file system: what the local store has there, else what is in the cache there.
    fn oldest_on(&self, volume: &Volume) -> Result<Vec<SegmentRow>, RecordingError> {
        let index = self.index();
        if volume.local {
            let stored = index.oldest_in(LOCAL, SegmentState::Stored, BATCH)?;
            if !stored.is_empty() {
                return Ok(stored);
            }
        }
        let mut cached = index.oldest_cached(BATCH)?;
        cached.retain(|segment| {
            let folder = segment.folder.as_deref();
            folder.is_some_and(|folder| device(folder).is_ok_and(|own| own == volume.device))
        });
        Ok(cached)
    }

    /// Asks a store to let go what it must.
    async fn remove_from(self: &Arc<Self>, store: &str) {
        let Some(objects) = self.options.stores.get(store) else {
            return;
        };
        let name = store.to_owned();
        let waiting = self
            .blocking(move |keeper| keeper.index().removals(&name, MAX_REMOVALS))
            .await;
        let Some(Ok(waiting)) = waiting else { return };
        if waiting.is_empty() {
            return;
        }
        for chunk in waiting.chunks(BATCH as usize) {
            let gone = remove(&**objects, chunk).await;
            let all = gone.len() == chunk.len();
            let noted = self.blocking(move |keeper| keeper.index().let_go(&gone)).await;
            if !all || !matches!(noted, Some(Ok(()))) {
                break;
            }
        }
        self.options.cache.sealed(store).notify_one();
    }

    fn tidy(&self) -> Result<(), RecordingError> {
        let before = self
            .options
            .clock
            .wall()
            .checked_sub(FORGET_AFTER)
            .unwrap_or_default();
        for asset in self.index().untidy()? {
            let open = self.options.cache.is_open(&asset.store, &asset.name);
            if self.index().tidy(&asset, open, before)? {
                tracing::debug!(asset = asset.name, "Nothing of an asset is left: it is forgotten");
            }
        }
        Ok(())
    }
}

enum Room {
    Enough,
    Made,
    NothingLeft,
}

struct Volume {
    path: PathBuf,
    device: u64,
    /// The local store is on it.
    local: bool,
}

/// The folder itself, or the one that it will be made in.
fn existing(folder: &Path) -> PathBuf {
    let there = folder.ancestors().find(|path| path.exists());
    there.unwrap_or(folder).to_owned()
}

/// As many of the first as hold so many bytes.
fn enough(mut segments: Vec<SegmentRow>, bytes: u64) -> Vec<SegmentRow> {
    let mut sum = 0_u64;
    let needed = segments.iter().take_while(|segment| {
        let before = sum;
        sum = sum.saturating_add(segment.bytes);
        before < bytes
    });
    let needed = needed.count();
    segments.truncate(needed);
    segments
}

/// Asks for one after the other; gives those that went, and stops at the first that did not.
async fn remove(store: &dyn AssetStore, objects: &[Removal]) -> Vec<Removal> {
    let mut gone = Vec::with_capacity(objects.len());
    for object in objects {
        let asked = store.remove(&object.asset, &object.name);
        match tokio::time::timeout(REMOVE_TIMEOUT, asked).await {
            Ok(Ok(())) => gone.push(object.clone()),
            Ok(Err(error)) => {
                tracing::debug!(%error, store = object.store, "A store does not remove something now; it is tried again");
                break;
            }
            Err(_) => {
                tracing::debug!(store = object.store, "A store does not answer; it is tried again");
                break;
            }
        }
    }
    gone
}
