//! What recordings tell the rest of the host, from wherever it is found out.
//!
//! What a recorder itself comes to is a [`super::Notice`]; this is what happens later, or to many at once: when no recorder is
//! there any more.

use std::fmt::Debug;
use std::time::Duration;

use super::index::GapReason;
use crate::media::MediaTime;

/// Something that happened to recordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordingEvent {
    /// A recording was opened: what is told of its asset from now on is told in these words.
    Opened {
        /// The asset's store.
        store: String,
        /// Its name.
        asset: String,
        /// `assetName` or `videoName`.
        output_type: &'static str,
    },
    /// Media and playlists stand in the store. May be told of every segment: whoever listens tells it once per recording.
    Available {
        /// The asset's store.
        store: String,
        /// Its name.
        asset: String,
        /// The last moment that can be played.
        until: MediaTime,
    },
    /// Media that had been recorded is gone; the index has a gap for it.
    Dropped {
        /// The asset's store.
        store: String,
        /// Its name.
        asset: String,
        /// Its first moment.
        start: MediaTime,
        /// Where it ends.
        end: MediaTime,
        /// Why.
        reason: GapReason,
        /// Fragments of video.
        fragments: u64,
        /// Access units of video.
        units: u64,
        /// Bytes.
        bytes: u64,
    },
    /// A store takes nothing at present; it is tried again.
    StorePaused {
        /// Which.
        store: String,
        /// Why, without secrets.
        message: String,
    },
    /// A store does not take one recording, which stays in the cache and is tried again; the others go on.
    AssetBlocked {
        /// Which store.
        store: String,
        /// Which recording.
        asset: String,
        /// Why, without secrets.
        message: String,
    },
    /// A store takes media again.
    StoreResumed {
        /// Which.
        store: String,
        /// After so long.
        after: Duration,
    },
}

/// Hears what happens to recordings. Must not block.
pub trait RecordingListener: Send + Sync + Debug {
    /// `owner` is the `INSTANCE/NODE` that records, or empty for what is about a store.
    fn tell(&self, owner: &str, event: &RecordingEvent);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deaf;

impl RecordingListener for Deaf {
    fn tell(&self, _: &str, _: &RecordingEvent) {}
}
