//! The index: which segments there are, where they are, and what is missing, in SQLite.
//!
//! Invariants, each tested by killing the process and by throwing away what was not synced:
//! - A row of a segment implies its whole file: the file is written, synced, renamed and its folder synced before.
//! - What goes, goes from the index first: one transaction takes the row, writes the gap and notes the file as garbage; then
//!   the file is removed, then the note. So a file without a row and without a note is one whose row was not yet written, and
//!   is taken in; a file with a note is removed.
//! - What an asset had and does not have any more is a gap with its reason, to the tick.
//! - `open` and `uploading` are not in the index: both begin anew after a restart.
//!
//! Synchronous; commits are on the disk when they return, a few milliseconds each, so call it where a thread may block.

mod building;
mod coverage;
mod fragments;
mod gaps;
mod holds;
mod listing;
mod places;
mod playback;
mod read;
mod retention;
mod schema;
mod sightings;
mod write;
mod writers;

#[cfg(test)]
pub(crate) mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::Connection;

pub use coverage::{OwnerRow, Stretch};
pub use fragments::{FragmentEntry, pack, unpack};
pub use holds::{HoldId, HoldRow};
pub use listing::Unlisted;
pub use places::Place;
pub use playback::PlayableRow;
pub use read::Backlog;
pub use retention::{AssetSize, Removal};
pub use sightings::{SightingFilter, SightingRow};
pub use writers::Writer;

use super::asset::name::{Epoch, SegmentName};
use super::asset::scan::Part;
use super::detections::Detection;
use crate::database::{self, DatabaseError};
use crate::media::MediaTime;

/// The name of the database in the state directory.
pub const FILE_NAME: &str = "index.db";

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] DatabaseError),
    /// It cannot be read or written.
    #[error(
        "the index of recordings `{}` cannot be {action}: {source}\n\
         hint: look whether the disk is full, and at its health; `mediagraph check --rebuild` makes it anew from the media",
        path.display()
    )]
    Database {
        /// `read` or `written`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

/// Numbers an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssetId(pub i64);

/// Numbers an epoch of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochId(pub i64);

/// Numbers a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub i64);

/// A recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetRow {
    /// Its number.
    pub id: AssetId,
    /// The store it belongs to.
    pub store: String,
    /// Its name there.
    pub name: String,
    /// Who recorded into it last: `INSTANCE/NODE`.
    pub owner: String,
    /// When it was first recorded into.
    pub created: Timestamp,
    /// Something of it may not be removed.
    pub held: bool,
}

/// An uninterrupted stretch of one writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochRow {
    /// Its number.
    pub id: EpochId,
    /// Its name.
    pub epoch: Epoch,
    /// When it was opened.
    pub opened: Timestamp,
    /// The init segment of its video.
    pub video: Option<Vec<u8>>,
    /// The init segment of its audio.
    pub audio: Option<Vec<u8>>,
}

/// Where a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentState {
    /// Sealed, in the cache alone.
    Cached = 1,
    /// Its store has acknowledged it.
    Stored = 2,
}

/// A segment that has just been sealed.
#[derive(Clone, Debug)]
pub struct NewSegment<'a> {
    /// Of which asset.
    pub asset: AssetId,
    /// Of which epoch.
    pub epoch: EpochId,
    /// Its first moment.
    pub start: MediaTime,
    /// Where its video ends.
    pub end: MediaTime,
    /// Size of the file.
    pub bytes: u64,
    /// Its video within the file.
    pub video: Part,
    /// Its audio within the file.
    pub audio: Option<Part>,
    /// All of its fragments, in the order of the file.
    pub fragments: &'a [FragmentEntry],
    /// Of the whole file; zeros when nobody has read it yet, as of what an earlier version recorded.
    pub sha256: [u8; 32],
    /// The folder of the cache that it is in, absolute; ignored for what its store has.
    pub folder: &'a Path,
    /// What was seen in it, and what was said too late for the segment before it.
    pub detections: &'a [Detection],
}

