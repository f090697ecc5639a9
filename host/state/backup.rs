//! Backups: what a host must not lose, as a folder that can be checked.
//!
//! ```text
//! manifest.json  what is in it: sizes and SHA-256
//! format, host-id
//! registry.db    topologies, instances, and which of them shall run
//! journal.db     events
//! components/    components of the user
//! ```
//!
//! Recordings and compiled components are not part of it.
//!
//! Invariants: a host at work is not disturbed, and its databases are copied as they were at one moment; a backup is
//! there whole, under its name, or not at all; it is for its owner alone, since a registry holds passwords of cameras.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::files::{create, sync_folder, write_synced};
use super::{FORMAT, INDEX, JOURNAL, OWNER_ONLY_DIR, REGISTRY};
use crate::text::hex;

/// The list of what is in a backup.
pub(super) const MANIFEST: &str = "manifest.json";
/// The small files that make a state directory.
pub(super) const SMALL_FILES: [&str; 2] = ["format", "host-id"];
/// The databases. That of recordings is among them though the recordings are not: it knows what stands in a cloud, and which
/// names were used, so that no recording gets the name of another.
pub(super) const DATABASES: [&str; 3] = [REGISTRY, JOURNAL, INDEX];
/// Components of the user stand here, beside compiled ones.
const COMPONENTS: &str = "components";
/// The layout of backups.
const LAYOUT: u32 = 1;
/// Components in one backup.
const MAX_FILES: usize = 10_000;
const MAX_MANIFEST_BYTES: u64 = 8 << 20;
/// How long a database may be busy, all in all, before it is given up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const BUSY_PAUSE: Duration = Duration::from_millis(50);
const CHUNK_BYTES: usize = 64 << 10;

/// Why there is no backup, or none that can be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The state directory cannot be used.
    #[error(transparent)]
    State(#[from] super::StateError),
    /// The operating system refused.
    #[error("the operating system refused: {0}")]
    Plain(#[from] io::Error),
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
    /// A database cannot be copied.
    #[error("the database `{}` cannot be copied: {why}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No state directory, or one of another version.
    #[error(
        "`{}` is not a state directory of this version of mediagraph: {why}\nhint: name it with `--state-dir DIR`",
        path.display()
    )]
    NotState {
        /// The directory.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// There is something under the name of the new backup.
    #[error("`{}` is there already\nhint: give a new name: a backup never replaces another", .0.display())]
    There(PathBuf),
    /// No backup, or a damaged one.
    #[error("the backup `{}` cannot be used: {why}", path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The directory to restore into holds something.
    #[error(
        "the directory `{}` is not empty\n\
         hint: `--force` replaces its topologies, instances, events and components; recordings stay",
        .0.display()
    )]
    NotEmpty(PathBuf),
}

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    move |source| BackupError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Relative to the backup and to the state directory.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// What is in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// The layout of the backup itself.
    pub mediagraph_backup: u32,
    /// The version that made it.
    pub version: String,
    /// The format of the state directory.
    pub format: u32,
    /// When it was made, in UTC.
    pub created_at: String,
    /// Everything in it.
    pub files: Vec<Listed>,
}

impl Manifest {
    /// The size of all files, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files
            .iter()
            .fold(0, |sum, file| sum.saturating_add(file.bytes))
    }
}

/// Makes a backup of a state directory, whether or not a host is at work in it. `out` must not exist.
///
/// # Errors
/// When `state` is no state directory, `out` is there already, or something cannot be read or written.
pub fn backup(state: &Path, out: &Path, at: Timestamp) -> Result<Manifest, BackupError> {
    check_state(state)?;
    if out.symlink_metadata().is_ok() {
        return Err(BackupError::There(out.to_owned()));
    }
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(format!(".partial-{}", std::process::id()));
    let partial = out.with_file_name(name);
    let made = fill(state, &partial, at).and_then(|manifest| {
        fs::rename(&partial, out).map_err(failed("rename", &partial))?;
        let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_folder(parent.unwrap_or(Path::new(".")))?;
        Ok(manifest)
    });
    if made.is_err() {
        // Half a backup is worth nothing, and the error is what counts.
        let _ = fs::remove_dir_all(&partial);
    }
    made
}

