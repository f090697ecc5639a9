//! How much a sink's own files may take, and the record of which files are its own.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::place;
use crate::recording::storage::{Storage, replace};
use crate::recording::{Notice, RecordingError};

/// The largest record that is read, in bytes.
const MAX_RECORD: u64 = 64 << 20;

/// A sink's own files, oldest first.
#[derive(Debug)]
pub struct Quota {
    directory: PathBuf,
    record: PathBuf,
    limit: Option<u64>,
    files: VecDeque<(String, u64)>,
}

impl Quota {
    /// Reads the sink's record. Files that are gone are forgotten.
    ///
    /// # Errors
    /// When the disk refuses, or the owner's name cannot be a part of a file name.
    pub fn open(
        directory: &Path,
        owner: &str,
        maximum_size_mib: Option<u64>,
        storage: &dyn Storage,
    ) -> Result<Self, RecordingError> {
        if owner.is_empty() || !owner.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
            return Err(RecordingError::FileName {
                name: owner.to_owned(),
                reason: "the owner of files must be letters, digits, `-` or `_`",
            });
        }
        storage
            .create_dir_all(directory)
            .map_err(RecordingError::io("create", directory))?;
        let record = directory.join(format!(".mediagraph-{owner}.files"));
        let mut quota = Self {
            directory: directory.to_owned(),
            limit: maximum_size_mib.map(|mib| mib.saturating_mul(1 << 20)),
            files: VecDeque::new(),
            record,
        };
        quota.load()?;
        Ok(quota)
    }

    /// How much all files may take, in bytes.
    pub(super) fn limit(&self) -> Option<u64> {
        self.limit
    }

    fn load(&mut self) -> Result<(), RecordingError> {
        let size = std::fs::metadata(&self.record).map_or(0, |metadata| metadata.len());
        if size == 0 || size > MAX_RECORD {
            return Ok(());
        }
        let text = std::fs::read_to_string(&self.record).map_err(RecordingError::io("read", &self.record))?;
        for name in text.lines().filter(|name| place::check(name).is_ok()) {
            let path = self.directory.join(name);
            let inside = path
                .parent()
                .is_some_and(|parent| place::confine(&self.directory, parent, name).is_ok());
            // `symlink_metadata`: a link that took the file's place is not ours.
            let metadata = std::fs::symlink_metadata(&path)
                .ok()
                .filter(std::fs::Metadata::is_file);
            if let Some(metadata) = metadata.filter(|_| inside) {
                self.files.push_back((name.to_owned(), metadata.len()));
            }
        }
        Ok(())
    }

    /// Notes that a file is the sink's own.
    pub(super) fn record(&mut self, path: &Path, storage: &dyn Storage) -> Result<(), RecordingError> {
        let Some(name) = path.strip_prefix(&self.directory).ok().and_then(Path::to_str) else {
            return Ok(());
        };
        self.files.push_back((name.to_owned(), 0));
        let saved = self.save(storage);
        if saved.is_err() {
            self.files.pop_back();
        }
        saved
    }

    fn save(&self, storage: &dyn Storage) -> Result<(), RecordingError> {
        let text: String = self.files.iter().map(|(name, _)| format!("{name}\n")).collect();
        replace(storage, &self.record, &[text.as_bytes()], true)
            .map_err(RecordingError::io("write", &self.record))
    }

    /// Removes the oldest files until the limit holds; never the one that is being written.
    pub(super) fn enforce(
        &mut self,
        current: Option<(&Path, u64)>,
        storage: &dyn Storage,
    ) -> Result<Vec<Notice>, RecordingError> {
        if let (Some((_, length)), Some(newest)) = (current, self.files.back_mut()) {
            newest.1 = length;
        }
        let mut removed = Vec::new();
        while self.limit.is_some_and(|limit| self.total() > limit) && self.files.len() > 1 {
            let Some((name, bytes)) = self.files.front().cloned() else {
                break;
            };
            let path = self.directory.join(&name);
            match storage.remove(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(RecordingError::io("remove", &path)(error));
                }
                _ => {}
            }
            self.files.pop_front();
            removed.push(Notice::Removed { path, bytes });
        }
        if !removed.is_empty() {
            self.save(storage)?;
        }
        Ok(removed)
    }

    fn total(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| bytes).sum()
    }
}
