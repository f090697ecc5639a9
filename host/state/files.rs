//! Small files that are there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::{OWNER_ONLY_FILE, StateError, failed};

/// Longer contents of the small files here are not ours.
pub(super) const MAX_SMALL_FILE_BYTES: u64 = 256;

/// What a small file says, without blanks at its ends; none when it is not there.
pub(super) fn read_small(path: &Path) -> Result<Option<String>, StateError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("open", path)(error)),
    };
    let mut text = String::new();
    file.take(MAX_SMALL_FILE_BYTES)
        .read_to_string(&mut text)
        .map_err(failed("read", path))?;
    Ok(Some(text.trim().to_owned()))
}

/// Writes a small file so that it is there whole or not at all.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), StateError> {
    let temporary = path.with_extension("tmp");
    let written = write_synced(&temporary, format!("{text}\n").as_bytes())
        .and_then(|()| fs::rename(&temporary, path))
        // A host that forgets its id finds its own recordings in the hands of another.
        .and_then(|()| path.parent().map_or(Ok(()), sync_folder));
    written.map_err(failed("write", path))
}

/// Makes a file for the owner alone; what stood there is replaced.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(OWNER_ONLY_FILE)
        .open(path)
}

/// Writes a file to the disk itself.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Writes a file for the owner alone so that it is there whole or not at all, and lasts. Makes its folder if need be.
///
/// # Errors
/// When the operating system refuses.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(super::OWNER_ONLY_DIR)
        .create(folder)?;
    let temporary = path.with_extension("tmp");
    write_synced(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| drop(fs::remove_file(&temporary)))?;
    sync_folder(folder)
}

/// Makes the names in a folder last.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes a file; one that is not there is removed already.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