fn check_state(state: &Path) -> Result<(), BackupError> {
    let not = |why: String| BackupError::NotState {
        path: state.to_owned(),
        why,
    };
    match super::files::read_small(&state.join("format"))? {
        None => Err(not("it has no file `format`".to_owned())),
        Some(found) if found == FORMAT.to_string() => Ok(()),
        Some(found) => Err(not(format!("it has format `{found}`, not {FORMAT}"))),
    }
}

fn fill(state: &Path, out: &Path, at: Timestamp) -> Result<Manifest, BackupError> {
    make_folder(out)?;
    let mut files = Vec::new();
    for name in SMALL_FILES {
        if state.join(name).exists() {
            files.push(copy_file(&state.join(name), &out.join(name))?.named(name));
        }
    }
    for name in DATABASES {
        if state.join(name).exists() {
            files.push(copy_database(&state.join(name), &out.join(name))?.named(name));
        }
    }
    files.extend(copy_components(state, out)?);
    let manifest = Manifest {
        mediagraph_backup: LAYOUT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        format: FORMAT,
        created_at: at.to_string(),
        files,
    };
    let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::other)?;
    let path = out.join(MANIFEST);
    write_synced(&path, &text).map_err(failed("write", &path))?;
    sync_folder(out)?;
    Ok(manifest)
}

fn copy_components(state: &Path, out: &Path) -> Result<Vec<Listed>, BackupError> {
    let from = state.join(COMPONENTS);
    let entries = match fs::read_dir(&from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", &from)(error)),
    };
    let mut names = BTreeSet::new();
    for entry in entries {
        let name = entry.map_err(failed("read", &from))?.file_name();
        let name = format!("{COMPONENTS}/{}", name.to_string_lossy());
        if is_component(&name) {
            names.insert(name);
        }
    }
    if !names.is_empty() {
        make_folder(&out.join(COMPONENTS))?;
    }
    let copy = |name: &String| Ok(copy_file(&state.join(name), &out.join(name))?.named(name));
    let copied = names.iter().map(copy).collect::<Result<Vec<_>, BackupError>>()?;
    if !names.is_empty() {
        sync_folder(&out.join(COMPONENTS))?;
    }
    Ok(copied)
}

/// `components/NAME.wasm`: those of the user; what was compiled from them is made again.
fn is_component(path: &str) -> bool {
    let Some(name) = path.strip_prefix("components/") else {
        return false;
    };
    let letters =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '@' | '+');
    name.ends_with(".wasm") && !name.starts_with('.') && name.chars().all(letters)
}

/// Whether a name may stand in a backup: nothing leads out of it, and nothing else is restored.
pub(super) fn is_ours(path: &str) -> bool {
    SMALL_FILES.contains(&path) || DATABASES.contains(&path) || is_component(path)
}

pub(super) fn make_folder(path: &Path) -> Result<(), BackupError> {
    DirBuilder::new()
        .mode(OWNER_ONLY_DIR)
        .create(path)
        .map_err(failed("create", path))
}

/// What was copied.
pub(super) struct Copied {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl Copied {
    fn named(self, path: &str) -> Listed {
        Listed {
            path: path.to_owned(),
            bytes: self.bytes,
            sha256: self.sha256,
        }
    }
}

/// Copies a file to the disk itself and sums it up.
pub(super) fn copy_file(from: &Path, to: &Path) -> Result<Copied, BackupError> {
    let mut target = create(to).map_err(failed("create", to))?;
    let copied = pass(from, |chunk| target.write_all(chunk)).map_err(failed("copy", from))?;
    target.sync_all().map_err(failed("write", to))?;
    Ok(copied)
}

/// Reads a file once, and hands on what it holds.
fn pass(from: &Path, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Copied> {
    if !fs::symlink_metadata(from)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut source = File::open(from)?;
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; CHUNK_BYTES]);
    loop {
        let read = source.read(&mut buffer)?;
        let chunk = buffer.get(..read).unwrap_or_default();
        if chunk.is_empty() {
            break;
        }
        each(chunk)?;
        hash.update(chunk);
        bytes += read as u64;
    }
    Ok(Copied {
        bytes,
        sha256: hex(&hash.finalize()),
    })
}

