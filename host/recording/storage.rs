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
pub(crate) mod failing {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Fails one operation, the n-th: writes leave half of their bytes behind. Or all from the n-th on, until it is mended; or
    /// those that somebody names. Keeps what was done with what it was done to.
    #[derive(Clone, Debug)]
    pub(crate) struct Failing {
        left: Arc<AtomicI64>,
        kind: io::ErrorKind,
        all: Arc<AtomicBool>,
        refused: Arc<Mutex<Option<(&'static str, PathBuf)>>>,
        done: Arc<Mutex<Vec<(&'static str, PathBuf)>>>,
    }

    impl Failing {
        pub(crate) fn at(operation: i64) -> Self {
            Self::with(operation, io::ErrorKind::Other)
        }

        pub(crate) fn with(operation: i64, kind: io::ErrorKind) -> Self {
            Self {
                left: Arc::new(AtomicI64::new(operation)),
                kind,
                all: Arc::default(),
                refused: Arc::default(),
                done: Arc::default(),
            }
        }

        /// From now on everything fails, or everything works.
        pub(crate) fn break_down(&self, broken: bool) {
            self.all.store(broken, Ordering::SeqCst);
        }

        /// From now on this operation fails on this path; or none does.
        pub(crate) fn refuse(&self, refused: Option<(&'static str, PathBuf)>) {
            *self.refused.lock().unwrap() = refused;
        }

        /// What was done since somebody asked, without writing: renames and second names by what they make.
        pub(crate) fn take_done(&self) -> Vec<(&'static str, PathBuf)> {
            std::mem::take(&mut self.done.lock().unwrap())
        }

        /// Everything works; only syncing is left out.
        pub(crate) fn never() -> Self {
            Self::at(i64::MAX)
        }

        /// False when fewer operations than asked for were done, so nothing has failed.
        pub(crate) fn has_failed(&self) -> bool {
            self.left.load(Ordering::SeqCst) < 0
        }

        fn count(&self) -> io::Result<()> {
            if self.left.fetch_sub(1, Ordering::SeqCst) == 0 || self.all.load(Ordering::SeqCst) {
                return Err(self.kind.into());
            }
            Ok(())
        }

        fn note(&self, operation: &'static str, path: &Path) -> io::Result<()> {
            self.count()?;
            let done = (operation, path.to_owned());
            if self.refused.lock().unwrap().as_ref() == Some(&done) {
                return Err(self.kind.into());
            }
            self.done.lock().unwrap().push(done);
            Ok(())
        }

        fn file(&self, path: &Path, inner: Box<dyn StorageFile>) -> Box<dyn StorageFile> {
            Box::new(FailingFile {
                inner,
                path: path.to_owned(),
                counter: self.clone(),
            })
        }
    }

    impl Storage for Failing {
        fn create_dir(&self, path: &Path) -> io::Result<()> {
            self.count()?;
            Disk.create_dir(path)
        }
        fn create_new(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
            self.count()?;
            Ok(self.file(path, Disk.create_new(path)?))
        }
        fn open(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
            self.count()?;
            Ok(self.file(path, Disk.open(path)?))
        }
        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.note("rename", to)?;
            Disk.rename(from, to)
        }
        fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.note("hard_link", to)?;
            Disk.hard_link(from, to)
        }
        fn remove(&self, path: &Path) -> io::Result<()> {
            self.note("remove", path)?;
            Disk.remove(path)
        }
        fn remove_dir(&self, path: &Path) -> io::Result<()> {
            self.count()?;
            Disk.remove_dir(path)
        }
        fn sync_dir(&self, path: &Path) -> io::Result<()> {
            // Counted, not done: no test cuts the power, and thousands of them would take minutes.
            self.note("sync_dir", path)
        }
    }

    #[derive(Debug)]
    struct FailingFile {
        inner: Box<dyn StorageFile>,
        path: PathBuf,
        counter: Failing,
    }

    impl StorageFile for FailingFile {
        fn write(&mut self, at: u64, parts: &mut [IoSlice<'_>]) -> io::Result<()> {
            if let Err(error) = self.counter.count() {
                let half = parts.len().div_ceil(2);
                self.inner.write(at, &mut parts[..half])?;
                return Err(error);
            }
            self.inner.write(at, parts)
        }
        fn truncate(&mut self, length: u64) -> io::Result<()> {
            self.counter.count()?;
            self.inner.truncate(length)
        }
        fn sync(&mut self) -> io::Result<()> {
            self.counter.note("sync", &self.path)
        }
        fn append_file(&mut self, at: u64, from: &Path, length: u64) -> io::Result<()> {
            if let Err(error) = self.counter.count() {
                self.inner.append_file(at, from, length / 2)?;
                return Err(error);
            }
            self.inner.append_file(at, from, length)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn recordings_are_private_to_their_owner() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("deep/assets");
        Disk.create_dir_all(&dir).unwrap();
        drop(Disk.create_new(&dir.join("new")).unwrap());
        drop(Disk.open(&dir.join("opened")).unwrap());
        let mode = |path: &str| fs::metadata(root.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(["deep", "deep/assets"].map(mode), [0o700; 2]);
        assert_eq!(["deep/assets/new", "deep/assets/opened"].map(mode), [0o600; 2]);
    }

    /// Says what is made and synced; does it on the disk.
    #[derive(Debug, Default)]
    struct Logged(Mutex<Vec<String>>);

    impl Logged {
        fn note(&self, what: &str, path: &Path) {
            let name = path.file_name().unwrap().to_string_lossy();
            self.0.lock().unwrap().push(format!("{what} {name}"));
        }

        fn taken(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl Storage for Logged {
        fn create_dir(&self, path: &Path) -> io::Result<()> {
            self.note("create", path);
            Disk.create_dir(path)
        }
        fn sync_dir(&self, path: &Path) -> io::Result<()> {
            self.note("sync", path);
            Disk.sync_dir(path)
        }
        fn create_new(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
            Disk.create_new(path)
        }
        fn open(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
            Disk.open(path)
        }
        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            Disk.rename(from, to)
        }
        fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
            Disk.hard_link(from, to)
        }
        fn remove(&self, path: &Path) -> io::Result<()> {
            Disk.remove(path)
        }
        fn remove_dir(&self, path: &Path) -> io::Result<()> {
            Disk.remove_dir(path)
        }
    }

    #[test]
    fn each_new_directory_is_safe_in_its_parent_before_anything_is_made_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        let base = folder.path().file_name().unwrap().to_string_lossy().into_owned();
        let storage = Logged::default();
        storage.create_dir_all(&root.join("a/b/c")).unwrap();
        let expected = [
            &*format!("sync {base}"),
            "create a",
            "sync root",
            "create b",
            "sync a",
            "create c",
            "sync b",
        ];
        assert_eq!(storage.taken(), expected);
        // One that is there may have been made by somebody who was killed before it was synced.
        storage.create_dir_all(&root.join("a/b")).unwrap();
        assert_eq!(storage.taken(), ["sync a"]);
        fs::write(root.join("file"), "").unwrap();
        assert!(storage.create_dir_all(&root.join("file")).is_err());
        assert!(storage.create_dir_all(&root.join("file/below")).is_err());
    }
}
