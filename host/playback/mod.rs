//! Any portion of any recording, for players: what there is, playlists over it, its bytes, whole files of it, single pictures.
//!
//! | file | what it is for |
//! |---|---|
//! | [`timeline`] | what there is of an asset within a stretch: runs of fragments, and the holes between them |
//! | [`range`] | which stretch is meant, by the rules of Live Video Analytics' streaming URLs |
//! | [`available`] | which years, months, days and moments there are |
//! | [`live`] | how the fragments of a playlist that grows are numbered |
//! | [`manifest`] | names of playlists as Live Video Analytics has them |
//! | [`hls`], [`dash`] | playlists |
//! | [`source`](mod@source), [`fetch`], [`content`] | where bytes lie (cache, folder, cloud), reading them, streams of them |
//! | `check`, `lost` | whether media is where the index has it; what is not is left out |
//! | `granted` | what of it somebody may have who may have one stretch alone |
//! | [`seen`] | what was seen, as it stands in the segments |
//! | [`export`] | an ordinary MP4 of a stretch, made while it is sent |
//! | [`thumbnail`] | a picture |
//! | [`live_view`] | what a camera shows now |
//! | [`listing`] | what recordings there are |
//!
//! Invariants: nobody who plays is waited for by whoever records; no name of a request reaches a file system, only names that the
//! index has; whatever is asked for, memory stays bounded: manifests by the longest stretch, media by what is sent at a time.

pub mod available;
mod check;
pub mod content;
pub mod dash;
mod error;
pub mod export;
pub mod fetch;
mod granted;
pub mod hls;
pub mod listing;
pub mod live;
pub mod live_view;
mod lost;
pub mod manifest;
pub mod missing;
pub mod range;
pub mod seen;
pub mod source;
pub mod thumbnail;
pub mod timeline;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::Semaphore;

pub use error::{Kind, PlaybackError};

use self::live::Anchors;
use self::lost::Lost;
use self::range::Asked;
use self::timeline::Timeline;
use crate::media::{Clock, MediaTime, Ticks};
use crate::recording::asset::name::SegmentName;
use crate::recording::cache::Cache;
use crate::recording::index::{AssetRow, Index};
use crate::recording::store::AssetStore;

/// Questions to the index that are answered at once; a playlist of a day takes some megabytes while it is made.
const MAX_QUESTIONS: usize = 4;
/// Connections to the index that are kept for the next question.
const MAX_IDLE: usize = 4;
/// Threads that look at what is to be played, at once.
const MAX_LOOKING: usize = 4;
/// So often a stretch is looked up while more and more of it turns out to be lost.
const MAX_LOADS: usize = 4;
/// Reads of media at once; further ones wait for their turn. A disk that hangs gets no more threads.
const MAX_READS: usize = 8;
/// Exports at once.
pub const MAX_EXPORTS: usize = 4;
/// Pictures that are decoded at once: a recorder's cores are for its cameras.
const MAX_DECODES: usize = 1;
/// Answers of what was seen that are gathered at once; each may hold the boxes of a few segments.
const MAX_GATHERED: usize = 4;
/// How long somebody waits for a turn.
const TURN: Duration = Duration::from_secs(10);
/// An asset that nobody writes, and whose newest media is younger than this, may just be between two writers: 30 s.
const RECENTLY: Ticks = Ticks::from_secs(30);

/// What playback is made of.
#[derive(Debug)]
pub struct PlaybackOptions {
    /// What is being recorded, and what waits for its store.
    pub cache: Arc<Cache>,
    /// The stores by name.
    pub stores: BTreeMap<String, Arc<dyn AssetStore>>,
    /// The one that is recorded to: an asset of it is meant first when several have the same name.
    pub store: String,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// That of the site: names of files are for people.
    pub time_zone: TimeZone,
}

/// Plays what a host has recorded.
#[derive(Debug)]
pub struct Playback {
    options: PlaybackOptions,
    index: PathBuf,
    idle: Mutex<Vec<Index>>,
    questions: Semaphore,
    reads: Semaphore,
    looks: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    decodes: Semaphore,
    gathered: Semaphore,
    anchors: Mutex<Anchors>,
    lost: Mutex<Lost>,
}

impl Playback {
    /// Nothing is opened until something is asked.
    #[must_use]
    pub fn new(options: PlaybackOptions) -> Arc<Self> {
        Arc::new(Self {
            index: options.cache.index().path().to_owned(),
            options,
            idle: Mutex::default(),
            questions: Semaphore::new(MAX_QUESTIONS),
            reads: Semaphore::new(MAX_READS),
            looks: Arc::new(Semaphore::new(MAX_LOOKING)),
            exports: Arc::new(Semaphore::new(MAX_EXPORTS)),
            decodes: Semaphore::new(MAX_DECODES),
            gathered: Semaphore::new(MAX_GATHERED),
            anchors: Mutex::default(),
            lost: Mutex::default(),
        })
    }

    /// The recording of a name, and of a store if one is named, that satisfies `visible`. One of the store that is recorded to comes
    /// first, then the newest.
    ///
    /// # Errors
    /// When there is none, or the index cannot be read.
    pub async fn asset(
        self: &Arc<Self>,
        name: &str,
        store: Option<&str>,
        visible: impl Fn(&AssetRow) -> bool + Send,
    ) -> Result<Arc<AssetRow>, PlaybackError> {
        let named = name.to_owned();
        let mut rows = self.ask(move |index| Ok(index.assets_named(&named)?)).await?;
        rows.retain(|row| store.is_none_or(|store| row.store == store) && visible(row));
        let recorded_to = rows.iter().position(|row| row.store == self.options.store);
        let found = match recorded_to {
            Some(place) => rows.into_iter().nth(place),
            None => rows.into_iter().next(),
        };
        found
            .map(Arc::new)
            .ok_or_else(|| PlaybackError::NoAsset { asset: shown(name) })
    }

