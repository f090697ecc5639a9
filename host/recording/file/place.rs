//! Where a file may be: names are made of parameters, so they are not trusted.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::recording::RecordingError;
use crate::recording::storage::{Storage, StorageFile};

/// So many files of one name get a number behind it.
const MAX_SAME_NAME: u32 = 1000;
/// Longest name, in bytes.
const MAX_NAME: usize = 1024;
/// Longest part of it between slashes: file systems take 255 bytes, of which a number and `.mp4` need some.
const MAX_PART: usize = 240;

/// Checks that a name stays within whatever directory it is put into.
pub(super) fn check(name: &str) -> Result<(), RecordingError> {
    let refuse = |reason| {
        Err(RecordingError::FileName {
            name: name.to_owned(),
            reason,
        })
    };
    if name.is_empty() || name.len() > MAX_NAME || name.ends_with(['/', '\\']) {
        return refuse("it must have 1 to 1024 bytes and not end with a slash");
    }
    if name.chars().any(|c| c.is_control() || c == '\\') {
        return refuse("it must not contain control characters or `\\`");
    }
    if name.split('/').any(|part| part.len() > MAX_PART) {
        return refuse("no part of it may have more than 240 bytes");
    }
    let inside = |part: Component<'_>| matches!(part, Component::Normal(name) if !name.to_string_lossy().starts_with('.'));
    if !Path::new(name).components().all(inside) {
        return refuse("it must be relative to the base directory, without `..` and hidden names");
    }
    Ok(())
}

/// Creates `NAME.mp4`, or `NAME-2.mp4` and so on where that exists.
pub(super) fn create(
    directory: &Path,
    name: &str,
    storage: &dyn Storage,
) -> Result<(PathBuf, Box<dyn StorageFile>), RecordingError> {
    let stem = name.strip_suffix(".mp4").unwrap_or(name);
    let parent = directory.join(Path::new(stem).parent().unwrap_or(Path::new("")));
    storage
        .create_dir_all(&parent)
        .map_err(RecordingError::io("create", &parent))?;
    confine(directory, &parent, name)?;
    for number in 1..=MAX_SAME_NAME {
        let path = directory.join(match number {
            1 => format!("{stem}.mp4"),
            number => format!("{stem}-{number}.mp4"),
        });
        match storage.create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(RecordingError::io("create", &path)(error)),
        }
    }
    Err(RecordingError::FileName {
        name: name.to_owned(),
        reason: "a thousand files have this name already; put a variable such as `${System.DateTime}` into it",
    })
}

/// A link inside the directory may lead out of it.
pub(super) fn confine(directory: &Path, parent: &Path, name: &str) -> Result<(), RecordingError> {
    let real = |path: &Path| std::fs::canonicalize(path).map_err(RecordingError::io("resolve", path));
    if real(parent)?.starts_with(real(directory)?) {
        return Ok(());
    }
    Err(RecordingError::FileName {
        name: name.to_owned(),
        reason: "a link leads out of the base directory",
    })
}
