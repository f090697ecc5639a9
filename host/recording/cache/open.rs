//! Assets that are being written: one writer each.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use super::{AssetKey, AssetSpec, Cache, Writing, asset_folder, recover};
use crate::media::MediaTime;
use crate::recording::RecordingError;
use crate::recording::asset::{AssetWriter, Opened, name};
use crate::recording::index::{AssetId, GapReason};

impl AssetSpec {
    pub(super) fn key(&self) -> AssetKey {
        (self.store.clone(), self.name.clone())
    }
}

impl Cache {
    /// Begins to write an asset, or to append to it.
    ///
    /// # Errors
    /// When the name is not allowed, somebody writes the asset already, the disk is another one than it was, or it refuses.
    pub fn open_asset(self: &Arc<Self>, spec: AssetSpec) -> Result<AssetWriter, RecordingError> {
        name::check_asset(&spec.name)?;
        name::check_host(self.host())?;
        let dir = asset_folder(&spec.folder, &spec.store, &spec.name);
        self.take(&spec, &dir)?;
        match self.prepare(&spec, dir) {
            Ok(opened) => Ok(AssetWriter::new(Arc::clone(self), spec, opened)),
            Err(error) => {
                self.state().open.remove(&spec.key());
                Err(error)
            }
        }
    }

    fn take(&self, spec: &AssetSpec, dir: &Path) -> Result<(), RecordingError> {
        let mut state = self.state();
        if let Some(writing) = state.open.get(&spec.key()) {
            return Err(RecordingError::Locked {
                path: writing.folder.clone(),
                holder: "another recording of this host".to_owned(),
            });
        }
        let writing = Writing {
            folder: dir.to_owned(),
            epoch: 0,
            growing: None,
            recent: None,
        };
        state.open.insert(spec.key(), writing);
        Ok(())
    }

    fn prepare(&self, spec: &AssetSpec, dir: PathBuf) -> Result<Opened, RecordingError> {
        self.enter_place(&spec.folder)?;
        self.finish_unfinished(&dir);
        {
            let _folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
            self.storage()
                .create_dir_all(&dir)
                .map_err(RecordingError::io("create", &dir))?;
        }
        // A disk that was away when the host started may bring something along.
        recover::finish(self, &dir, true)?;
        self.count(&spec.folder)?;
        let now = self.now().to_timestamp();
        let asset = self.index().asset(&spec.store, &spec.name, &spec.owner, now)?;
        if let Some(writer) = self.index().writer(asset)? {
            recover::note_cut_off(self, &writer)?;
        }
        let counter = self.index().last_counter(asset, self.host())?;
        Ok(Opened {
            asset,
            dir,
            counter,
            cut_off: self.cut_off(asset)?,
        })
    }

    /// Where a crash has cut off the newest media of an asset, if one has.
    fn cut_off(&self, asset: AssetId) -> Result<Option<MediaTime>, RecordingError> {
        let last = self.index().last_gap(asset)?;
        let Some(gap) = last.filter(|gap| gap.reason == GapReason::Crash) else {
            return Ok(None);
        };
        let end = self.index().last_end(asset)?;
        Ok(end.is_none_or(|end| end < gap.end).then_some(gap.start))
    }

    /// Finishes what stands open in a folder that its writer cannot go on with.
    pub(in crate::recording) fn finish_what_is_left(&self, dir: &Path) -> Result<(), RecordingError> {
        recover::finish(self, dir, false)
    }

    /// What writers that have given up left behind.
    fn finish_unfinished(&self, own: &Path) {
        let unfinished = std::mem::take(&mut self.state().unfinished);
        for folder in unfinished {
            let writing = self.state().open.values().any(|writing| writing.folder == folder);
            if folder == own || !writing {
                recover::put_in_order(self, &folder, false);
            }
        }
    }

    /// A writer has begun an epoch.
    pub(in crate::recording) fn epoch_began(&self, spec: &AssetSpec, counter: u64) {
        if let Some(writing) = self.state().open.get_mut(&spec.key()) {
            writing.epoch = counter;
        }
    }

    /// A writer has closed its asset.
    pub(in crate::recording) fn closed(&self, spec: &AssetSpec, dir: &Path) {
        self.state().open.remove(&spec.key());
        self.is_not_held_full(&spec.folder);
        self.sealed(&spec.store).notify_one();
        if let Err(error) = self.tidy(dir) {
            tracing::warn!(folder = %dir.display(), %error, "A folder of the cache cannot be cleared away now");
        }
    }

    /// A writer has given up: what it left open is finished when something is opened the next time.
    pub(in crate::recording) fn left_unfinished(&self, spec: &AssetSpec, dir: &Path) {
        self.is_not_held_full(&spec.folder);
        let mut state = self.state();
        state.open.remove(&spec.key());
        if !state.unfinished.iter().any(|folder| folder == dir) {
            state.unfinished.push(dir.to_owned());
        }
    }
}
