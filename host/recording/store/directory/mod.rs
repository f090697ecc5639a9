//! A store in a folder: an asset is a folder in it.
//!
//! Invariants: a name holds all of its content or is not there; what was put is on the disk, and so is its name; playlists, and what
//! was taken away, are so once they are settled; no name leads out of the root. A segment of the cache that is on the same file
//! system gets a second name; otherwise it is copied. What a crash left half written goes when the asset is claimed.
//!
//! A disk that hangs holds up at most [`MAX_AT_ONCE`] threads.

mod put;
mod remains;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;

use super::{AssetStore, Content, MAX_READ, ObjectInfo, Put, StoreError, StoreErrorKind, Writer, time_limit};
use crate::recording::RecordingError;
use crate::recording::asset::lock::Lock;
use crate::recording::asset::name::check_asset;
use crate::recording::blocking::blocking;
use crate::recording::storage::{Storage, replace};

/// Threads that work on the folder at the same time; a disk that hangs gets no more of them.
const MAX_AT_ONCE: usize = 4;
/// Objects of an asset that are listed; a camera makes a million in a year.
const MAX_LISTED: usize = 8 << 20;
/// Longest name within an asset, in bytes.
const MAX_OBJECT_NAME: usize = 255;

/// Keeps recordings in a folder.
#[derive(Debug)]
pub struct DirectoryStore {
    shared: Arc<Shared>,
    turns: Arc<Semaphore>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    storage: Arc<dyn Storage>,
    locks: Mutex<HashMap<String, Claimed>>,
}

/// Whose an asset is.
#[derive(Debug)]
struct Claimed {
    host: String,
    lock: Lock,
}

impl DirectoryStore {
    /// Nothing is made or looked at until something is put.
    #[must_use]
    pub fn new(root: PathBuf, storage: Arc<dyn Storage>) -> Self {
        Self {
            shared: Arc::new(Shared {
                root,
                storage,
                locks: Mutex::default(),
            }),
            turns: Arc::new(Semaphore::new(MAX_AT_ONCE)),
        }
    }

    /// Works on a thread that may block, one of a few, and gives up on a disk that takes too long over so many bytes.
    fn work<T: Send + 'static>(
        &self,
        bytes: u64,
        work: impl FnOnce(&Shared) -> Result<T, StoreError> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, StoreError>> {
        let (shared, turns) = (Arc::clone(&self.shared), Arc::clone(&self.turns));
        let limit = time_limit(bytes);
        let late = format!(
            "`{}` did not do its work within {} s\nhint: look at the health of this disk, or at the connection to it",
            self.location(),
            limit.as_secs()
        );
        let working = async move {
            let other = |error: &dyn std::fmt::Display| {
                StoreError::new(StoreErrorKind::Other, format!("the store failed: {error}"))
            };
            let turn = turns.acquire_owned().await.map_err(|error| other(&error))?;
            let working = move || {
                let _turn = turn;
                work(&shared)
            };
            let done = blocking(working).await;
            done.unwrap_or_else(|error| Err(other(&error)))
        };
        let within = tokio::time::timeout(limit, working);
        within
            .map(|done| done.unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::Unreachable, late))))
            .boxed()
    }
}

impl Shared {
    fn folder(&self, asset: &str) -> Result<PathBuf, StoreError> {
        check_asset(asset).map_err(|error| StoreError::new(StoreErrorKind::Other, error.to_string()))?;
        Ok(self.root.join(asset))
    }

