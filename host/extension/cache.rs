//! Compiled components on disk, so that a start does not compile again.
//!
//! A compiled component is native code: whoever can write it owns the host. So the directory must be ours and
//! nobody else's, files are written privately and appear whole or not at all, and none is ever taken from a user.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::error::EngineError;
use super::limits::MAX_KEPT_COMPILED;

/// Group and world, all rights.
const OTHERS: u32 = 0o077;
/// Group and world, writing.
const OTHERS_WRITE: u32 = 0o022;

#[derive(Debug)]
pub(super) struct Cache {
    dir: PathBuf,
    owner: u32,
    /// Of everything that makes compiled code fit this engine.
    compatibility: u64,
    written: AtomicU64,
}

impl Cache {
    pub(super) fn open(dir: &Path, engine: &Engine) -> Result<Self, EngineError> {
        let owner = secure_dir(dir).map_err(|problem| EngineError::Cache {
            path: dir.display().to_string(),
            problem: problem.to_string(),
        })?;
        // Made with fixed keys: the same in each process of the same build, and a mere miss in others.
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self {
            dir: dir.to_owned(),
            owner,
            compatibility: hasher.finish(),
            written: AtomicU64::new(0),
        })
    }

    fn path(&self, sha256: &str) -> PathBuf {
        self.dir
            .join(format!("{sha256}-{:016x}.cwasm", self.compatibility))
    }

    /// Whether there is something of this hash; it may turn out not to fit.
    pub(super) fn has(&self, sha256: &str) -> bool {
        self.path(sha256).is_file()
    }

    /// Removes what was compiled of a component, by whatever version of the host.
    pub(super) fn remove(&self, sha256: &str) {
        for (path, _) in self.compiled() {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            if name.is_some_and(|name| name.starts_with(sha256)) {
                drop(fs::remove_file(path));
            }
        }
    }

    /// All that is there, with the time at which it was written.
    fn compiled(&self) -> Vec<(PathBuf, SystemTime)> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let compiled = entries.filter_map(|entry| {
            let path = entry.path();
            let is = path.extension().is_some_and(|extension| extension == "cwasm");
            let written = entry.metadata().and_then(|metadata| metadata.modified());
            is.then_some((path, written.ok()?))
        });
        compiled.collect()
    }

    /// Makes room for one more: those that were written first go. Whoever runs one of them has it mapped, and keeps it.
    fn make_room(&self) {
        let mut compiled = self.compiled();
        compiled.sort_by_key(|(_, written)| *written);
        let surplus = (compiled.len() + 1).saturating_sub(MAX_KEPT_COMPILED);
        for (path, _) in compiled.into_iter().take(surplus) {
            drop(fs::remove_file(path));
        }
    }

    /// What was compiled before; none if there is nothing or it does not fit.
    pub(super) fn load(&self, engine: &Engine, sha256: &str) -> Option<Component> {
        let path = self.path(sha256);
        let meta = fs::symlink_metadata(&path).ok()?;
        if !meta.is_file() || meta.uid() != self.owner || meta.mode() & OTHERS != 0 {
            tracing::warn!(path = %path.display(), "a compiled extension is not private to this user: ignored");
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "wasmtime cannot check native code; we can only check who wrote it"
        )]
        // SAFETY: the file is what `store` wrote: it lies in a directory that only we may write to (checked by
        // `open`), belongs to us, is private, and is no link. Nobody else could have put or changed it, and we
        // never change one: it is replaced by renaming.
        let component = unsafe { Component::deserialize_file(engine, &path) };
        component
            .inspect_err(
                |error| tracing::debug!(path = %path.display(), %error, "a compiled extension is of no use"),
            )
            .ok()
    }

    /// Keeps compiled code; a failure costs only time at the next start.
    pub(super) fn store(&self, component: &Component, sha256: &str) {
        if let Err(error) = self.try_store(component, sha256) {
            tracing::warn!(dir = %self.dir.display(), %error, "a compiled extension cannot be kept");
        }
    }

    fn try_store(&self, component: &Component, sha256: &str) -> io::Result<()> {
        let code = component
            .serialize()
            .map_err(|error| io::Error::other(error.to_string()))?;
        self.make_room();
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let part = self
            .dir
            .join(format!(".{sha256}-{}-{number}.part", std::process::id()));
        let written = private_file(&part).and_then(|mut file| {
            file.write_all(&code)?;
            file.sync_all()
        });
        written
            .and_then(|()| fs::rename(&part, self.path(sha256)))
            .inspect_err(|_| drop(fs::remove_file(&part)))
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Makes the directory if needed, and checks that nobody else can write to it. Gives its owner, who is us.
fn secure_dir(dir: &Path) -> io::Result<u32> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let meta = fs::symlink_metadata(dir)?;
    if !meta.is_dir() {
        return Err(io::Error::other("is not a directory"));
    }
    if meta.mode() & OTHERS_WRITE != 0 {
        return Err(io::Error::other(
            "others may write to it\nhint: `chmod go-w` it, or use another directory",
        ));
    }
    let probe = dir.join(format!(".probe-{}-{:x}", std::process::id(), fastrand::u64(..)));
    let us = private_file(&probe)?.metadata()?.uid();
    fs::remove_file(&probe)?;
    if us != meta.uid() {
        return Err(io::Error::other("belongs to another user"));
    }
    Ok(us)
}
