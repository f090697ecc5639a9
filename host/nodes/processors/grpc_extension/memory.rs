//! The memory that a server is handed images in: a file of `/dev/shm`, which is what POSIX shared memory is on Linux.
//!
//! Invariants: a part that the server may still read is not written again; the memory goes when its session does, and what a
//! killed process has left is removed by the next one. Written as a file, which the server sees in its mapping, so that no
//! mapping of our own is needed.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Where POSIX shared memory lives (shm_overview(7)).
pub(super) const FOLDER: &str = "/dev/shm";
/// How our handles begin.
const PREFIX: &str = "mediagraph-";
/// What is not locked yet has a name that nobody sweeps up.
const UNFINISHED: &str = ".mediagraph-";
/// The owner and its group: frames are nobody else's business.
const MODE: u32 = 0o660;
/// Parts begin at multiples of this, as pixels like to.
const ALIGNMENT: u64 = 64;

/// A buffer for the images of one session.
#[derive(Debug)]
pub(super) struct Memory {
    file: File,
    path: PathBuf,
    handle: String,
    length: u64,
    /// The end of each part in use, by where it begins.
    used: BTreeMap<u64, u64>,
}

/// A part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) offset: u64,
    pub(super) length: u64,
}

impl Memory {
    /// So many bytes below `folder`. Takes memory only for what is written.
    pub(super) fn new(folder: &Path, length: u64) -> io::Result<Self> {
        sweep(folder);
        let id = uuid::Uuid::new_v4().simple().to_string();
        let handle = format!("{PREFIX}{id}");
        let (unfinished, path) = (folder.join(format!("{UNFINISHED}{id}")), folder.join(&handle));
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create_new(true)
            .mode(MODE)
            .open(&unfinished)?;
        let made = file
            .set_len(length)
            .and_then(|()| file.lock())
            .and_then(|()| std::fs::rename(&unfinished, &path));
        if let Err(error) = made {
            // Nothing more can be done about a file that stays.
            let _ = std::fs::remove_file(&unfinished);
            return Err(error);
        }
        Ok(Self {
            file,
            path,
            handle,
            length,
            used: BTreeMap::new(),
        })
    }

    /// What a server opens.
    pub(super) fn handle(&self) -> &str {
        &self.handle
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Writes an image into a free part; none while there is no room.
    pub(super) fn put(&mut self, image: &[u8]) -> io::Result<Option<Slot>> {
        let length = u64::try_from(image.len()).map_err(io::Error::other)?;
        let Some(offset) = self.room(length) else {
            return Ok(None);
        };
        self.file.write_all_at(image, offset)?;
        self.used.insert(offset, offset + length);
        Ok(Some(Slot { offset, length }))
    }

    /// The server has done with a part.
    pub(super) fn free(&mut self, slot: Slot) {
        self.used.remove(&slot.offset);
    }

    /// Where the first gap of this length begins.
    fn room(&self, length: u64) -> Option<u64> {
        let mut from = 0_u64;
        for (start, end) in &self.used {
            if start.saturating_sub(from) >= length {
                return Some(from);
            }
            from = end.checked_next_multiple_of(ALIGNMENT)?;
        }
        (self.length.checked_sub(from)? >= length).then_some(from)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "Shared memory is not removed");
        }
    }
}

/// Removes what no process holds any more.
fn sweep(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(file) = File::open(entry.path()) else {
            continue;
        };
        if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            // Another one may have been faster.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_used_again_only_once_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let mut memory = Memory::new(folder.path(), 300).unwrap();
        let put = |memory: &mut Memory, byte: u8, length: usize| memory.put(&vec![byte; length]).unwrap();
        let first = put(&mut memory, 1, 100).unwrap();
        let second = put(&mut memory, 2, 100).unwrap();
        assert_eq!((first.offset, second.offset), (0, 128));
        assert_eq!(put(&mut memory, 3, 100), None, "72 bytes are left");
        assert_eq!(put(&mut memory, 3, 301), None);
        memory.free(first);
        let third = put(&mut memory, 3, 60).unwrap();
        assert_eq!(third.offset, 0);
        let seen = std::fs::read(folder.path().join(memory.handle())).unwrap();
        assert_eq!(
            (seen.len(), seen[0], seen[59], seen[60], seen[128]),
            (300, 3, 3, 1, 2)
        );
    }

    #[test]
    fn the_memory_goes_with_its_session_and_what_a_killed_process_left_goes_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let count = || std::fs::read_dir(folder.path()).unwrap().count();
        let memory = Memory::new(folder.path(), 64).unwrap();
        std::fs::write(folder.path().join("mediagraph-left"), b"x").unwrap();
        std::fs::write(folder.path().join("somebody-elses"), b"x").unwrap();
        let other = Memory::new(folder.path(), 64).unwrap();
        assert_eq!(count(), 3, "both, and what is not ours");
        drop((memory, other));
        assert_eq!(count(), 1);
    }
}
