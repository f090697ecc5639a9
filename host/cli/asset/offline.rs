//! The same in the state directory of a host that does not run.
//!
//! What other stores than the local one have of a deleted recording is remembered, and goes when the host runs again: it alone knows
//! their addresses and passwords.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Asked, Holds as Listing};
use crate::audit::{Action, Audit, Entry, Outcome};
use crate::cli::Failure;
use crate::graph::{Recordings, RecordingsOptions};
use crate::media::{Clock, MediaTime, SystemClock};
use crate::playback::listing::{Listed, Page};
use crate::recording::deletion::Deleted;
use crate::recording::holds::{Hold, Holds, NewHold};
use crate::recording::index::{AssetRow, AssetSize, FILE_NAME, HoldId, Index};
use crate::recording::listener::Deaf;
use crate::recording::retention::KeepFree;
use crate::recording::storage::Disk;
use crate::recording::store::LOCAL;
use crate::state::StateDir;

/// Where commands on the state directory itself come from.
const FROM: &str = "local";
/// How long the local store may take to let go of what was deleted.
const DRAIN: Duration = Duration::from_secs(60);

/// What recordings there are; beside a running host, too.
pub(super) fn assets(state: &Path) -> Result<Page, Failure> {
    let sizes = look(state)?.sizes().map_err(Failure::failed)?;
    Ok(Page {
        value: sizes.iter().map(listed).collect(),
        token: None,
    })
}

fn listed(size: &AssetSize) -> Listed {
    let extent = size.first.zip(size.last).map(|(first, last)| first..last);
    Listed::of(&size.asset, extent.as_ref(), false)
}

/// What is held; beside a running host, too.
pub(super) fn holds(state: &Path) -> Result<Listing, Failure> {
    let holds = look(state)?.holds().map_err(Failure::failed)?;
    Ok(Listing {
        value: holds.iter().map(Hold::from).collect(),
    })
}

fn look(state: &Path) -> Result<Index, Failure> {
    Index::open_to_read(&state.join(FILE_NAME)).map_err(Failure::failed)
}

/// Holds a stretch of a recording.
pub(super) fn hold(
    state: &Path,
    asked: &Asked,
    reason: &str,
    until: Option<Timestamp>,
) -> Result<Hold, Failure> {
    let work = Work::open(state, asked)?;
    let media = |at: Option<Timestamp>| at.map(MediaTime::from_timestamp);
    let new = NewHold {
        start: media(asked.from),
        end: media(asked.to),
        reason: reason.to_owned(),
        who: FROM.to_owned(),
        until,
    };
    let placed = work.holds.place(&work.asset, new, work.clock.wall());
    let told = told(&placed.as_ref().map(|row| row.reason.clone()));
    work.note(Action::Hold, asked, &told, placed.is_ok())?;
    placed.map(|row| Hold::from(&row)).map_err(Failure::failed)
}

/// Releases a hold.
pub(super) fn release(state: &Path, asked: &Asked, hold: i64) -> Result<Hold, Failure> {
    let work = Work::open(state, asked)?;
    work.begin(Action::Release, asked)?;
    let released = work.holds.release(&work.asset, HoldId(hold));
    let told = told(&released.as_ref().map(|_| format!("hold {hold}")));
    work.note(Action::Release, asked, &told, released.is_ok())?;
    released.map(|row| Hold::from(&row)).map_err(Failure::failed)
}

/// Deletes a stretch of a recording: from the cache and from the local store at once.
pub(super) async fn delete(state: &Path, asked: &Asked) -> Result<Deleted, Failure> {
    let work = Work::open(state, asked)?;
    work.begin(Action::Delete, asked)?;
    let options = RecordingsOptions {
        // Nothing goes but what is asked for.
        keep_free: KeepFree {
            percent: None,
            bytes: None,
        },
        ..RecordingsOptions::default()
    };
    let clock = Arc::clone(&work.clock);
    let recordings =
        Recordings::open(&work.state, options, clock, Arc::new(Deaf)).map_err(Failure::failed)?;
    let media = |at: Option<Timestamp>| at.map(MediaTime::from_timestamp);
    let range = media(asked.from).unwrap_or(MediaTime::MIN)..media(asked.to).unwrap_or(MediaTime::MAX);
    let deleted = recordings.cache().delete(&work.asset, &range);
    recordings.keeper().retain().await;
    recordings.shutdown(DRAIN).await;
    let told = told(
        &deleted
            .as_ref()
            .map(|one| format!("{} segments, {} bytes", one.segments, one.bytes)),
    );
    work.note(Action::Delete, asked, &told, deleted.is_ok())?;
    deleted.map_err(Failure::failed)
}

fn told<E: std::fmt::Display>(result: &Result<String, &E>) -> String {
    match result {
        Ok(text) => text.clone(),
        Err(error) => error.to_string(),
    }
}

/// A state directory that nobody else uses, and a recording in it.
struct Work {
    state: StateDir,
    holds: Holds,
    asset: AssetRow,
    clock: Arc<dyn Clock>,
    audit: Audit,
}

impl Work {
    fn open(path: &Path, asked: &Asked) -> Result<Self, Failure> {
        // Opening makes what is not there: a mistyped name must not become a state directory.
        look(path)?;
        let state = StateDir::open(path).map_err(|error| {
            Failure::failed(format!(
                "{error}\nhint: leave `--state-dir` out to ask the running host"
            ))
        })?;
        let index = Arc::new(Index::open(&state.path().join(FILE_NAME)).map_err(Failure::failed)?);
        let asset = find(&index, asked)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        Ok(Self {
            holds: Holds::open(index, Arc::new(Disk)),
            asset,
            audit: Audit::new(state.path(), Arc::clone(&clock)),
            clock,
            state,
        })
    }

    fn begin(&self, action: Action, asked: &Asked) -> Result<(), Failure> {
        self.write(action, asked, "", Outcome::Begun)
    }

    fn note(&self, action: Action, asked: &Asked, told: &str, done: bool) -> Result<(), Failure> {
        let outcome = if done { Outcome::Done } else { Outcome::Refused };
        self.write(action, asked, told, outcome)
    }

    fn write(&self, action: Action, asked: &Asked, detail: &str, outcome: Outcome) -> Result<(), Failure> {
        let iso = |at: Option<Timestamp>| at.map(|at| MediaTime::from_timestamp(at).iso());
        let entry = Entry {
            who: FROM.to_owned(),
            from: FROM.to_owned(),
            action,
            asset: self.asset.name.clone(),
            store: self.asset.store.clone(),
            start: iso(asked.from),
            end: iso(asked.to),
            outcome,
            detail: detail.to_owned(),
            ..Entry::default()
        };
        self.audit.record(entry).map_err(Failure::failed)
    }
}

/// One of the local store comes first, then the newest.
fn find(index: &Index, asked: &Asked) -> Result<AssetRow, Failure> {
    let mut rows = index.assets_named(&asked.asset).map_err(Failure::failed)?;
    rows.retain(|row| asked.store.as_ref().is_none_or(|store| *store == row.store));
    let local = rows.iter().position(|row| row.store == LOCAL).unwrap_or(0);
    rows.into_iter().nth(local).ok_or_else(|| {
        Failure::failed(format!(
            "there is no recording `{}`\nhint: `mediagraph asset list` names those that there are",
            asked.asset.escape_debug()
        ))
    })
}
