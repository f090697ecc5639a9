//! The audit log: who looked at recordings, took them away, deleted, held and released them, when, and from where.
//!
//! `STATE/audit/audit.jsonl`, one JSON object a line, for the owner alone. Lines are appended and never changed; a file that is
//! full is put aside, and the oldest goes when there are more than [`KEPT`].
//!
//! Invariants:
//! - What changes something ([`Action::changes`]) stands on the disk when [`Audit::record`] returns. Views do so a little later,
//!   as the operating system writes: a power cut may cost the last of them.
//! - Whoever watches for hours and fetches thousands of fragments is one entry for each [`WINDOW`] ([`seen`]).
//! - No token, no address with a signature and no password ever comes here: an entry is made of names and times.
//!
//! Writing blocks for as long as the disk does.

mod read;
mod seen;
#[cfg(test)]
mod tests;

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

pub use read::{MAX_PAGE, PAGE, Question, read};
pub use seen::{MAX_SEEN, WINDOW};

use self::seen::Seen;
use crate::media::{Clock, MediaTime};
use crate::rotation::{RotatedFile, Rotation};
use crate::text::{plain, spelled};

/// The folder in the state directory.
pub const FOLDER: &str = "audit";
/// The file that is written.
const FILE: &str = "audit.jsonl";
/// A file that would become larger is put aside, in bytes.
pub const FILE_BYTES: u64 = 8 << 20;
/// So many of those are kept: 64 MiB with the one that is written, some 250,000 entries.
pub const KEPT: u32 = 7;
/// Bytes of a name, an address or a text in an entry; more is cut off.
pub const MAX_TEXT: usize = 600;
const OWNER_ONLY_DIR: u32 = 0o700;

/// What somebody did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Looked at a recording, or at a camera.
    #[default]
    View,
    /// Saved a part of a recording as a file.
    Export,
    /// Looked at single pictures.
    Snapshot,
    /// Deleted.
    Delete,
    /// Held, so that nothing removes it.
    Hold,
    /// Released a hold.
    Release,
}

impl Action {
    /// Whether it changes something: then it is on the disk before it is answered.
    #[must_use]
    pub fn changes(self) -> bool {
        matches!(self, Self::Delete | Self::Hold | Self::Release)
    }

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Export => "export",
            Self::Snapshot => "snapshot",
            Self::Delete => "delete",
            Self::Hold => "hold",
            Self::Release => "release",
        }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It is about to be done: another entry says what came of it, unless the host was cut off.
    Begun,
    /// It was done.
    #[default]
    Done,
    /// It was not done.
    Refused,
}

impl Outcome {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When, UTC; set when it is written.
    pub time: String,
    /// Whose token: its name. Empty: a host that needs none.
    pub who: String,
    /// By a signed link that this token made: anybody may have it. Lines of earlier versions do not say it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_link: bool,
    /// The address that it came from; `local`: a command on the state directory itself.
    pub from: String,
    /// What was done.
    pub action: Action,
    /// To which recording; empty when it is about a camera.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub asset: String,
    /// In which store.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub store: String,
    /// A camera that was looked at live: `INSTANCE/SOURCE`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub camera: String,
    /// From which moment of it on, UTC; none: from the beginning, or nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// To which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// More about it, for people: the reason of a hold, what was deleted, why it was refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// As much of a recording as somebody was given, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// From here; none: nobody said.
    pub start: Option<MediaTime>,
    /// To here; none: what is to come as well.
    pub end: Option<MediaTime>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
#[error(
    "the audit log `{}` cannot be {action}: {source}\nhint: see whether the disk of the state directory is full or broken",
    path.display()
)]
pub struct AuditError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// The audit log of a host.
#[derive(Debug)]
pub struct Audit {
    path: PathBuf,
    rotation: Rotation,
    clock: Arc<dyn Clock>,
    file: Mutex<RotatedFile>,
    seen: Mutex<Seen>,
}

impl Audit {
    /// The log of a state directory. Nothing is opened before something is written.
    #[must_use]
    pub fn new(state: &Path, clock: Arc<dyn Clock>) -> Self {
        let rotation = Rotation {
            bytes: FILE_BYTES,
            kept: KEPT,
        };
        Self::rotated(state, clock, rotation)
    }

    fn rotated(state: &Path, clock: Arc<dyn Clock>, rotation: Rotation) -> Self {
        Self {
            path: state.join(FOLDER).join(FILE),
            rotation,
            clock,
            file: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// The folder that it is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// Appends an entry, with the time of now. Blocks.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn record(&self, mut entry: Entry) -> Result<(), AuditError> {
        entry.time = format!("{:.3}", self.clock.wall());
        let texts = [
            &mut entry.who,
            &mut entry.from,
            &mut entry.asset,
            &mut entry.store,
            &mut entry.camera,
            &mut entry.detail,
        ];
        for text in texts {
            *text = plain(text, MAX_TEXT);
        }
        let durable = entry.action.changes();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        self.append(&mut file, &entry, durable)
            .map_err(|source| AuditError {
                action: "written",
                path: self.path.clone(),
                source,
            })
    }

    fn append(&self, file: &mut RotatedFile, entry: &Entry, durable: bool) -> io::Result<()> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(OWNER_ONLY_DIR)
            .create(self.folder())?;
        let json = serde_json::to_string(entry).map_err(io::Error::other)?;
        let line = format!("{}\n", spelled(&json));
        file.write(&self.path, line.as_bytes(), self.rotation)?;
        if durable {
            file.sync(&self.path)?;
        }
        Ok(())
    }

    /// Whether looking at something is news: nobody of this name at this address, and in the same way, has been given as much of it within the
    /// [`WINDOW`]. Remembers it. Reads and writes nothing.
    #[must_use]
    pub fn is_news(&self, entry: &Entry, looked: Looked) -> bool {
        self.seen().note(entry, looked, self.clock.monotonic())
    }

    /// What was news could not be written: it is news again.
    pub fn forget(&self, entry: &Entry) {
        self.seen().forget(entry);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
