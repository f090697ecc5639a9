//! Putting right what [`super::audit`] found.
//!
//! Each step can be cut off and done again. Media is never removed: what is damaged gets a name of its own, and a gap.

use std::path::Path;
use std::sync::Arc;

use super::audit::{Finding, Kind, Subject};
use crate::media::{Clock, TrackKind};
use crate::recording::asset::name::{SEGMENT, SegmentName};
use crate::recording::cache::{Cache, CacheOptions};
use crate::recording::index::{GapReason, Index, NewSegment, SegmentRow, SegmentState};
use crate::recording::listener::Deaf;
use crate::recording::storage::{Disk, Storage, replace};
use crate::recording::store::LOCAL;
use crate::recording::{RecordingError, taking};

/// What a damaged segment's name ends with once it is set aside.
pub const DAMAGED: &str = ".damaged";

/// Puts right what can be; look again afterwards for what is left. `root` is the cache of sinks that name none.
///
/// # Errors
/// When the index or a disk refuses.
pub fn repair(
    subject: &Subject<'_>,
    index: &Arc<Index>,
    findings: &[Finding],
    root: &Path,
    host: &str,
    clock: &Arc<dyn Clock>,
) -> Result<(), RecordingError> {
    // Without them nothing of their epochs can be read.
    for one in findings.iter().filter(|one| one.problem == Kind::Init) {
        write_init(subject, one)?;
    }
    for one in findings {
        set_aside(subject, one)?;
    }
    // Seals what is open, takes in what has no row, removes garbage, and makes gaps of what is gone.
    let cache = Cache::open(CacheOptions {
        root: root.to_owned(),
        host: host.to_owned(),
        storage: Arc::new(Disk),
        clock: Arc::clone(clock),
        index: Arc::clone(index),
        listener: Arc::new(Deaf),
    })?;
    for one in findings {
        match one.problem {
            Kind::Missing => gap(&cache, one)?,
            // Elsewhere it cannot be set aside, and it may be all that there is of that time.
            Kind::Size | Kind::Damaged if is_here(subject, one)? => gap(&cache, one)?,
            Kind::Size | Kind::Damaged => {}
            Kind::Unknown if one.store == LOCAL => take_in(subject, one, clock)?,
            Kind::Playlist => list_again(subject, one)?,
            Kind::Unknown | Kind::Unfinished | Kind::Garbage | Kind::Init => {}
        }
    }
    let_go(subject)
}

fn gap(cache: &Cache, one: &Finding) -> Result<(), RecordingError> {
    if let Some(id) = one.segment {
        cache.drop_segments(&[id], GapReason::Damaged)?;
    }
    Ok(())
}

/// Whether the file is, or was, on this machine: in the cache, or in the local store.
fn is_here(subject: &Subject<'_>, one: &Finding) -> Result<bool, RecordingError> {
    let row = match one.segment {
        Some(id) => subject.index.segment(id)?,
        None => None,
    };
    Ok(row.is_some_and(|row| folder_of(subject, one, row).is_some()))
}

fn set_aside(subject: &Subject<'_>, one: &Finding) -> Result<(), RecordingError> {
    if !matches!(one.problem, Kind::Size | Kind::Damaged) {
        return Ok(());
    }
    let row = match one.segment {
        Some(id) => subject.index.segment(id)?,
        None => None,
    };
    let Some(folder) = row.and_then(|row| folder_of(subject, one, row)) else {
        return Ok(());
    };
    let (from, to) = (
        folder.join(&one.file),
        folder.join(format!("{}{DAMAGED}", one.file)),
    );
    Disk.rename(&from, &to)
        .map_err(RecordingError::io("rename", &from))?;
    Disk.sync_dir(&folder)
        .map_err(RecordingError::io("sync", &folder))
}

/// Where a segment's file is on this machine.
fn folder_of(subject: &Subject<'_>, one: &Finding, row: SegmentRow) -> Option<std::path::PathBuf> {
    match row.state {
        SegmentState::Cached => row.folder,
        SegmentState::Stored => (one.store == LOCAL).then(|| subject.local.join(&one.asset)),
    }
}

/// A sound segment of the local store that the index does not have.
fn take_in(subject: &Subject<'_>, one: &Finding, clock: &Arc<dyn Clock>) -> Result<(), RecordingError> {
    let Some(name) = one.file.strip_suffix(SEGMENT).and_then(SegmentName::parse) else {
        return Ok(());
    };
    let folder = subject.local.join(&one.asset);
    let index = subject.index;
    let asset = match index.find_asset(LOCAL, &one.asset)? {
        Some(row) => row.id,
        None => index.asset(LOCAL, &one.asset, "", clock.wall())?,
    };
    match taking::take(index, asset, &folder, name, true) {
        Err(error @ RecordingError::Index(_)) => Err(error),
        // It stays as it is: it may be all that there is of that time.
        Err(error) => {
            tracing::warn!(%error, "A segment is not taken into the index");
            Ok(())
        }
        Ok(taken) => {
            let rows: [NewSegment<'_>; 1] = [taken.row(asset, &folder)];
            Ok(index.adopt_all_stored(&rows)?)
        }
    }
}

fn write_init(subject: &Subject<'_>, one: &Finding) -> Result<(), RecordingError> {
    let Some(asset) = subject.index.find_asset(&one.store, &one.asset)? else {
        return Ok(());
    };
    if one.store != LOCAL {
        return Ok(());
    }
    for epoch in subject.index.epochs(asset.id)? {
        for (kind, init) in [(TrackKind::Video, &epoch.video), (TrackKind::Audio, &epoch.audio)] {
            if let (true, Some(init)) = (epoch.epoch.init(kind) == one.file, init) {
                let folder = subject.local.join(&one.asset);
                let path = folder.join(&one.file);
                replace(&Disk, &path, &[init], true).map_err(RecordingError::io("write", &path))?;
                Disk.sync_dir(&folder)
                    .map_err(RecordingError::io("sync", &folder))?;
            }
        }
    }
    Ok(())
}

/// The host writes the playlists of that day when it starts.
fn list_again(subject: &Subject<'_>, one: &Finding) -> Result<(), RecordingError> {
    let Some(id) = one.segment else { return Ok(()) };
    match subject.index.segment(id)? {
        Some(segment) => Ok(subject.index.list_again(&segment)?),
        None => Ok(()),
    }
}

/// What the local store still had to let go.
fn let_go(subject: &Subject<'_>) -> Result<(), RecordingError> {
    let waiting = subject.index.removals(LOCAL, u32::MAX)?;
    let mut gone = Vec::new();
    for object in waiting {
        let path = subject.local.join(&object.asset).join(&object.name);
        match Disk.remove(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "A file that is needed no more cannot be removed");
            }
            _ => gone.push(object),
        }
    }
    Ok(subject.index.let_go(&gone)?)
}
