//! Putting the cache in order: at the start, and where a writer has given up.
//!
//! Each step can be cut off and done again; done twice it changes nothing the second time.

use std::path::{Path, PathBuf};

use super::Cache;
use super::folder::{asset_of, owner_of};
use crate::media::{MediaTime, Ticks};
use crate::recording::asset::name::{SEGMENT, SegmentName};
use crate::recording::asset::{recover as open, scan};
use crate::recording::index::{AssetId, Gap, GapReason, SegmentId, SegmentState, Writer};
use crate::recording::{RecordingError, taking};

/// Rows whose files are looked for at a time.
const PAGE: u32 = 500;
/// The longest fragment, which is what a crash costs at most.
const LOST_BY_A_CRASH: Ticks = Ticks::from_secs(4);

pub(super) fn recover(cache: &Cache) -> Result<(), RecordingError> {
    let sound = sound_places(cache)?;
    let there = |path: &Path| sound.iter().any(|place| path.starts_with(place));
    let garbage = cache.index().garbage()?;
    let (garbage, unreachable): (Vec<_>, Vec<_>) = garbage.into_iter().partition(|file| there(file));
    if !unreachable.is_empty() {
        tracing::debug!(
            files = unreachable.len(),
            "Files wait to be removed until their disk is back"
        );
    }
    if let Err(error) = cache.remove_garbage(garbage) {
        tracing::warn!(%error, "A file that is needed no more cannot be removed now");
    }
    for place in &sound {
        for folder in asset_folders(place) {
            put_in_order(cache, &folder, true);
        }
    }
    for writer in cache.index().writers()? {
        if there(&writer.folder) {
            note_cut_off(cache, &writer)?;
        }
    }
    drop_missing(cache, &there)
}

/// What a writer had in memory is a gap, also when nothing of it had reached the disk yet. What had is in the index by now.
pub(super) fn note_cut_off(cache: &Cache, writer: &Writer) -> Result<(), RecordingError> {
    let end = cache.index().last_end(writer.asset)?;
    let from = end.map_or(writer.since, |end| end.max(writer.since));
    note_crash(cache, writer.asset, from)?;
    Ok(cache.index().end_writing(writer.asset)?)
}

fn note_crash(cache: &Cache, asset: AssetId, from: MediaTime) -> Result<(), RecordingError> {
    let now = cache.now();
    let gap = Gap {
        start: from,
        end: from.offset(LOST_BY_A_CRASH).min(now),
        reason: GapReason::Crash,
        fragments: 0,
        units: 0,
    };
    if gap.start < gap.end {
        cache.index().note_gap(asset, &gap, now.to_timestamp())?;
    }
    Ok(())
}

/// The places that are what they were.
fn sound_places(cache: &Cache) -> Result<Vec<PathBuf>, RecordingError> {
    let mut known: Vec<PathBuf> = cache
        .index()
        .places()?
        .into_iter()
        .map(|place| place.path)
        .collect();
    if !known.iter().any(|place| place == cache.root()) && cache.root().is_dir() {
        known.push(cache.root().to_owned());
    }
    let mut sound = Vec::new();
    for place in known {
        match cache.enter_root(&place) {
            Ok(()) => sound.push(place),
            Err(error) => tracing::warn!(%error, "What is cached there stays as it is for now"),
        }
    }
    Ok(sound)
}

/// `INSTANCE/NODE/ASSET` below a place. Not through links: what they lead to is not ours.
fn asset_folders(place: &Path) -> Vec<PathBuf> {
    let mut folders = vec![place.to_owned()];
    for _ in 0..3 {
        folders = folders.iter().flat_map(|folder| folders_in(folder)).collect();
    }
    folders
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "A folder of the cache cannot be looked into");
            return Vec::new();
        }
    };
    let folders = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

/// Trouble with one asset keeps no other from being put in order.
pub(super) fn put_in_order(cache: &Cache, folder: &Path, crashed: bool) {
    if let Err(error) = finish(cache, folder, crashed).and_then(|()| cache.tidy(folder)) {
        tracing::warn!(folder = %folder.display(), %error, "What is cached of a recording cannot be put in order now");
    }
}

