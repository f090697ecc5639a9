//! The index made anew from the media: of the local store, of the cache, and of stores elsewhere.
//!
//! Invariants: the new one takes its place only when it is whole, and the old one stays beside it as `index.db.old`; making it
//! twice from the same media gives the same bytes. What media cannot tell (who recorded, what is held, why something is missing)
//! is carried over as far as the old index can be read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Handle;

use super::audit::asset_folders;
use crate::recording::asset::name::{SEGMENT, SegmentName, check_asset};
use crate::recording::asset::scan;
use crate::recording::cache::{asset_of, owner_of};
use crate::recording::index::{AssetId, FILE_NAME, Index, IndexError, NewSegment};
use crate::recording::storage::{Disk, Storage as _};
use crate::recording::store::{AssetStore, LOCAL, MAX_READ, ObjectInfo, StoreError};
use crate::recording::{RecordingError, adopt, taking};

/// Segments that are taken in with one commit.
const BATCH: usize = 500;
/// Where objects of stores elsewhere stand while they are read.
const SCRATCH: &str = "index.db.fetched";
/// What the old index is called afterwards.
pub const OLD: &str = "index.db.old";

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rebuilt {
    /// Assets in the new index.
    pub assets: u64,
    /// Segments in it.
    pub segments: u64,
    /// Segments that could not be read, and why.
    pub left_out: Vec<String>,
    /// Whether the old index could be read, for what only it knew.
    pub carried_over: bool,
    /// It was stopped: everything is as it was.
    pub interrupted: bool,
}

/// Where media is.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The state directory: the local store and the cache.
    pub state: &'a Path,
    /// Folders that sinks cache below, besides those that the old index knows.
    pub places: &'a [PathBuf],
    /// Stores elsewhere, by name: all of their media is read.
    pub stores: &'a BTreeMap<String, Arc<dyn AssetStore>>,
    /// Where their work is done. This thread must be one that may block.
    pub runtime: Handle,
}

/// Makes the index of a state directory anew.
///
/// # Errors
/// When a disk or a store refuses; then the old index stays in its place.
pub fn rebuild(
    sources: &Sources<'_>,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<Rebuilt, RecordingError> {
    let Sources { state, places, .. } = *sources;
    let building = state.join("index.db.building");
    let made = state.join("index.db.made");
    remove_database(&building)?;
    remove_database(&made)?;
    let mut out = Rebuilt::default();
    {
        let new = Index::open_to_build(&building)?;
        let path = state.join(FILE_NAME);
        // Opening makes one that is not there.
        let old = path.exists().then(|| Index::open(&path).ok()).flatten();
        let carried = old.as_ref().map(|old| carry_over(old, &new));
        out.carried_over = matches!(carried, Some(Ok(())));
        let mut work = Work {
            index: &new,
            out: &mut out,
            progress,
        };
        work.local(&state.join("assets"))?;
        let mut caches = new
            .places()?
            .into_iter()
            .map(|place| place.path)
            .collect::<Vec<_>>();
        caches.extend(places.iter().cloned());
        caches.push(state.join("cache"));
        caches.sort();
        caches.dedup();
        for place in &caches {
            work.cache(place)?;
        }
        for (store, objects) in sources.stores.iter().filter(|(store, _)| store.as_str() != LOCAL) {
            let fetch = Fetch {
                runtime: &sources.runtime,
                store,
                objects: &**objects,
                scratch: state.join(SCRATCH),
            };
            work.remote(&fetch)?;
        }
        // Otherwise the host would look for the recordings of an earlier version once more.
        new.set_fact(adopt::FACT, Timestamp::UNIX_EPOCH)?;
        if !out.interrupted {
            out.assets = new.assets()?.len() as u64;
            new.export(&made)?;
        }
    }
    remove_database(&building)?;
    if out.interrupted {
        return Ok(out);
    }
    swap(state, &made)?;
    Ok(out)
}

