//! Putting a file that is not there yet: a second name for the cache's file, or a copy of it.

use std::fs::{self, File};
use std::io::{self, IoSlice, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::failed;
use crate::recording::storage::Storage;
use crate::recording::store::{Content, Put, StoreError, StoreErrorKind};

/// What is read at one time, in bytes.
const CHUNK: usize = 1 << 18;

/// What is returned stands on the disk, and so does its name.
pub(super) fn if_absent(storage: &dyn Storage, path: &Path, content: &Content) -> Result<Put, StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let put = match content {
        Content::File { path: from, .. } => link(storage, from, path).map_or_else(
            // Not on one file system, or on one that has no second names.
            |_| put(storage, path, content),
            Ok,
        ),
        Content::Bytes(_) | Content::Read { .. } => put(storage, path, content),
    }?;
    // Also for what was there before: a crash may have come between its name and this.
    storage.sync_dir(folder).map_err(failed("sync", folder))?;
    Ok(put)
}

fn link(storage: &dyn Storage, from: &Path, to: &Path) -> io::Result<Put> {
    match storage.hard_link(from, to) {
        Ok(()) => Ok(Put::Created),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let (one, other) = (fs::metadata(from)?, fs::metadata(to)?);
            if (one.dev(), one.ino()) == (other.dev(), other.ino()) {
                return Ok(Put::Already);
            }
            Err(error)
        }
        Err(error) => Err(error),
    }
}

fn put(storage: &dyn Storage, path: &Path, content: &Content) -> Result<Put, StoreError> {
    match fs::metadata(path) {
        Ok(there) => return compare(path, there.len(), content),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("inspect", path)(error)),
    }
    if let Content::File { path: from, .. } = content {
        // Said apart: trouble with the cache is not the store's.
        File::open(from).map_err(source(from))?;
    }
    // One writer at a time has claimed the asset: nobody else makes this name meanwhile.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let mut file = storage.open(&temporary).map_err(failed("create", &temporary))?;
    file.truncate(0).map_err(failed("cut", &temporary))?;
    match content {
        Content::File {
            path: from, bytes, ..
        } => file.append_file(0, from, *bytes),
        Content::Bytes(bytes) | Content::Read { bytes, .. } => file.write(0, &mut [IoSlice::new(bytes)]),
    }
    .and_then(|()| file.sync())
    .map_err(failed("write", &temporary))?;
    drop(file);
    storage
        .rename(&temporary, path)
        .map_err(failed("rename", &temporary))?;
    Ok(Put::Created)
}

fn compare(path: &Path, there: u64, content: &Content) -> Result<Put, StoreError> {
    let (bytes, sha256) = match content {
        Content::File { bytes, sha256, .. } => (*bytes, *sha256),
        Content::Read { bytes, sha256 } => (bytes.len() as u64, *sha256),
        Content::Bytes(bytes) => (bytes.len() as u64, Sha256::digest(bytes).into()),
    };
    if there == bytes && hash(path).map_err(failed("read", path))? == sha256 {
        return Ok(Put::Already);
    }
    let message = format!(
        "`{}` is there already and holds something else: {there} bytes instead of {bytes}, or other ones\n\
         hint: look where it comes from; move it away, and the recording goes on",
        path.display()
    );
    Err(StoreError::new(StoreErrorKind::Differs, message))
}

fn hash(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut chunk = vec![0; CHUNK];
    let mut hasher = Sha256::new();
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(chunk.get(..read).unwrap_or_default());
    }
}

fn source(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |error| {
        let message = format!("cannot read `{}` of the cache: {error}", path.display());
        StoreError::new(StoreErrorKind::Source, message)
    }
}