    fn object(&self, asset: &str, name: &str) -> Result<PathBuf, StoreError> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let sound = !name.starts_with('.') && name.len() <= MAX_OBJECT_NAME && name.chars().all(plain);
        if sound && !name.is_empty() {
            return Ok(self.folder(asset)?.join(name));
        }
        let message = format!("`{}` names nothing in a recording", name.escape_debug());
        Err(StoreError::new(StoreErrorKind::Other, message))
    }

    fn claim(&self, asset: &str, writer: &Writer) -> Result<(), StoreError> {
        let folder = self.folder(asset)?;
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        match locks.get(asset) {
            Some(claimed) if claimed.lock.is_current() && claimed.host == writer.host => return Ok(()),
            // Of another host in this very process: the operating system's lock says no below.
            Some(claimed) if claimed.lock.is_current() => {}
            _ => drop(locks.remove(asset)),
        }
        self.storage
            .create_dir_all(&folder)
            .map_err(failed("create", &folder))?;
        let lock = Lock::take(&folder, &writer.host).map_err(refused)?;
        self.storage
            .sync_dir(&self.root)
            .map_err(failed("sync", &self.root))?;
        remains::remove(self.storage.as_ref(), &folder);
        let host = writer.host.clone();
        locks.insert(asset.to_owned(), Claimed { host, lock });
        Ok(())
    }

    fn release(&self, asset: &str, writer: &Writer) -> Result<(), StoreError> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        match locks.get(asset) {
            Some(claimed) if claimed.host != writer.host => return Ok(()),
            Some(claimed) if claimed.lock.is_current() => claimed.lock.release().map_err(refused)?,
            _ => {}
        }
        locks.remove(asset);
        Ok(())
    }

    fn put_index(&self, asset: &str, name: &str, text: &Bytes) -> Result<(), StoreError> {
        let path = self.object(asset, name)?;
        replace(self.storage.as_ref(), &path, &[text], false).map_err(failed("write", &path))
    }

    fn settle(&self, asset: &str, names: &[String]) -> Result<(), StoreError> {
        for name in names {
            let path = self.object(asset, name)?;
            // Opening it to sync it would make an empty one.
            std::fs::metadata(&path).map_err(failed("inspect", &path))?;
            let opened = self.storage.open(&path);
            opened
                .and_then(|mut file| file.sync())
                .map_err(failed("sync", &path))?;
        }
        let folder = self.folder(asset)?;
        self.storage.sync_dir(&folder).map_err(failed("sync", &folder))
    }

    fn remove(&self, asset: &str, name: &str) -> Result<(), StoreError> {
        let path = self.object(asset, name)?;
        match self.storage.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    fn list(&self, asset: &str) -> Result<Vec<ObjectInfo>, StoreError> {
        let folder = self.folder(asset)?;
        let mut objects = Vec::new();
        for entry in entries(&folder)? {
            let entry = entry.map_err(failed("list", &folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // What begins with a dot is the store's own; what has no name of ours is not ours.
            if self.object(asset, &name).is_err() || name.ends_with(".tmp") {
                continue;
            }
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() && objects.len() < MAX_LISTED => {
                    objects.push(ObjectInfo {
                        name,
                        bytes: metadata.len(),
                    })
                }
                _ => {}
            }
        }
        objects.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(objects)
    }

    fn assets(&self) -> Result<Vec<String>, StoreError> {
        let mut assets = Vec::new();
        for entry in entries(&self.root)? {
            let entry = entry.map_err(failed("list", &self.root))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && check_asset(&name).is_ok() {
                assets.push(name);
            }
        }
        assets.sort();
        Ok(assets)
    }

    fn get(&self, asset: &str, name: &str, range: Option<&Range<u64>>) -> Result<Bytes, StoreError> {
        use std::io::{Read as _, Seek as _, SeekFrom};
        let path = self.object(asset, name)?;
        let mut file = std::fs::File::open(&path).map_err(failed("open", &path))?;
        let (start, bytes) = range.map_or((0, MAX_READ), |range| {
            (range.start, range.end.saturating_sub(range.start).min(MAX_READ))
        });
        let mut content = Vec::new();
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.take(bytes).read_to_end(&mut content))
            .map_err(failed("read", &path))?;
        Ok(content.into())
    }
}

