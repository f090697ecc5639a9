//! What goes from the cache: files of segments, then init segments that nothing here needs, then empty folders.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::Cache;
use crate::media::TrackKind;
use crate::recording::RecordingError;
use crate::recording::asset::name::{AUDIO_PART, Epoch, SEGMENT, VIDEO_PART};
use crate::recording::asset::scan;
use crate::recording::index::Dropped;

impl Cache {
    /// Removes the files of segments that need none here any more. They are garbage in the index until they are gone, so what
    /// fails is tried again with the next ones, and at the next start.
    pub(super) fn let_go(&self, segments: &[Dropped]) {
        let mut files = std::mem::take(&mut self.state().garbage);
        for one in segments {
            if let Some(file) = &one.file {
                files.push(file.clone());
                self.count_gone(one);
            }
        }
        if let Err(error) = self.remove_garbage(files) {
            tracing::warn!(%error, "A file that is needed no more cannot be removed now");
        }
    }

    pub(super) fn remove_garbage(&self, files: Vec<PathBuf>) -> Result<(), RecordingError> {
        let mut folders = BTreeSet::new();
        let mut removed = Vec::new();
        let mut failed = Ok(());
        for file in files {
            match self.storage().remove(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    failed = Err(RecordingError::io("remove", &file)(error));
                    self.state().garbage.push(file);
                }
                _ => {
                    folders.extend(file.parent().map(Path::to_owned));
                    removed.push(file);
                }
            }
        }
        for folder in &folders {
            match self.storage().sync_dir(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(RecordingError::io("sync", folder)(error));
                }
                _ => {}
            }
        }
        if !removed.is_empty() {
            self.index().removed(&removed)?;
        }
        for folder in &folders {
            self.tidy(folder)?;
        }
        failed
    }

    /// Removes the init segments of epochs that have nothing in a folder any more, and the folder when it is empty.
    pub(super) fn tidy(&self, folder: &Path) -> Result<(), RecordingError> {
        let _folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let names = match scan::list(folder) {
            Ok(names) => names,
            Err(RecordingError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let media = |name: &String| [VIDEO_PART, AUDIO_PART].iter().any(|end| name.ends_with(end));
        let written = {
            let state = self.state();
            let writing = state.open.values().find(|writing| writing.folder == folder);
            writing.map(|writing| writing.epoch)
        };
        if written.is_none() && names.iter().any(media) {
            // A writer has given up here: the rest is finished later.
            return Ok(());
        }
        let needed = self.index().epochs_in_folder(folder)?;
        // A sealed file whose row has not been written yet needs its init segment, too.
        let sealed = names
            .iter()
            .filter_map(|name| scan::epoch_of_segment(name.strip_suffix(SEGMENT)?));
        let needed: BTreeSet<Epoch> = needed.into_iter().chain(sealed).collect();
        let mut left = names.len();
        for name in &names {
            let Some(epoch) = epoch_of_init(name) else {
                continue;
            };
            let current = written.is_some_and(|current| epoch.counter >= current);
            if !current && !needed.contains(&epoch) {
                let path = folder.join(name);
                self.storage()
                    .remove(&path)
                    .map_err(RecordingError::io("remove", &path))?;
                left -= 1;
            }
        }
        if left == 0 && written.is_none() {
            self.storage()
                .remove_dir(folder)
                .map_err(RecordingError::io("remove", folder))?;
        }
        Ok(())
    }
}

/// The epoch of an init segment.
pub(super) fn epoch_of_init(name: &str) -> Option<Epoch> {
    [TrackKind::Video, TrackKind::Audio].into_iter().find_map(|kind| {
        let epoch = Epoch::parse(name.split('.').next()?)?;
        (epoch.init(kind) == name).then_some(epoch)
    })
}