/// Who recorded, what is held, and why something is missing.
fn carry_over(old: &Index, new: &Index) -> Result<(), IndexError> {
    for place in old.places()? {
        new.set_place(&place)?;
    }
    // An index that cannot be read has a copy of them beside it, which the host takes in when it starts.
    for hold in old.holds()? {
        new.place_hold(&hold)?;
    }
    for asset in old.assets()? {
        let id = new.asset(&asset.store, &asset.name, &asset.owner, asset.created)?;
        for epoch in old.epochs(asset.id)? {
            // A counter must not come again, even when nothing is left of its epoch.
            new.begin_epoch(id, &epoch.epoch, epoch.opened)?;
        }
        for gap in old.all_gaps(asset.id)? {
            new.note_gap(id, &gap, Timestamp::UNIX_EPOCH)?;
        }
    }
    Ok(())
}

struct Work<'a> {
    index: &'a Index,
    out: &'a mut Rebuilt,
    progress: &'a mut dyn FnMut(u64) -> bool,
}

impl Work<'_> {
    fn local(&mut self, root: &Path) -> Result<(), RecordingError> {
        if !root.is_dir() {
            return Ok(());
        }
        let mut names = scan::list(root)?;
        names.sort();
        for name in names {
            let folder = root.join(&name);
            if check_asset(&name).is_ok() && folder.is_dir() && !folder.is_symlink() {
                self.folder(&folder, LOCAL, &name, None)?;
            }
        }
        Ok(())
    }

    fn cache(&mut self, place: &Path) -> Result<(), RecordingError> {
        for folder in asset_folders(place) {
            let owner = folder.parent().and_then(owner_of);
            if let (Some((store, name)), Some(owner)) = (asset_of(&folder), owner) {
                self.folder(&folder, &store, &name, Some(&owner))?;
            }
        }
        Ok(())
    }

    /// The segments of a folder: of the cache when there is an owner, otherwise of the local store.
    fn folder(
        &mut self,
        folder: &Path,
        store: &str,
        name: &str,
        owner: Option<&str>,
    ) -> Result<(), RecordingError> {
        let segments = scan::segments(folder)?;
        let Some(first) = segments.iter().map(|name| name.start).min() else {
            return Ok(());
        };
        let known = self.index.find_asset(store, name)?;
        let id = match (known, owner) {
            (Some(row), None) => row.id,
            (_, owner) => self
                .index
                .asset(store, name, owner.unwrap_or(""), first.to_timestamp())?,
        };
        for batch in segments.chunks(BATCH) {
            if !self.batch(id, folder, batch, owner.is_some())? {
                self.out.interrupted = true;
                break;
            }
        }
        Ok(())
    }

    /// What a store elsewhere has: its objects are fetched, one after the other.
    fn remote(&mut self, fetch: &Fetch<'_>) -> Result<(), RecordingError> {
        let fetched = fetch.begin().and_then(|()| {
            let assets = fetch.ask(fetch.objects.assets())?;
            for asset in assets.into_iter().filter(|name| check_asset(name).is_ok()) {
                self.remote_asset(fetch, &asset)?;
            }
            Ok(())
        });
        fetch.end();
        fetched
    }

    fn remote_asset(&mut self, fetch: &Fetch<'_>, asset: &str) -> Result<(), RecordingError> {
        let objects = fetch.ask(fetch.objects.list(asset))?;
        let mut segments: Vec<(SegmentName, &ObjectInfo)> = objects
            .iter()
            .filter_map(|object| Some((SegmentName::parse(object.name.strip_suffix(SEGMENT)?)?, object)))
            .collect();
        segments.sort_by_key(|(name, _)| (name.epoch.counter, name.start));
        let Some(first) = segments.iter().map(|(name, _)| name.start).min() else {
            return Ok(());
        };
        let id = match self.index.find_asset(fetch.store, asset)? {
            Some(row) => row.id,
            None => self.index.asset(fetch.store, asset, "", first.to_timestamp())?,
        };
        // A store may hold anything: no name leads out of the folder.
        let plain = |name: &str| !name.contains('/') && !name.starts_with('.');
        let inits = || {
            objects
                .iter()
                .filter(|object| object.name.ends_with(".mp4") && plain(&object.name))
        };
        for init in inits() {
            fetch.object(asset, init)?;
        }
        for (name, object) in segments {
            fetch.object(asset, object)?;
            let whole = self.batch(id, &fetch.scratch, &[name], false);
            fetch.remove(&object.name)?;
            if !whole? {
                self.out.interrupted = true;
                break;
            }
        }
        for init in inits() {
            fetch.remove(&init.name)?;
        }
        Ok(())
    }

    fn batch(
        &mut self,
        asset: AssetId,
        folder: &Path,
        names: &[SegmentName],
        cached: bool,
    ) -> Result<bool, RecordingError> {
        let mut taken = Vec::with_capacity(names.len());
        for name in names {
            if self.out.interrupted || !(self.progress)(self.out.segments + taken.len() as u64) {
                return Ok(false);
            }
            match taking::take(self.index, asset, folder, name.clone(), true) {
                Err(error @ RecordingError::Index(_)) => return Err(error),
                Err(error) => self.out.left_out.push(error.to_string()),
                Ok(one) => taken.push(one),
            }
        }
        let rows: Vec<NewSegment<'_>> = taken.iter().map(|one| one.row(asset, folder)).collect();
        if cached {
            for row in &rows {
                self.index.seal(row)?;
            }
        } else {
            self.index.adopt_all_stored(&rows)?;
        }
        self.out.segments += rows.len() as u64;
        Ok(true)
    }
}

