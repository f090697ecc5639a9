//! What an earlier version recorded: it wrote assets where the local store has them, without an index.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::RecordingError;
use super::asset::name::{self, Epoch, SEGMENT, SegmentName};
use super::asset::{recover, scan};
use super::index::{AssetId, Index, NewSegment};
use super::storage::Storage;
use super::store::LOCAL;
use super::taking::{self, Taken};

/// What the index says of it once it is done.
pub(super) const FACT: &str = "assets of format 2 are in the index";
/// Held the counter of epochs.
const COUNTER: &str = ".epoch";
/// Segments that are taken in with one commit.
const BATCH: usize = 500;

/// Takes the assets below a folder into the index, as what the local store has. Once; later calls do nothing.
///
/// # Errors
/// When the index or the folder cannot be used. Trouble with one asset is logged and keeps no other from being taken in.
pub fn adopt(
    index: &Index,
    root: &Path,
    host: &str,
    storage: &dyn Storage,
    now: Timestamp,
) -> Result<(), RecordingError> {
    if index.is_fact(FACT)? {
        return Ok(());
    }
    let mut segments = 0;
    for (name, dir) in assets(root)? {
        match adopt_asset(index, &name, &dir, host, storage, now) {
            Err(error @ RecordingError::Index(_)) => return Err(error),
            Err(error) => tracing::warn!(asset = name, %error, "A recording cannot be taken into the index"),
            Ok(count) => segments += count,
        }
    }
    if segments > 0 {
        tracing::info!(
            segments,
            "The recordings of an earlier version are in the index now"
        );
    }
    Ok(index.set_fact(FACT, now)?)
}

fn assets(root: &Path) -> Result<Vec<(String, PathBuf)>, RecordingError> {
    let entries = match std::fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(RecordingError::io("list", root)(error)),
    };
    let mut assets = Vec::new();
    for entry in entries {
        let entry = entry.map_err(RecordingError::io("list", root))?;
        // Not through links: what they lead to is not ours.
        let folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if let Some(name) = entry.file_name().to_str().filter(|_| folder)
            && name::check_asset(name).is_ok()
        {
            assets.push((name.to_owned(), entry.path()));
        }
    }
    assets.sort();
    Ok(assets)
}

fn adopt_asset(
    index: &Index,
    asset: &str,
    dir: &Path,
    host: &str,
    storage: &dyn Storage,
    now: Timestamp,
) -> Result<usize, RecordingError> {
    // That version may have been cut off, too.
    for name in recover::open_segments(dir)? {
        match recover::sound(dir, &name)? {
            Some(parts) => drop(recover::finish(dir, name, parts, storage)?),
            None => recover::discard(dir, &name, storage)?,
        }
    }
    recover::remove_leftovers(dir, storage)?;
    let names = scan::segments(dir)?;
    let counter = noted_counter(dir);
    if names.is_empty() && counter == 0 {
        return Ok(0);
    }
    let id = index.asset(LOCAL, asset, "", now)?;
    for batch in names.chunks(BATCH) {
        let taken = take_batch(index, id, dir, batch)?;
        let rows: Vec<NewSegment<'_>> = taken.iter().map(|one| one.row(id, dir)).collect();
        index.adopt_all_stored(&rows)?;
    }
    if counter > index.last_counter(id, host)? {
        // Begun and never written to, or its media is gone: its name must not come again.
        let epoch = Epoch {
            host: host.to_owned(),
            counter,
        };
        index.begin_epoch(id, &epoch, now)?;
    }
    Ok(names.len())
}

fn take_batch(
    index: &Index,
    asset: AssetId,
    dir: &Path,
    names: &[SegmentName],
) -> Result<Vec<Taken>, RecordingError> {
    let mut taken = Vec::with_capacity(names.len());
    for name in names {
        // All of it was read before it was sealed; years of recordings are not read again for their hashes.
        match taking::take(index, asset, dir, name.clone(), false) {
            Err(error @ RecordingError::Index(_)) => return Err(error),
            Err(error) => {
                let file = name.file(SEGMENT);
                tracing::warn!(%error, file, "A segment is not taken into the index");
            }
            Ok(one) => taken.push(one),
        }
    }
    Ok(taken)
}

fn noted_counter(dir: &Path) -> u64 {
    let noted = std::fs::read_to_string(dir.join(COUNTER)).ok();
    noted.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}