    /// What there is of an asset in the stretch that is asked for, without what cannot be had.
    ///
    /// # Errors
    /// When the question makes no sense, or the index cannot be read.
    pub async fn timeline(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        asked: Asked,
    ) -> Result<Timeline, PlaybackError> {
        let (timeline, ()) = self.told(asset, asked, |_| ()).await?;
        Ok(timeline)
    }

    /// As [`Playback::timeline`], and what is to be told of it: a playlist of a day takes as long to write as its files to be looked at,
    /// so both happen at once. What was written of something that is not there is written anew.
    ///
    /// # Errors
    /// As there.
    pub async fn told<T>(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        asked: Asked,
        tell: impl Fn(&Timeline) -> T,
    ) -> Result<(Timeline, T), PlaybackError> {
        let mut timeline = self.load(asset, asked).await?;
        for _ in 1..MAX_LOADS {
            let telling = async { tell(&timeline) };
            // In this order: the first waits for other threads, the second needs this one.
            let (leaves_out, told) = tokio::join!(biased; self.leaves_out(&timeline), telling);
            if !leaves_out {
                return Ok((timeline, told));
            }
            timeline = self.load(asset, asked).await?;
        }
        let told = tell(&timeline);
        Ok((timeline, told))
    }

    async fn load(self: &Arc<Self>, asset: &Arc<AssetRow>, asked: Asked) -> Result<Timeline, PlaybackError> {
        let (playback, asset) = (Arc::clone(self), Arc::clone(asset));
        self.ask(move |index| {
            let extent = playback.extent(index, &asset)?;
            let range = asked
                .resolve(extent.as_ref())
                .map_err(|error| PlaybackError::wrong(&asset.name, error.to_string()))?;
            let live = asked.may_grow() && playback.is_live(&asset, extent.as_ref());
            let growing = playback.options.cache.growing(&asset.store, &asset.name);
            let lost = playback.lost_of(&asset);
            let mut timeline = timeline::load(index, growing, &asset, &range, &lost)?;
            timeline.live = live;
            Ok(timeline)
        })
        .await
    }

    /// From the first to the newest moment that can be played; none when there is nothing.
    fn extent(&self, index: &Index, asset: &AssetRow) -> Result<Option<Range<MediaTime>>, PlaybackError> {
        Ok(self.there(index, asset).extent()?)
    }

    /// What there is of an asset.
    fn there<'a>(&self, index: &'a Index, asset: &'a AssetRow) -> available::There<'a> {
        // In this order: what is sealed between the two is in both.
        let growing = self.options.cache.growing(&asset.store, &asset.name);
        available::There {
            growing: growing.as_ref().and_then(timeline::extent_of),
            index,
            asset,
        }
    }

    /// Whether more may come: somebody writes it, or did just now.
    fn is_live(&self, asset: &AssetRow, extent: Option<&Range<MediaTime>>) -> bool {
        let now = self.options.clock.media();
        self.options.cache.is_open(&asset.store, &asset.name)
            || extent.is_some_and(|extent| extent.end.offset(RECENTLY) > now)
    }

    /// Asks the index on a thread that may block, on a connection of its own: whoever records does not wait for who asks.
    pub(crate) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Index) -> Result<T, PlaybackError> + Send + 'static,
    ) -> Result<T, PlaybackError> {
        let _turn = turn(
            &self.questions,
            "too many questions about recordings are being answered",
        )
        .await?;
        let playback = Arc::clone(self);
        let asking = move || {
            let index = match playback.idle().pop() {
                Some(index) => index,
                None => Index::open_to_read(&playback.index)?,
            };
            let answer = question(&index);
            let mut idle = playback.idle();
            // One that could not be read is opened anew.
            if idle.len() < MAX_IDLE && !matches!(answer, Err(PlaybackError::Index(_))) {
                idle.push(index);
            }
            answer
        };
        let asked = tokio::task::spawn_blocking(asking).await;
        asked.unwrap_or_else(|error| Err(stopped(&error)))
    }

    /// The segments of an asset that are known to be gone or damaged.
    fn lost_of(&self, asset: &AssetRow) -> HashSet<SegmentName> {
        self.lost().of(self.options.clock.monotonic(), asset.id)
    }

    fn lost(&self) -> std::sync::MutexGuard<'_, Lost> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Index>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Characters of a name that nobody knows are repeated.
const MAX_SHOWN: usize = 120;

/// A name of a request, as it can be repeated.
fn shown(name: &str) -> String {
    name.escape_debug().take(MAX_SHOWN).collect()
}

/// A turn, or why there is none.
async fn turn<'a>(
    turns: &'a Semaphore,
    busy: &str,
) -> Result<tokio::sync::SemaphorePermit<'a>, PlaybackError> {
    let waited = tokio::time::timeout(TURN, turns.acquire()).await;
    waited
        .ok()
        .and_then(Result::ok)
        .ok_or_else(|| PlaybackError::Busy {
            what: busy.to_owned(),
        })
}

fn stopped(error: &tokio::task::JoinError) -> PlaybackError {
    PlaybackError::Busy {
        what: format!("the work was cut off: {error}"),
    }
}