/// Brings objects of a store to a folder of this machine, one at a time.
struct Fetch<'a> {
    runtime: &'a Handle,
    store: &'a str,
    objects: &'a dyn AssetStore,
    scratch: PathBuf,
}

impl Fetch<'_> {
    fn begin(&self) -> Result<(), RecordingError> {
        self.end();
        Disk.create_dir_all(&self.scratch)
            .map_err(RecordingError::io("create", &self.scratch))
    }

    /// What cannot be removed now is removed the next time.
    fn end(&self) {
        let _ = std::fs::remove_dir_all(&self.scratch);
    }

    fn ask<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, RecordingError> {
        self.runtime
            .block_on(asked)
            .map_err(|error| RecordingError::Store {
                message: format!("the store `{}` cannot be read: {error}", self.store),
            })
    }

    fn object(&self, asset: &str, object: &ObjectInfo) -> Result<(), RecordingError> {
        let path = self.scratch.join(&object.name);
        let mut file = Disk.open(&path).map_err(RecordingError::io("create", &path))?;
        let mut at = 0;
        while at < object.bytes {
            let range = at..object.bytes.min(at.saturating_add(MAX_READ));
            let got = self.ask(self.objects.get(asset, &object.name, Some(range)))?;
            if got.is_empty() {
                break;
            }
            file.write(at, &mut [std::io::IoSlice::new(&got)])
                .map_err(RecordingError::io("write", &path))?;
            at = at.saturating_add(got.len() as u64);
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), RecordingError> {
        let path = self.scratch.join(name);
        Disk.remove(&path).map_err(RecordingError::io("remove", &path))
    }
}

/// Removes a database with its log, if it is there.
fn remove_database(path: &Path) -> Result<(), RecordingError> {
    for ending in ["", "-wal", "-shm", "-journal"] {
        let mut file = path.as_os_str().to_owned();
        file.push(ending);
        let file = PathBuf::from(file);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(RecordingError::io("remove", &file)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Puts the new index in the place of the old one. The old one was closed, so that it has no log any more; the log of one that
/// could not be opened is worth nothing, and must not be taken for that of the new one.
fn swap(state: &Path, made: &Path) -> Result<(), RecordingError> {
    let index = state.join(FILE_NAME);
    for ending in ["-wal", "-shm"] {
        let log = state.join(format!("{FILE_NAME}{ending}"));
        match std::fs::remove_file(&log) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(RecordingError::io("remove", &log)(error));
            }
            _ => {}
        }
    }
    if index.exists() {
        std::fs::rename(&index, state.join(OLD)).map_err(RecordingError::io("rename", &index))?;
    }
    std::fs::rename(made, &index).map_err(RecordingError::io("rename", made))?;
    let folder = std::fs::File::open(state).and_then(|folder| folder.sync_all());
    folder.map_err(RecordingError::io("sync", state))
}
