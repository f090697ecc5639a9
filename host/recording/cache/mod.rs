//! The cache: what is recorded stands here until its store has it.
//!
//! ```text
//! STATE/cache/INSTANCE/NODE/ASSET/         or below the path that the topology names
//!     20261120T225535.123456Z-HOST-7.m4s   sealed, waits for its store; has a row in the index
//!     *.m4s.part, *.m4s.audio.part         the open segment; fragments in it are complete
//!     HOST-7.video.mp4, HOST-7.audio.mp4   init segments of epochs that have something here
//! ```
//! One per host process. It knows who writes which asset, drops what has to go, and wakes the uploaders.
//!
//! Invariants: those of [`super::index`]; an asset has one writer; what is dropped is told to the listener, each time once.
//! Everything here may block for as long as the disk does.

mod budget;
mod folder;
mod growing;
mod open;
mod places;
mod recover;
mod tidy;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::budget::Used;
use super::RecordingError;
use super::detections::Recent;
use super::holds::Holds;
use super::index::{Dropped, GapReason, Index, NewSegment, SegmentId};
use super::listener::{RecordingEvent, RecordingListener};
use super::storage::Storage;
use crate::media::{Clock, MediaTime, Ticks};

pub(super) use budget::Room;
pub use folder::{asset_folder, sink_folder};
pub(super) use folder::{asset_of, owner_of};
pub use growing::Growing;

/// What a cache is made of.
#[derive(Debug)]
pub struct CacheOptions {
    /// The folder of sinks that name none: `STATE/cache`.
    pub root: PathBuf,
    /// Names this host in epochs.
    pub host: String,
    /// The disk.
    pub storage: Arc<dyn Storage>,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// What there is.
    pub index: Arc<Index>,
    /// Hears what is dropped.
    pub listener: Arc<dyn RecordingListener>,
}

/// Which asset is to be written, and how.
#[derive(Clone, Debug)]
pub struct AssetSpec {
    /// The store that it belongs to.
    pub store: String,
    /// Its name there.
    pub name: String,
    /// Who records: `INSTANCE/NODE`.
    pub owner: String,
    /// The folder of the sink; the asset gets one in it.
    pub folder: PathBuf,
    /// How many bytes may stand in the sink's folder, the open segment included.
    pub budget: Option<u64>,
    /// A segment ends at the first random access point after so long; without one after twice of it.
    pub segment_length: Ticks,
}

/// What is being written.
#[derive(Debug)]
struct Writing {
    /// Its folder.
    folder: PathBuf,
    /// Its present epoch, or the one to come.
    epoch: u64,
    /// As much of the open segment as can be read.
    growing: Option<Growing>,
    /// What is seen of its camera.
    recent: Option<Arc<Recent>>,
}

/// Store and name.
type AssetKey = (String, String);

#[derive(Debug, Default)]
struct State {
    open: HashMap<AssetKey, Writing>,
    wakes: HashMap<String, Arc<Notify>>,
    uploads: HashMap<SegmentId, CancellationToken>,
    /// By the folder of a sink.
    used: HashMap<PathBuf, Used>,
    /// Folders of sinks in which what is held leaves no room for what is recorded.
    held_full: HashSet<PathBuf>,
    /// Files that nothing refers to and that could not be removed.
    garbage: Vec<PathBuf>,
    /// Folders in which a writer has given up.
    unfinished: Vec<PathBuf>,
    /// When the newest epoch was opened.
    last_opened: Timestamp,
}

/// The cache of a host.
#[derive(Debug)]
pub struct Cache {
    options: CacheOptions,
    state: Mutex<State>,
    holds: Holds,
    /// Held while folders are made or cleared away.
    folders: Mutex<()>,
    /// Held while a place is given its id.
    places: Mutex<()>,
    /// Woken when a disk had no room.
    room_wanted: Notify,
}

impl Cache {
    /// Opens the cache and puts it in order after a crash: removes garbage, takes in sealed files without a row, seals what
    /// crashed writers left open; rows without a file become gaps.
    ///
    /// # Errors
    /// When the index cannot be used. Trouble with one folder is logged and keeps no other from being used.
    pub fn open(options: CacheOptions) -> Result<Arc<Self>, RecordingError> {
        let last_opened = options.index.last_opened()?.unwrap_or_default();
        // Before anything can go.
        let holds = Holds::open(Arc::clone(&options.index), Arc::clone(&options.storage));
        let cache = Arc::new(Self {
            options,
            holds,
            state: Mutex::new(State {
                last_opened,
                ..State::default()
            }),
            folders: Mutex::default(),
            places: Mutex::default(),
            room_wanted: Notify::new(),
        });
        recover::recover(&cache)?;
        Ok(cache)
    }

    /// What there is.
    #[must_use]
    pub fn index(&self) -> &Arc<Index> {
        &self.options.index
    }

    /// What nothing may remove.
    #[must_use]
    pub fn holds(&self) -> &Holds {
        &self.holds
    }

