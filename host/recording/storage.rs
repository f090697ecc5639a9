//! The file operations of recording, behind a trait: tests make the n-th one fail, later work can log them.
//!
//! Only what changes a disk is here; reading goes through `std::fs`.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt as _, OpenOptionsExt};
use std::path::Path;

/// What a camera saw is nobody's business but the owner's.
const OWNER_ONLY_DIR: u32 = 0o700;
pub(super) const OWNER_ONLY_FILE: u32 = 0o600;

/// Changes directories.
pub trait Storage: Send + Sync + fmt::Debug {
    /// Creates one directory.
    ///
    /// # Errors
    /// As the operating system says; `AlreadyExists` when something is there.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Creates a directory and its parents so that they survive a power cut: the parent of each new one is synced before
    /// anything is made in it. So is the parent of the innermost one that is there: whoever made it may have been killed
    /// before that.
    ///
    /// # Errors
    /// As the operating system says.
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let levels = path.ancestors().filter(|level| !level.as_os_str().is_empty());
        let mut missing = Vec::new();
        for level in levels {
            if level.is_dir() {
                self.sync_entry(level)?;
                break;
            }
            missing.push(level);
        }
        for level in missing.into_iter().rev() {
            match self.create_dir(level) {
                // Somebody else was faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && level.is_dir() => {}
                created => created?,
            }
            self.sync_entry(level)?;
        }
        Ok(())
    }

    /// Makes a directory's entry in its parent survive a power cut. A parent that may not be read cannot be synced, and is
    /// not ours.
    ///
    /// # Errors
    /// As the operating system says.
    fn sync_entry(&self, path: &Path) -> io::Result<()> {
        let parent = match path.parent() {
            None => return Ok(()),
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
        };
        match self.sync_dir(parent) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        }
    }

    /// Opens a file for writing, which must not exist.
    ///
    /// # Errors
    /// As the operating system says; `AlreadyExists` when it does.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn StorageFile>>;

    /// Opens a file for writing, which may exist; keeps its content.
    ///
    /// # Errors
    /// As the operating system says.
    fn open(&self, path: &Path) -> io::Result<Box<dyn StorageFile>>;

    /// Gives a file another name, and replaces what had it.
    ///
    /// # Errors
    /// As the operating system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name, which must not be there.
    ///
    /// # Errors
    /// As the operating system says; `AlreadyExists` when the name is there.
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the operating system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes a folder that is empty.
    ///
    /// # Errors
    /// As the operating system says.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes what was created, renamed and removed in a directory survive a power cut.
    ///
    /// # Errors
    /// As the operating system says.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// Changes one file.
pub trait StorageFile: Send + fmt::Debug {
    /// Writes all of `parts` one behind the other, from byte `at` on. May write a part of them and fail.
    ///
    /// # Errors
    /// As the operating system says.
    fn write(&mut self, at: u64, parts: &mut [IoSlice<'_>]) -> io::Result<()>;

    /// Cuts the file to a length.
    ///
    /// # Errors
    /// As the operating system says.
    fn truncate(&mut self, length: u64) -> io::Result<()>;

    /// Makes the content survive a power cut.
    ///
    /// # Errors
    /// As the operating system says.
    fn sync(&mut self) -> io::Result<()>;

    /// Appends the first `length` bytes of another file from byte `at` on.
    ///
    /// # Errors
    /// As the operating system says, or when the other file is shorter.
    fn append_file(&mut self, at: u64, from: &Path, length: u64) -> io::Result<()>;
}

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Storage for Disk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(OWNER_ONLY_DIR).create(path)
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(OWNER_ONLY_FILE)
            .open(path)?;
        Ok(Box::new(DiskFile { file }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(OWNER_ONLY_FILE)
            .open(path)?;
        Ok(Box::new(DiskFile { file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

#[derive(Debug)]
struct DiskFile {
    file: File,
}

impl StorageFile for DiskFile {
    fn write(&mut self, at: u64, mut parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(at))?;
        IoSlice::advance_slices(&mut parts, 0);
        while !parts.is_empty() {
            match self.file.write_vectored(parts) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut parts, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn append_file(&mut self, at: u64, from: &Path, length: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(at))?;
        let copied = io::copy(&mut io::Read::take(File::open(from)?, length), &mut self.file)?;
        if copied == length {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

/// Which file stands at a path, by device and inode; none when the operating system does not say.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Whether a file that was opened there still stands at a path. One that cannot be asked for may.
pub(super) fn is_still(path: &Path, known: Option<(u64, u64)>) -> bool {
    match fs::metadata(path) {
        Ok(found) => known.is_none_or(|known| known == (found.dev(), found.ino())),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Writes a small file so that its name holds the old content or the new, never a part of it.
///
/// # Errors
/// As the operating system says.
pub fn replace(storage: &dyn Storage, path: &Path, parts: &[&[u8]], durable: bool) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = storage.open(&temporary)?;
    file.truncate(0)?;
    let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    file.write(0, &mut slices)?;
    if durable {
        file.sync()?;
    }
    drop(file);
    storage.rename(&temporary, path)
}

#[cfg(test)]
pub(crate) mod failing;

#[cfg(test)]
mod tests;
