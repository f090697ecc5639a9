//! Holds as they are placed and released: in the index, where everything that removes media looks, and in a file beside it,
//! `holds.json`, because the index may be lost or made anew, and a hold must not be.
//!
//! Invariants:
//! - A change is written to the file first, and is done when the index has it. What a crash leaves between the two is a hold too
//!   much, never one too few: at every start the index takes in what only the file has.
//! - While nothing was ever held there is no file.
//!
//! Everything here may block for as long as the disk does.

mod copy;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RecordingError;
use super::index::{AssetRow, HoldId, HoldRow, Index};
use super::storage::{Storage, replace};
use crate::media::MediaTime;
use crate::text::plain;

/// The copy of all holds in the state directory.
pub const FILE_NAME: &str = "holds.json";
/// What a file that cannot be read is called afterwards.
const DAMAGED: &str = "holds.json.damaged";
/// Holds at a time.
pub const MAX_HOLDS: usize = 1_000;
/// Bytes of a reason.
pub const MAX_REASON_BYTES: usize = 500;

/// Why there is no such hold.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// Too many.
    #[error(
        "there are {MAX_HOLDS} holds already\nhint: release some: `mediagraph asset list --holds` names them"
    )]
    TooMany,
    /// The wrong way round.
    #[error("the end of what is to be held ({end}) is not after its beginning ({start})")]
    Empty {
        /// From here ...
        start: MediaTime,
        /// ... to here.
        end: MediaTime,
    },
    /// Over before it begins.
    #[error(
        "the hold would end at {until}, which is over\nhint: leave `until` out to hold until somebody releases it"
    )]
    Over {
        /// When it would end.
        until: Timestamp,
    },
    /// No hold of this number.
    #[error(
        "asset `{asset}` has no hold {id}\nhint: `mediagraph asset list --holds` names those that there are"
    )]
    Unknown {
        /// The asset.
        asset: String,
        /// The number.
        id: i64,
    },
    /// The disk or the index refused.
    #[error(transparent)]
    Recording(#[from] RecordingError),
}

impl From<super::index::IndexError> for HoldError {
    fn from(error: super::index::IndexError) -> Self {
        Self::Recording(error.into())
    }
}

/// A hold that is to be placed.
#[derive(Clone, Debug)]
pub struct NewHold {
    /// From here; none: from the beginning.
    pub start: Option<MediaTime>,
    /// To here; none: for ever.
    pub end: Option<MediaTime>,
    /// Why, for people.
    pub reason: String,
    /// Who holds it.
    pub who: String,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// A hold as it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// Its number.
    pub id: i64,
    /// The asset.
    pub asset: String,
    /// The store of the asset.
    pub store: String,
    /// Its first moment, UTC; none: from the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Where it ends; none: what is to come is held, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Why; may be empty.
    pub reason: String,
    /// Who holds it: the name of a token; empty for a host that needs none.
    pub who: String,
    /// When it was placed, UTC.
    pub since: String,
    /// When it ends by itself; none: when somebody releases it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl From<&HoldRow> for Hold {
    fn from(row: &HoldRow) -> Self {
        Self {
            id: row.id.0,
            asset: row.asset.clone(),
            store: row.store.clone(),
            start: (row.start > MediaTime::MIN).then(|| row.start.iso()),
            end: (row.end < MediaTime::MAX).then(|| row.end.iso()),
            reason: row.reason.clone(),
            who: row.who.clone(),
            since: format!("{:.3}", row.since),
            until: row.until.map(|until| format!("{until:.3}")),
        }
    }
}

/// All holds of a host.
#[derive(Debug)]
pub struct Holds {
    index: Arc<Index>,
    storage: Arc<dyn Storage>,
    file: PathBuf,
    /// Held while file and index are changed.
    changing: Mutex<()>,
}

impl Holds {
    /// The holds of an index; takes in what only the file beside it has. A file that cannot be read is put aside, and keeps no
    /// host from recording.
    pub fn open(index: Arc<Index>, storage: Arc<dyn Storage>) -> Self {
        let file = index.path().with_file_name(FILE_NAME);
        let holds = Self {
            index,
            storage,
            file,
            changing: Mutex::default(),
        };
        if let Err(error) = holds.reconcile() {
            tracing::error!(%error, "What is held may not be complete: look at the holds before anything is deleted");
        }
        holds
    }

