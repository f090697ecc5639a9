//! Disks that fail, for tests: the operation that somebody chooses, or all of them.

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