/// Seals what stands open in the folder of an asset and takes in what has no row.
pub(super) fn finish(cache: &Cache, folder: &Path, crashed: bool) -> Result<(), RecordingError> {
    let Some(of) = Folder::read(folder) else {
        return Ok(());
    };
    for name in open::open_segments(folder)? {
        let parts = open::sound(folder, &name)?;
        if crashed {
            let kept = parts.as_ref().map_or(0, |(video, _)| video.part.ticks);
            // Before anything changes, so that it is not forgotten.
            note_crash(cache, of.id(cache)?, name.start.offset(Ticks(kept as i64)))?;
        }
        match parts {
            None => open::discard(folder, &name, cache.storage())?,
            Some(parts) => {
                let sealed = open::finish(folder, name, parts, cache.storage())?;
                let asset = of.asset.as_str();
                tracing::info!(
                    asset,
                    bytes = sealed.bytes,
                    "A recording that was cut off is finished"
                );
            }
        }
    }
    open::remove_leftovers(folder, cache.storage())?;
    let mut unknown = scan::segments(folder)?;
    if !unknown.is_empty() {
        let rows = cache.index().in_folder(folder)?;
        unknown.retain(|name| !rows.iter().any(|row| row.name == *name));
        of.take_in(cache, unknown)?;
    }
    Ok(())
}

/// A folder of an asset.
struct Folder<'a> {
    path: &'a Path,
    store: String,
    asset: String,
    owner: String,
}

impl<'a> Folder<'a> {
    fn read(path: &'a Path) -> Option<Self> {
        let (store, asset) = asset_of(path)?;
        let owner = owner_of(path.parent()?)?;
        Some(Self {
            path,
            store,
            asset,
            owner,
        })
    }

    fn id(&self, cache: &Cache) -> Result<AssetId, RecordingError> {
        let now = cache.now().to_timestamp();
        Ok(cache.index().asset(&self.store, &self.asset, &self.owner, now)?)
    }

    fn take_in(&self, cache: &Cache, names: Vec<SegmentName>) -> Result<(), RecordingError> {
        if names.is_empty() {
            return Ok(());
        }
        let asset = self.id(cache)?;
        for name in names {
            // One rotten segment must not keep a camera from being recorded.
            let taken = match taking::take(cache.index(), asset, self.path, name.clone(), true) {
                Err(error @ RecordingError::Index(_)) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, segment = %name, "A segment in the cache is left alone");
                    continue;
                }
                Ok(taken) => taken,
            };
            let id = cache.seal(&self.store, &taken.row(asset, self.path))?;
            remove_if_stored(cache, id, self.path, &name)?;
        }
        Ok(())
    }
}

/// What its store has already needs no file here.
fn remove_if_stored(
    cache: &Cache,
    id: SegmentId,
    folder: &Path,
    name: &SegmentName,
) -> Result<(), RecordingError> {
    let row = cache.index().segment(id)?;
    if row.is_some_and(|row| row.state == SegmentState::Stored) {
        let path = folder.join(name.file(SEGMENT));
        cache
            .storage()
            .remove(&path)
            .map_err(RecordingError::io("remove", &path))?;
    }
    Ok(())
}

/// Rows whose file is gone become gaps; but not those on a disk that is away.
fn drop_missing(cache: &Cache, there: &dyn Fn(&Path) -> bool) -> Result<(), RecordingError> {
    let mut after = SegmentId(i64::MIN);
    loop {
        let rows = cache.index().with_files(after, PAGE)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.id;
        let missing = rows.iter().filter(|row| {
            row.folder.as_deref().is_some_and(|folder| {
                let file = folder.join(row.name.file(SEGMENT));
                there(folder) && matches!(std::fs::metadata(&file), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
            })
        });
        let missing: Vec<SegmentId> = missing.map(|row| row.id).collect();
        if !missing.is_empty() {
            tracing::warn!(
                segments = missing.len(),
                "Segments are gone from the cache: they are gaps now"
            );
            cache.drop_segments(&missing, GapReason::Damaged)?;
        }
    }
}