/// A sealed segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentRow {
    /// Its number.
    pub id: SegmentId,
    /// Of which asset.
    pub asset: AssetId,
    /// Of which epoch.
    pub epoch: EpochId,
    /// What its file is called, without ending.
    pub name: SegmentName,
    /// Where its video ends.
    pub end: MediaTime,
    /// Size of the file.
    pub bytes: u64,
    /// Its video within the file.
    pub video: Part,
    /// Its audio within the file.
    pub audio: Option<Part>,
    /// How many fragments of video it has.
    pub video_fragments: u64,
    /// Of the whole file.
    pub sha256: [u8; 32],
    /// Where it is.
    pub state: SegmentState,
    /// The folder of the cache that it is in, unless it is not in the cache any more.
    pub folder: Option<PathBuf>,
}

/// Why media is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapReason {
    /// The camera sent nothing, or was away.
    Camera,
    /// The disk refused, or was too slow.
    Disk,
    /// The cache was full: its budget was reached.
    CacheFull,
    /// What is held left no room for it.
    HeldFull,
    /// `keepFree`: the disk was nearly full.
    KeepFree,
    /// The asset's retention: its age or size.
    Retention,
    /// Somebody deleted it.
    Deleted,
    /// A crash: at most the fragment that was being written.
    Crash,
    /// The file is gone or damaged, and nobody knows why.
    Damaged,
}

/// A stretch that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Its first moment.
    pub start: MediaTime,
    /// Where media goes on.
    pub end: MediaTime,
    /// Why.
    pub reason: GapReason,
    /// Fragments of video that were there and were dropped; 0 when they never came.
    pub fragments: u64,
    /// Samples that were lost; 0 when they never came.
    pub units: u64,
}

/// A segment that went, and what has to be told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// As it was.
    pub segment: SegmentRow,
    /// The file of the cache that must go now, if it has one.
    pub file: Option<PathBuf>,
}

/// A segment that waits for its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The segment.
    pub segment: SegmentRow,
    /// The name of its asset.
    pub asset: String,
}

/// The open index of a host.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Index {
    /// Opens, or makes, the index.
    ///
    /// # Errors
    /// When the disk or SQLite refuses, or a newer version wrote it.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        Ok(Self {
            path: path.to_owned(),
            connection: Mutex::new(database::open(path, schema::MIGRATIONS)?),
        })
    }

    /// Opens an index to read it, beside a host that may be at work.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open_to_read(path: &Path) -> Result<Self, IndexError> {
        Ok(Self {
            path: path.to_owned(),
            connection: Mutex::new(database::open_to_read(path, schema::MIGRATIONS.len())?),
        })
    }

    /// Where its database is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic cut off was rolled back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reading<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, IndexError> {
        work(&self.lock()).map_err(|source| self.failed("read", source))
    }

    /// All of it or nothing.
    fn writing<T>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, IndexError> {
        let mut connection = self.lock();
        let written = || {
            let transaction = connection.transaction()?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        written().map_err(|source| self.failed("written", source))
    }

    fn failed(&self, action: &'static str, source: rusqlite::Error) -> IndexError {
        IndexError::Database {
            action,
            path: self.path.clone(),
            source,
        }
    }
}

impl IndexError {
    /// Whether the disk has no room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let Self::Database { source, .. } = self else {
            return false;
        };
        source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
    }
}

impl GapReason {
    const ALL: [Self; 9] = [
        Self::Camera,
        Self::Disk,
        Self::CacheFull,
        Self::HeldFull,
        Self::KeepFree,
        Self::Retention,
        Self::Deleted,
        Self::Crash,
        Self::Damaged,
    ];

    /// As it is stored and shown to programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Camera => "camera",
            Self::Disk => "disk",
            Self::CacheFull => "cacheFull",
            Self::HeldFull => "heldFull",
            Self::KeepFree => "keepFree",
            Self::Retention => "retention",
            Self::Deleted => "deleted",
            Self::Crash => "crash",
            Self::Damaged => "damaged",
        }
    }

    /// For people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Camera => "the camera sent nothing",
            Self::Disk => "the disk was too slow, or refused",
            Self::CacheFull => "the cache was full",
            Self::HeldFull => "what is held left no room for it",
            Self::KeepFree => "the disk was nearly full",
            Self::Retention => "it was older, or more, than is kept",
            Self::Deleted => "it was deleted",
            Self::Crash => "the host was cut off",
            Self::Damaged => "the file is gone or damaged",
        }
    }

    /// The reverse of [`GapReason::name`]; what is not known is damage.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        let known = Self::ALL.iter().find(|reason| reason.name() == name);
        known.copied().unwrap_or(Self::Damaged)
    }
}