/// Copies a database as it is at one moment, beside whoever works with it, and checks the copy.
pub(super) fn copy_database(from: &Path, to: &Path) -> Result<Copied, BackupError> {
    // SQLite would make it with the rights of the process's mask.
    create(to).map_err(failed("create", to))?;
    copy_pages(from, to).map_err(|why| BackupError::Database {
        path: from.to_owned(),
        why,
    })?;
    File::open(to)
        .and_then(|file| file.sync_all())
        .map_err(failed("write", to))?;
    pass(to, |_| Ok(())).map_err(failed("read", to))
}

fn copy_pages(from: &Path, to: &Path) -> Result<(), String> {
    let text = |error: rusqlite::Error| error.to_string();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags).map_err(text)?;
    source.busy_timeout(BUSY_TIMEOUT).map_err(text)?;
    let mut target = Connection::open(to).map_err(text)?;
    {
        let pages = Backup::new(&source, &mut target).map_err(text)?;
        // All in one step: a step reads one state of the database, and its log lets others write meanwhile.
        let mut patience = BUSY_TIMEOUT.as_millis() / BUSY_PAUSE.as_millis();
        loop {
            match pages.step(-1).map_err(text)? {
                StepResult::Done => break,
                _ if patience == 0 => return Err("another process keeps it locked".to_owned()),
                _ => {
                    patience -= 1;
                    std::thread::sleep(BUSY_PAUSE);
                }
            }
        }
    }
    // Without a log beside it the copy is one file; the host turns the log on again.
    let mode: String = target
        .query_row("PRAGMA journal_mode = DELETE", (), |row| row.get(0))
        .map_err(text)?;
    let sound: String = target
        .query_row("PRAGMA quick_check(1)", (), |row| row.get(0))
        .map_err(text)?;
    target.close().map_err(|(_, error)| text(error))?;
    match (mode.as_str(), sound.as_str()) {
        ("delete", "ok") => Ok(()),
        (_, "ok") => Err(format!("its copy stays in journal mode `{mode}`")),
        _ => Err(format!("it is damaged: {sound}")),
    }
}

/// Reads a backup's manifest, and checks every file against it.
///
/// # Errors
/// When it is no backup, is of a newer version, or a file is missing or differs.
pub fn verify(from: &Path) -> Result<Manifest, BackupError> {
    let manifest = read_manifest(from)?;
    for listed in &manifest.files {
        let path = from.join(&listed.path);
        let found = pass(&path, |_| Ok(())).map_err(failed("read", &path))?;
        compare(from, listed, &found)?;
    }
    Ok(manifest)
}

/// Whether a file is what the manifest says.
pub(super) fn compare(from: &Path, listed: &Listed, found: &Copied) -> Result<(), BackupError> {
    if found.bytes == listed.bytes && found.sha256.eq_ignore_ascii_case(&listed.sha256) {
        return Ok(());
    }
    Err(BackupError::Unusable {
        path: from.to_owned(),
        why: format!("`{}` is not what the manifest says: it is damaged", listed.path),
    })
}

fn read_manifest(from: &Path) -> Result<Manifest, BackupError> {
    let unusable = |why: String| BackupError::Unusable {
        path: from.to_owned(),
        why,
    };
    let path = from.join(MANIFEST);
    let mut text = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(MAX_MANIFEST_BYTES).read_to_end(&mut text))
        .map_err(failed("read", &path))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| unusable(format!("its `{MANIFEST}` cannot be read: {error}")))?;
    if manifest.mediagraph_backup != LAYOUT || !(1..=FORMAT).contains(&manifest.format) {
        return Err(unusable(format!(
            "it was made by version {} of mediagraph, which this one does not know",
            manifest.version.escape_debug()
        )));
    }
    let names: BTreeSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    if names.len() != manifest.files.len() || names.len() > MAX_FILES {
        return Err(unusable("it lists a file twice, or too many".to_owned()));
    }
    if let Some(other) = names.iter().find(|name| !is_ours(name)) {
        return Err(unusable(format!(
            "it lists `{}`, which is no part of a backup",
            other.escape_debug()
        )));
    }
    if SMALL_FILES.iter().any(|name| !names.contains(name)) {
        return Err(unusable("it lacks `format` or `host-id`".to_owned()));
    }
    Ok(manifest)
}