    /// Holds a stretch of an asset.
    ///
    /// # Errors
    /// When it makes no sense, there are too many, or the disk refuses; then nothing is held by it.
    pub fn place(&self, asset: &AssetRow, new: NewHold, now: Timestamp) -> Result<HoldRow, HoldError> {
        let _changing = self.changing();
        let (start, end) = (
            new.start.unwrap_or(MediaTime::MIN),
            new.end.unwrap_or(MediaTime::MAX),
        );
        if end <= start {
            return Err(HoldError::Empty { start, end });
        }
        if let Some(until) = new.until.filter(|until| *until <= now) {
            return Err(HoldError::Over { until });
        }
        let mut all = self.index.holds()?;
        if all.len() >= MAX_HOLDS {
            return Err(HoldError::TooMany);
        }
        let hold = HoldRow {
            id: self.index.next_hold()?,
            store: asset.store.clone(),
            asset: asset.name.clone(),
            start,
            end,
            reason: plain(&new.reason, MAX_REASON_BYTES),
            who: new.who,
            since: now,
            until: new.until,
        };
        all.push(hold.clone());
        self.write(&all)?;
        self.index.place_hold(&hold)?;
        Ok(hold)
    }

    /// Releases a hold of an asset.
    ///
    /// # Errors
    /// When there is none of this number, or the disk refuses; then it holds on.
    pub fn release(&self, asset: &AssetRow, id: HoldId) -> Result<HoldRow, HoldError> {
        let _changing = self.changing();
        let all = self.index.holds()?;
        let of_asset =
            |one: &&HoldRow| one.id == id && (&one.store, &one.asset) == (&asset.store, &asset.name);
        let Some(hold) = all.iter().find(of_asset).cloned() else {
            return Err(HoldError::Unknown {
                asset: asset.name.clone(),
                id: id.0,
            });
        };
        self.end(all, &[id])?;
        Ok(hold)
    }

    /// Ends the holds whose time is over; gives them.
    ///
    /// # Errors
    /// When the disk refuses; then they hold on.
    pub fn expire(&self, now: Timestamp) -> Result<Vec<HoldRow>, HoldError> {
        let _changing = self.changing();
        let all = self.index.holds()?;
        let over = |one: &&HoldRow| one.until.is_some_and(|until| until <= now);
        let ended: Vec<HoldRow> = all.iter().filter(over).cloned().collect();
        if !ended.is_empty() {
            let ids: Vec<HoldId> = ended.iter().map(|one| one.id).collect();
            self.end(all, &ids)?;
        }
        Ok(ended)
    }

    fn end(&self, mut all: Vec<HoldRow>, ids: &[HoldId]) -> Result<(), HoldError> {
        all.retain(|one| !ids.contains(&one.id));
        self.write(&all)?;
        Ok(self.index.end_holds(ids)?)
    }

    fn changing(&self) -> std::sync::MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Index and file have the same afterwards: what either had.
    fn reconcile(&self) -> Result<(), RecordingError> {
        let _changing = self.changing();
        let written = match copy::read(&self.file) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let aside = self.file.with_file_name(DAMAGED);
                tracing::error!(file = %self.file.display(), %error, aside = %aside.display(), "The copy of what is held cannot be read and is put aside");
                let moved = self.storage.rename(&self.file, &aside);
                moved.map_err(RecordingError::io("rename", &self.file))?;
                None
            }
            Err(error) => return Err(RecordingError::io("read", &self.file)(error)),
        };
        let mut known = self.index.holds()?;
        let same = |one: &HoldRow, other: &HoldRow| {
            HoldRow {
                id: other.id,
                ..one.clone()
            } == *other
        };
        for mut hold in written.clone().unwrap_or_default() {
            if known.iter().any(|one| same(one, &hold)) {
                continue;
            }
            if known.iter().any(|one| one.id == hold.id) {
                hold.id = self.index.next_hold()?;
            }
            tracing::info!(
                asset = hold.asset,
                hold = hold.id.0,
                "A hold that the index did not have is taken in"
            );
            self.index.place_hold(&hold)?;
            known.push(hold);
        }
        known.sort_by_key(|one| one.id);
        if written
            .as_ref()
            .map_or(known.is_empty(), |written| *written == known)
        {
            return Ok(());
        }
        self.write(&known)
    }

    fn write(&self, holds: &[HoldRow]) -> Result<(), RecordingError> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let written = copy::text(holds)
            .and_then(|text| replace(&*self.storage, &self.file, &[&text], true))
            .and_then(|()| self.storage.sync_dir(folder));
        written.map_err(RecordingError::io("write", &self.file))
    }
}

#[cfg(test)]
mod tests;
