//! One writer per asset: an advisory lock that dies with its process, and a name that outlives it.
//!
//! The operating system's lock tells two processes, or two writers in one, apart. The content tells hosts apart
//! where the folder is on a network: it stays behind when a host dies and is emptied on a clean close.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::recording::RecordingError;
use crate::recording::storage::OWNER_ONLY_FILE;

const NAME: &str = ".lock";
const MAX_CONTENT: u64 = 4096;

/// Held while an asset is written.
#[derive(Debug)]
pub(in crate::recording) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    pub(in crate::recording) fn take(dir: &Path, host: &str) -> Result<Self, RecordingError> {
        let path = dir.join(NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(OWNER_ONLY_FILE)
            .open(&path)
            .map_err(RecordingError::io("open", &path))?;
        let locked = file.try_lock();
        let mut content = Vec::new();
        (&file)
            .take(MAX_CONTENT)
            .read_to_end(&mut content)
            .map_err(RecordingError::io("read", &path))?;
        let content = String::from_utf8_lossy(&content);
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(RecordingError::Locked {
                    path: dir.to_owned(),
                    holder: describe(&content),
                });
            }
            Err(TryLockError::Error(source)) => return Err(RecordingError::io("lock", &path)(source)),
        }
        // A holder of this host that has let go of the lock is dead: its place is taken over.
        if let Some(owner) = owner(&content).filter(|owner| *owner != host) {
            return Err(RecordingError::OtherHost {
                path: dir.to_owned(),
                holder: format!("`{owner}`"),
                lock: path,
            });
        }
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(format!("{host} {}\n", std::process::id()).as_bytes()))
            // Whose it is must be so after a power cut, too, before anything stands beside it.
            .and_then(|()| file.sync_all())
            .map_err(RecordingError::io("write", &path))?;
        Ok(Self { file, path })
    }

    /// Whether the file that is locked still has its name: folders can be taken away, and volumes can be swapped.
    pub(in crate::recording) fn is_current(&self) -> bool {
        let named = std::fs::metadata(&self.path);
        let held = self.file.metadata();
        matches!((named, held), (Ok(named), Ok(held)) if (named.dev(), named.ino()) == (held.dev(), held.ino()))
    }

    /// Says that no host writes here any more.
    pub(in crate::recording) fn release(&self) -> Result<(), RecordingError> {
        self.file
            .set_len(0)
            .and_then(|()| self.file.sync_all())
            .map_err(RecordingError::io("empty", &self.path))
    }
}

/// The host that a lock names. What is no name was never synced: a power cut came before its host had written anything here,
/// and it is nobody's.
fn owner(content: &str) -> Option<&str> {
    let owner = content.split_whitespace().next()?;
    owner
        .chars()
        .all(|letter| letter.is_ascii_graphic())
        .then_some(owner)
}

fn describe(content: &str) -> String {
    let mut words = content.split_whitespace();
    match (words.next(), words.next()) {
        (Some(host), Some(process)) => format!("process {process} of the host `{host}`"),
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_a_power_cut_garbled_is_nobodys() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        for garbled in [&b"66c3bfe2\0 7008\n"[..], &[0; 14], &[0xff, 0xfe, b' ']] {
            std::fs::write(&path, garbled).unwrap();
            drop(Lock::take(folder.path(), "box").unwrap());
            let now = std::fs::read_to_string(&path).unwrap();
            assert!(now.starts_with("box "), "{now}");
        }
        std::fs::write(&path, "other 12\n").unwrap();
        let refused = Lock::take(folder.path(), "box").unwrap_err().to_string();
        assert!(refused.contains("other"), "{refused}");
    }
}
