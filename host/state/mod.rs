//! The state directory: where everything that mediagraph keeps stands.
//!
//! ```text
//! format      the number of this layout; a newer one is refused by name, an older one is migrated
//! lock        held by the process that uses the directory, with its id in it
//! host-id     names this host in recordings; made once
//! registry.db topologies, instances, and which of them shall run
//! journal.db  events
//! index.db    which recordings there are, where they are, and what is missing
//! holds.json  what may not be removed, beside the index, which has it too
//! audit/      who looked at recordings, deleted, held and released them
//! cache/      what is recorded, until its store has it
//! assets/     recorded assets, one folder each
//! files/      where the absolute paths that topologies name are mapped to
//! components/ components of the user, and compiled ones
//! backup-format-N/ the small files as they were before this layout's predecessor N was migrated
//! ```
//!
//! Invariants: one process at a time; nobody but the owner may look in (mode 0700); of all this a topology reaches
//! `files/` alone; the databases are on a disk of this machine.

mod backup;
mod files;
mod filesystem;
mod migrate;
mod paths;
mod restore;

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub use backup::{BackupError, Listed, Manifest, backup, verify};
pub use files::write_whole;
use files::{MAX_SMALL_FILE_BYTES, read_small, write_new};
pub use paths::{PathMap, load_within};
pub use restore::restore;

/// The number of the present layout.
pub const FORMAT: u32 = 4;

/// Topologies, instances, and which of them shall run.
pub const REGISTRY: &str = "registry.db";
/// Which recordings there are.
pub const INDEX: &str = "index.db";
/// Events.
pub const JOURNAL: &str = "journal.db";

const OWNER_ONLY_DIR: u32 = 0o700;
const OWNER_ONLY_FILE: u32 = 0o600;

/// There while a restore is at work: what is found beside it is half of something.
const UNFINISHED: &str = "restore-unfinished";

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
    #[error("the path `{}` must be absolute and must not contain `..`", .0.escape_debug())]
    Path(String),
    /// A path of a topology that a symbolic link leads elsewhere.
    #[error(
        "the path `{}` leads out of `{}` through a symbolic link\n\
         hint: remove the link, or name the place that is meant under `[paths.map]` in the configuration",
        path.escape_debug(), root.display()
    )]
    Escapes {
        /// As the topology names it.
        path: String,
        /// Where it should have stayed.
        root: PathBuf,
    },
    /// A path of a topology that leads to the host's own files.
    #[error(
        "the path `{}` leads to the host's own files\nhint: of the state directory, a topology may use `files` alone",
        .0.escape_debug()
    )]
    Own(String),
    /// A component outside of the folders that components may be loaded from.
    #[error(
        "`{}` is in none of the folders that components may be loaded from{}\n\
         hint: name its folder under `load_roots` of `[paths]` in the configuration",
        path.escape_debug(), listed(roots)
    )]
    NotLoadable {
        /// As the topology names it.
        path: String,
        /// The folders.
        roots: Vec<PathBuf>,
    },
    /// On a disk of another machine.
    #[error(
        "the state directory `{}` is on {kind}, on which databases are not safe\n\
         hint: keep it on a disk of this machine; recordings may go elsewhere by `[paths.map]` in the configuration",
        path.display()
    )]
    Network {
        /// The directory.
        path: PathBuf,
        /// What kind of file system it is.
        kind: &'static str,
    },
    /// The copy before a migration failed.
    #[error(
        "the state directory `{}` cannot be copied before it is migrated from format {from}, and nothing was changed: {why}",
        path.display()
    )]
    Copy {
        /// The directory.
        path: PathBuf,
        /// Its format.
        from: u32,
        /// Why.
        why: String,
    },
    /// A restore was interrupted.
    #[error(
        "the state directory `{}` holds one half of a backup: `mediagraph restore` did not finish there\n\
         hint: run `mediagraph restore --force` again",
        path.display()
    )]
    Unfinished {
        /// The directory.
        path: PathBuf,
    },
}

fn listed(roots: &[PathBuf]) -> String {
    let roots: Vec<String> = roots.iter().map(|root| format!("`{}`", root.display())).collect();
    if roots.is_empty() {
        ": there is none".to_owned()
    } else {
        format!(": {}", roots.join(", "))
    }
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
    paths: PathMap,
    /// Held until the process ends, however it ends; none when it is only looked at.
    _lock: Option<File>,
}

impl StateDir {
    /// Opens, or makes, the directory and takes its lock.
    ///
    /// # Errors
    /// When another process has it, a newer version wrote it, it is on a network file system, or the operating
    /// system refuses.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let (path, lock) = hold(path)?;
        if path.join(UNFINISHED).exists() {
            return Err(StateError::Unfinished { path });
        }
        migrate::bring_up(&path)?;
        let host_id = host_id(&path)?;
        Ok(Self {
            path,
            host_id,
            paths: PathMap::default(),
            _lock: Some(lock),
        })
    }

    /// A directory that is only looked at: it may be another process's, and need not exist. Nothing may be written to it
    /// but what several processes can write, such as compiled components.
    #[must_use]
    pub fn look(path: &Path) -> Self {
        Self {
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            host_id: String::new(),
            paths: PathMap::default(),
            _lock: None,
        }
    }

    /// Leads the paths of topologies where a configuration says.
    #[must_use]
    pub fn with_paths(self, paths: PathMap) -> Self {
        Self { paths, ..self }
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

    /// Where recordings wait for their store.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.path.join("cache")
    }

    /// Where compiled components are.
    #[must_use]
    pub fn components(&self) -> PathBuf {
        self.path.join("components")
    }

    /// Where a path that a topology names really is. Topologies name absolute paths of the machine that they were
    /// written for, such as `/var/media`; they are mapped below `files/` unless the configuration says otherwise, so
    /// that the same topology runs as an ordinary user and can write nowhere else.
    ///
    /// # Errors
    /// When the path is relative or climbs, a symbolic link leads it elsewhere, or it is one of the host's own.
    pub fn map(&self, path: &str) -> Result<PathBuf, StateError> {
        paths::map(&self.path, &self.paths, path)
    }
}

/// Makes the directory if need be, and takes its lock; gives its absolute path.
fn hold(path: &Path) -> Result<(PathBuf, File), StateError> {
    make(path).map_err(failed("create", path))?;
    let path = path.canonicalize().map_err(failed("find", path))?;
    if let Some(kind) = filesystem::network(&path) {
        return Err(StateError::Network { path, kind });
    }
    let lock = take_lock(&path)?;
    Ok((path, lock))
}

/// Makes the directory and its parents so that they survive a power cut.
fn make(path: &Path) -> std::io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|level| !level.exists()).collect();
    DirBuilder::new()
        .recursive(true)
        .mode(OWNER_ONLY_DIR)
        .create(path)?;
    // The directory itself in any case: who made it may have been killed before its entry was synced.
    let levels = missing.into_iter().skip(1).chain([path]);
    for parent in levels.filter_map(Path::parent) {
        let named = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        match File::open(named).and_then(|directory| directory.sync_all()) {
            // What may not be read cannot be synced, and is not ours.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
    }
    Ok(())
}

/// The process that seems to use a state directory now. Only looks: taking the lock, even for a moment, could keep a host from
/// starting.
#[must_use]
pub fn holder(directory: &Path) -> Option<String> {
    let process = read_small(&directory.join("lock")).ok()??;
    let id: u32 = process.trim().parse().ok()?;
    // A number that another program has by now is no host of ours.
    let name = std::fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
    name.starts_with("mediagraph").then(|| id.to_string())
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

#[cfg(test)]
mod tests {
    use std::fs;
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
}
