//! The state directory: where everything that mediagraph keeps stands.
//!
//! ```text
//! format      the number of this layout; a newer one is refused by name
//! lock        held by the process that uses the directory, with its id in it
//! host-id     names this host in recordings; made once
//! assets/     recorded assets, one folder each
//! files/      where the absolute paths that topologies name are mapped to
//! components/ compiled components
//! ```
//!
//! Invariant: one process at a time; nobody but the owner may look in (mode 0700).

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

/// The number of the present layout.
pub const FORMAT: u32 = 1;

const OWNER_ONLY_DIR: u32 = 0o700;
const OWNER_ONLY_FILE: u32 = 0o600;
/// Longer contents of the small files here are not ours.
const MAX_SMALL_FILE_BYTES: u64 = 256;

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The operating system refused.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "the state directory `{}` is in use by {holder}\nhint: choose another with `--state-dir DIR`, or stop that process",
        path.display()
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// Who has it.
        holder: String,
    },
    /// Written by another version.
    #[error(
        "the state directory `{}` has format {found}, this version of mediagraph knows {FORMAT}\n\
         hint: use the version that wrote it, or choose another with `--state-dir DIR`",
        path.display()
    )]
    Format {
        /// The directory.
        path: PathBuf,
        /// What stands in `format`.
        found: String,
    },
    /// A path of a topology that leads out.
    #[error("the path `{0}` must be absolute and must not contain `..`")]
    Path(String),
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
    move |source| StateError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

/// A state directory that this process holds.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    host_id: String,
    /// Held until the process ends, however it ends.
    _lock: File,
}

impl StateDir {
    /// Opens, or makes, the directory and takes its lock.
    ///
    /// # Errors
    /// When another process has it, another version wrote it, or the operating system refuses.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        DirBuilder::new()
            .recursive(true)
            .mode(OWNER_ONLY_DIR)
            .create(path)
            .map_err(failed("create", path))?;
        let path = path.canonicalize().map_err(failed("find", path))?;
        let lock = take_lock(&path)?;
        check_format(&path)?;
        let host_id = host_id(&path)?;
        Ok(Self {
            path,
            host_id,
            _lock: lock,
        })
    }

    /// The directory, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names this host in recordings: eight hexadecimal digits.
    #[must_use]
    pub fn host_id(&self) -> &str {
        &self.host_id
    }

    /// Where assets are.
    #[must_use]
    pub fn assets(&self) -> PathBuf {
        self.path.join("assets")
    }

    /// Where compiled components are.
    #[must_use]
    pub fn components(&self) -> PathBuf {
        self.path.join("components")
    }

    /// Where a path that a topology names really is. Topologies name absolute paths of the machine that they were
    /// written for, such as `/var/media`; they are mapped below `files/`, so that the same topology runs as
    /// an ordinary user and can write nowhere else.
    ///
    /// # Errors
    /// When the path is relative or climbs.
    pub fn map(&self, path: &str) -> Result<PathBuf, StateError> {
        let refused = || StateError::Path(path.to_owned());
        let named = Path::new(path);
        if !named.is_absolute() {
            return Err(refused());
        }
        if named.components().any(|part| part == Component::ParentDir) {
            return Err(refused());
        }
        if named.starts_with(&self.path) {
            return Ok(named.to_owned());
        }
        let below = named.strip_prefix("/").map_err(|_| refused())?;
        Ok(self.path.join("files").join(below))
    }
}

fn take_lock(directory: &Path) -> Result<File, StateError> {
    let path = directory.join("lock");
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(OWNER_ONLY_FILE);
    let mut file = options.open(&path).map_err(failed("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Only to name the holder; an unreadable lock is still a lock.
            let _ = (&file).take(MAX_SMALL_FILE_BYTES).read_to_string(&mut holder);
            let holder = match holder.trim() {
                "" => "another process".to_owned(),
                process => format!("process {process}"),
            };
            return Err(StateError::InUse {
                path: directory.to_owned(),
                holder,
            });
        }
        Err(TryLockError::Error(source)) => return Err(failed("lock", &path)(source)),
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(failed("write", &path))?;
    Ok(file)
}

fn check_format(directory: &Path) -> Result<(), StateError> {
    let path = directory.join("format");
    match read_small(&path)? {
        None => write_new(&path, &FORMAT.to_string()),
        Some(found) if found == FORMAT.to_string() => Ok(()),
        Some(found) => Err(StateError::Format {
            path: directory.to_owned(),
            found,
        }),
    }
}

fn host_id(directory: &Path) -> Result<String, StateError> {
    let path = directory.join("host-id");
    if let Some(id) = read_small(&path)?
        && id.len() == 8
        && id.chars().all(|digit| digit.is_ascii_hexdigit())
    {
        return Ok(id);
    }
    let id = format!("{:08x}", fastrand::u32(..));
    write_new(&path, &id)?;
    Ok(id)
}

fn read_small(path: &Path) -> Result<Option<String>, StateError> {
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
fn write_new(path: &Path, text: &str) -> Result<(), StateError> {
    let temporary = path.with_extension("tmp");
    let written = fs::write(&temporary, format!("{text}\n"))
        .and_then(|()| File::open(&temporary)?.sync_all())
        .and_then(|()| fs::rename(&temporary, path))
        // A host that forgets its id finds its own recordings in the hands of another.
        .and_then(|()| {
            path.parent()
                .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
        });
    written.map_err(failed("write", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_is_made_for_its_owner_alone_and_keeps_its_host_id() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("state");
        let first = StateDir::open(&path).unwrap();
        let id = first.host_id().to_owned();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            OWNER_ONLY_DIR
        );
        drop(first);
        assert_eq!(StateDir::open(&path).unwrap().host_id(), id);
    }

    #[test]
    fn a_directory_in_use_names_the_process_and_the_flag() {
        let parent = tempfile::tempdir().unwrap();
        let _held = StateDir::open(parent.path()).unwrap();
        let error = StateDir::open(parent.path()).unwrap_err().to_string();
        assert!(
            error.contains(&format!("process {}", std::process::id())),
            "{error}"
        );
        assert!(error.contains("--state-dir"), "{error}");
    }

    #[test]
    fn a_newer_format_is_refused_by_name() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("format"), "7\n").unwrap();
        let error = StateDir::open(parent.path()).unwrap_err().to_string();
        assert!(error.contains("has format 7"), "{error}");
    }

    #[test]
    fn paths_of_topologies_stay_below_the_directory() {
        let parent = tempfile::tempdir().unwrap();
        let state = StateDir::open(parent.path()).unwrap();
        let mapped = state.map("/var/media/gate").unwrap();
        assert_eq!(mapped, state.path().join("files/var/media/gate"));
        assert_eq!(state.map(mapped.to_str().unwrap()).unwrap(), mapped);
        for path in ["media", "", "/var/../etc", "/.."] {
            assert!(state.map(path).is_err(), "{path}");
        }
    }
}