/// A folder that is not there has nothing in it.
fn entries(folder: &Path) -> Result<impl Iterator<Item = io::Result<std::fs::DirEntry>>, StoreError> {
    match std::fs::read_dir(folder) {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None.into_iter().flatten()),
        Err(error) => Err(failed("list", folder)(error)),
    }
}

/// For `map_err`: what was tried with which path.
fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |error| {
        let (kind, hint) = match error.kind() {
            io::ErrorKind::NotFound => (StoreErrorKind::NotFound, ""),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
                StoreErrorKind::Full,
                "\nhint: make room there; it goes on by itself",
            ),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
                StoreErrorKind::Refused,
                "\nhint: the user that runs mediagraph must be able to write there",
            ),
            // Whatever it is, it concerns the disk and not one recording.
            _ => (StoreErrorKind::Unreachable, ""),
        };
        StoreError::new(
            kind,
            format!("cannot {action} `{}`: {error}{hint}", path.display()),
        )
    }
}

fn refused(error: RecordingError) -> StoreError {
    match error {
        RecordingError::Io { action, path, source } => failed(action, &path)(source),
        error => StoreError::new(StoreErrorKind::OtherWriter, error.to_string()),
    }
}

impl AssetStore for DirectoryStore {
    fn location(&self) -> String {
        self.shared.root.display().to_string()
    }

    fn claim<'a>(&'a self, asset: &'a str, writer: &'a Writer) -> BoxFuture<'a, Result<(), StoreError>> {
        let (asset, writer) = (asset.to_owned(), writer.clone());
        self.work(0, move |shared| shared.claim(&asset, &writer))
    }

    fn release<'a>(&'a self, asset: &'a str, writer: &'a Writer) -> BoxFuture<'a, Result<(), StoreError>> {
        let (asset, writer) = (asset.to_owned(), writer.clone());
        self.work(0, move |shared| shared.release(&asset, &writer))
    }

    fn put_if_absent<'a>(
        &'a self,
        asset: &'a str,
        name: &'a str,
        content: &'a Content,
    ) -> BoxFuture<'a, Result<Put, StoreError>> {
        let (asset, name, content) = (asset.to_owned(), name.to_owned(), content.clone());
        self.work(content.bytes(), move |shared| {
            let path = shared.object(&asset, &name)?;
            put::if_absent(shared.storage.as_ref(), &path, &content)
        })
    }

    fn put_index<'a>(
        &'a self,
        asset: &'a str,
        name: &'a str,
        text: Bytes,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let (asset, name) = (asset.to_owned(), name.to_owned());
        self.work(0, move |shared| shared.put_index(&asset, &name, &text))
    }

    fn settle<'a>(&'a self, asset: &'a str, names: &'a [String]) -> BoxFuture<'a, Result<(), StoreError>> {
        let (asset, names) = (asset.to_owned(), names.to_vec());
        self.work(0, move |shared| shared.settle(&asset, &names))
    }

    fn remove<'a>(&'a self, asset: &'a str, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let (asset, name) = (asset.to_owned(), name.to_owned());
        self.work(0, move |shared| shared.remove(&asset, &name))
    }

    fn list<'a>(&'a self, asset: &'a str) -> BoxFuture<'a, Result<Vec<ObjectInfo>, StoreError>> {
        let asset = asset.to_owned();
        self.work(0, move |shared| shared.list(&asset))
    }

    fn assets(&self) -> BoxFuture<'_, Result<Vec<String>, StoreError>> {
        self.work(0, Shared::assets)
    }

    fn file(&self, asset: &str, name: &str) -> Result<Option<PathBuf>, StoreError> {
        self.shared.object(asset, name).map(Some)
    }

    fn get<'a>(
        &'a self,
        asset: &'a str,
        name: &'a str,
        range: Option<Range<u64>>,
    ) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        let (asset, name) = (asset.to_owned(), name.to_owned());
        self.work(0, move |shared| shared.get(&asset, &name, range.as_ref()))
    }
}