    /// Who hears what happens.
    #[must_use]
    pub fn listener(&self) -> &Arc<dyn RecordingListener> {
        &self.options.listener
    }

    /// The folder of sinks that name none.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.options.root
    }

    /// Names this host in epochs.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.options.host
    }

    /// Woken when a segment of a store is sealed, and when one of its assets is closed.
    #[must_use]
    pub fn sealed(&self, store: &str) -> Arc<Notify> {
        Arc::clone(self.state().wakes.entry(store.to_owned()).or_default())
    }

    /// Woken when a disk had no room for what is recorded: whoever lets recordings go should look at once.
    #[must_use]
    pub fn room_wanted(&self) -> &Notify {
        &self.room_wanted
    }

    /// Whether somebody writes an asset now.
    #[must_use]
    pub fn is_open(&self, store: &str, asset: &str) -> bool {
        self.state()
            .open
            .contains_key(&(store.to_owned(), asset.to_owned()))
    }

    /// Says that a segment is being uploaded. The token is cancelled when the segment is dropped meanwhile.
    #[must_use]
    pub fn begin_upload(&self, id: SegmentId) -> CancellationToken {
        self.state().uploads.entry(id).or_default().clone()
    }

    /// Says that a segment is not being uploaded any more, however that ended.
    pub fn end_upload(&self, id: SegmentId) {
        self.state().uploads.remove(&id);
    }

    /// Says that a store has acknowledged segments, in one commit, and lets go of their files. Gives those that had been
    /// dropped meanwhile: what the store has of them must go again.
    ///
    /// # Errors
    /// When the index cannot be written; then all of them still count as waiting.
    pub fn stored(&self, ids: &[SegmentId]) -> Result<Vec<SegmentId>, RecordingError> {
        let stored = self.index().stored(ids)?;
        for id in ids {
            self.end_upload(*id);
        }
        self.let_go(&stored);
        let known = |id: &&SegmentId| !stored.iter().any(|one| one.segment.id == **id);
        Ok(ids.iter().filter(known).copied().collect())
    }

    /// Drops segments but for those that are held: each becomes a gap, all in one commit; uploads of them are called off, their
    /// files in the cache go, and the listener is told. What a store has of them is the caller's to remove.
    ///
    /// # Errors
    /// When the index cannot be written; then nothing was dropped.
    pub fn drop_segments(
        &self,
        ids: &[SegmentId],
        reason: GapReason,
    ) -> Result<Vec<Dropped>, RecordingError> {
        let dropped = self
            .index()
            .drop_segments(ids, reason, self.options.clock.wall())?;
        for one in &dropped {
            if let Some(upload) = self.state().uploads.remove(&one.segment.id) {
                upload.cancel();
            }
        }
        self.let_go(&dropped);
        self.tell_dropped(&dropped, reason);
        Ok(dropped)
    }

    /// Takes in a segment whose file is complete and synced, and wakes the uploader of its store.
    pub(super) fn seal(&self, store: &str, new: &NewSegment<'_>) -> Result<SegmentId, RecordingError> {
        let id = self.index().seal(new)?;
        self.count_sealed(new.folder, new.bytes);
        self.sealed(store).notify_one();
        if !self.state().garbage.is_empty() {
            // The disk works again, it seems.
            self.let_go(&[]);
        }
        Ok(id)
    }

    pub(super) fn storage(&self) -> &dyn Storage {
        self.options.storage.as_ref()
    }

    pub(super) fn now(&self) -> MediaTime {
        self.options.clock.media()
    }

    /// Now, and later than all epochs before, whatever became of the clock: what is oldest goes first.
    pub(super) fn opened_now(&self) -> Timestamp {
        let now = self.options.clock.wall();
        let mut state = self.state();
        let next = Timestamp::from_microsecond(state.last_opened.as_microsecond().saturating_add(1));
        state.last_opened = now.max(next.unwrap_or(now));
        state.last_opened
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One event for each asset that lost something.
    fn tell_dropped(&self, dropped: &[Dropped], reason: GapReason) {
        let mut assets: Vec<_> = dropped.iter().map(|one| one.segment.asset).collect();
        assets.sort_unstable();
        assets.dedup();
        for id in assets {
            let Ok(Some(asset)) = self.index().asset_row(id) else {
                continue;
            };
            let of: Vec<_> = dropped
                .iter()
                .map(|one| &one.segment)
                .filter(|one| one.asset == id)
                .collect();
            let event = RecordingEvent::Dropped {
                store: asset.store,
                asset: asset.name,
                start: of.iter().map(|one| one.name.start).min().unwrap_or_default(),
                end: of.iter().map(|one| one.end).max().unwrap_or_default(),
                reason,
                fragments: of.iter().map(|one| one.video_fragments).sum(),
                units: of.iter().map(|one| one.video.samples).sum(),
                bytes: of.iter().map(|one| one.bytes).sum(),
            };
            self.options.listener.tell(&asset.owner, &event);
        }
    }
}
