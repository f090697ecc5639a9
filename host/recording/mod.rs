//! Recordings on disk: assets (segments and playlists in a folder) and files (one MP4 each).
//!
//! Synchronous code. A sink calls [`Recorder::push`] wherever it likes, since that works in memory only, and
//! [`Recorder::flush`] and [`Recorder::close`] on a thread that may block.
//!
//! Invariants:
//! - The bytes of an access unit are never copied in memory: one vectored write per fragment.
//! - A name without `.part` or `.tmp` holds complete media; nothing that is sealed ever changes.
//! - What could not be written is reported as [`Notice::Gap`], never passed over.

pub mod adopt;
pub mod asset;
mod blocking;
pub mod cache;
pub mod capacity;
pub mod coverage;
pub mod deletion;
pub mod detections;
mod error;
pub mod file;
pub mod find;
pub mod fragmenter;
pub mod holds;
pub mod holes;
pub mod index;
pub mod listener;
pub mod retention;
pub mod storage;
pub mod store;
mod taking;
pub mod upload;
pub mod verify;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

pub use asset::AssetWriter;
pub use cache::{AssetSpec, Cache, CacheOptions};
pub use error::RecordingError;
pub use file::{FileNames, FileOptions, FileWriter, Segments};
pub use listener::{RecordingEvent, RecordingListener};

use self::detections::Recent;
use self::index::GapReason;
use crate::media::{AccessUnit, MediaTime, Ticks};

/// Takes the access units of one recording.
pub trait Recorder: Send + std::fmt::Debug {
    /// Takes the next unit, in memory only; true when a fragment is ready and [`Recorder::flush`] should be
    /// called.
    ///
    /// # Errors
    /// When the unit cannot be recorded; the recorder goes on without it.
    fn push(&mut self, unit: &Arc<AccessUnit>) -> Result<bool, RecordingError>;

    /// Writes what is ready.
    ///
    /// # Errors
    /// When the disk refuses, with the path. Nothing is lost by that: call it again later. Only when too much
    /// waits, the oldest is dropped, and the next success reports it as a gap.
    fn flush(&mut self) -> Result<Vec<Notice>, RecordingError>;

    /// Writes everything, finishes the recording and lets go of it.
    ///
    /// # Errors
    /// As [`Recorder::flush`]; may be called again.
    fn close(&mut self) -> Result<Vec<Notice>, RecordingError>;

    /// The camera is gone for now: finishes what stands open, so that it is kept and played; more may follow.
    ///
    /// # Errors
    /// As [`Recorder::flush`].
    fn pause(&mut self) -> Result<Vec<Notice>, RecordingError> {
        self.flush()
    }

    /// Says that this is one recording of an event, and not a part of one that goes on all the time: between it and what was
    /// recorded before nothing is missing.
    fn is_of_event(&mut self) {}

    /// What is seen of its camera stands here from now on: it is kept with the media, where there is a place for it.
    fn watch(&mut self, _recent: Arc<Recent>) {}

    /// Says that media came before this could be opened, and is lost.
    fn missed(&mut self, _start: MediaTime, _end: MediaTime, _units: u64) {}

    /// Says that the disk was stalled until now: what is missing before is missing for that.
    fn stalled_until(&mut self, _until: MediaTime) {}

    /// Closing fails for good: notes what that costs. Nothing else is called any more.
    fn give_up(&mut self) {}
}

/// What a recording has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Access units written, of all tracks.
    pub units: u64,
    /// Of the video.
    pub duration: Ticks,
    /// Written to the disk.
    pub bytes: u64,
    /// Units that were not recorded: before the first random access point, or lost.
    pub dropped: u64,
}

/// What a sink may want to tell the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The first media of a recording stands on the disk.
    Started {
        /// The asset's name or the file's path.
        output: String,
        /// Its first moment.
        at: MediaTime,
    },
    /// A segment is complete and will not change any more.
    SegmentSealed {
        /// Where.
        path: PathBuf,
        /// Its first moment.
        start: MediaTime,
        /// Where the next begins.
        end: MediaTime,
        /// Its size.
        bytes: u64,
    },
    /// The recording can be played.
    Available {
        /// The asset's name or the file's path.
        output: String,
        /// The last moment that can be played.
        until: MediaTime,
    },
    /// Media is missing here.
    Gap {
        /// The asset's name or the file's path.
        output: String,
        /// Its first moment.
        start: MediaTime,
        /// Where media goes on.
        end: MediaTime,
        /// Why.
        reason: GapReason,
        /// Units that were lost; 0 when they never came.
        units: u64,
    },
    /// Another file was removed to make room.
    Removed {
        /// Which.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The recording has ended.
    Stopped {
        /// The asset's name or the file's path.
        output: String,
        /// Its last moment.
        at: MediaTime,
        /// What it holds.
        totals: Totals,
    },
}
