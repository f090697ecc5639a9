//! Components that were installed under a name: the names are rows of the registry, the files stand in the state
//! directory under their SHA-256.
//!
//! Invariants: a file is on the disk before a name points to it, and goes only when none does any more; what is read
//! has the hash that its row says, or is refused.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use serde::Serialize;

pub use crate::extension::limits::MAX_COMPONENT_BYTES;

use super::registry::{ComponentRow, REGISTRY_FILE, Registry, RegistryError};
use crate::extension::{Extension, Inspection, builtin, sha256};
use crate::state::{StateDir, write_whole};

/// Components that may be installed.
pub const MAX_INSTALLED: usize = 256;

/// What is installed, in memory; the registry has the same.
#[derive(Debug, Default)]
pub struct Installed {
    folder: PathBuf,
    rows: RwLock<BTreeMap<String, ComponentRow>>,
}

/// What people are told of a component that has a name.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// By which topologies refer to it.
    pub name: String,
    /// Of its bytes.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// What it is; absent for those that are part of the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
    /// Its own version; absent for those that are part of the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When it was installed; ISO 8601, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed_at: Option<String>,
    /// Whether it is part of the program.
    pub built_in: bool,
    /// Nodes of running graphs that run it: `INSTANCE/NODE`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub used_by: Vec<String>,
}

impl Installed {
    /// What is installed in a state directory; nothing when it has no registry yet.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn open(state: &StateDir) -> Result<Self, RegistryError> {
        let path = state.path().join(REGISTRY_FILE);
        if !path.exists() {
            return Ok(Self::new(state.components(), Vec::new()));
        }
        let rows = Registry::open(&path)?.components()?;
        Ok(Self::new(state.components(), rows))
    }

    /// As [`Installed::open`], of a directory that is only looked at: a host may be at work in it. What cannot be read is not
    /// there.
    #[must_use]
    pub fn look(state: &StateDir) -> Self {
        let rows = Registry::look(&state.path().join(REGISTRY_FILE));
        Self::new(state.components(), rows.unwrap_or_default())
    }

    /// With what the registry says.
    #[must_use]
    pub fn new(folder: PathBuf, rows: Vec<ComponentRow>) -> Self {
        let rows = rows.into_iter().map(|row| (row.name.clone(), row));
        Self {
            folder,
            rows: RwLock::new(rows.collect()),
        }
    }

    /// What a name points to.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ComponentRow> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.get(name).cloned()
    }

    /// All names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.keys().cloned().collect()
    }

    /// All that topologies can name: what is installed, and what is part of the program and not hidden by that.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Listed> = rows.values().map(Listed::of).collect();
        let hidden = |name: &str| rows.contains_key(name);
        let built_in = builtin::BUILTIN.iter().filter(|one| !hidden(one.name));
        all.extend(built_in.map(Listed::built_in));
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    fn file(&self, sha256: &str) -> PathBuf {
        self.folder.join(format!("{sha256}.wasm"))
    }

    /// The bytes that a name points to.
    ///
    /// # Errors
    /// When the file is not there, or is not what was installed.
    pub fn read(&self, row: &ComponentRow) -> io::Result<Vec<u8>> {
        let path = self.file(&row.sha256);
        let damaged = |why: &str| {
            let name = &row.name;
            io::Error::other(format!(
                "the installed component `{name}` cannot be used: `{}` {why}\nhint: `mediagraph extension set {name} FILE` \
                 installs it again",
                path.display()
            ))
        };
        let bytes = read_component(&path).map_err(|error| damaged(&format!("cannot be read: {error}")))?;
        if sha256(&bytes) == row.sha256 {
            Ok(bytes)
        } else {
            Err(damaged("is not what was installed"))
        }
    }

    /// Writes a file and lets a name point to it. What the name pointed to before goes, unless another name does, too.
    ///
    /// # Errors
    /// When it is not on the disk.
    pub fn set(
        &self,
        registry: &mut Registry,
        row: ComponentRow,
        bytes: &[u8],
    ) -> Result<Option<ComponentRow>, RegistryError> {
        write_whole(&self.file(&row.sha256), bytes).map_err(|source| RegistryError::Io {
            path: self.file(&row.sha256),
            source,
        })?;
        registry.put_component(&row)?;
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let before = rows.insert(row.name.clone(), row);
        self.clear(&rows, before.as_ref());
        Ok(before)
    }

    /// Takes a name away. Gives what it pointed to.
    ///
    /// # Errors
    /// When that is not on the disk.
    pub fn remove(&self, registry: &mut Registry, name: &str) -> Result<Option<ComponentRow>, RegistryError> {
        registry.delete_component(name)?;
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let before = rows.remove(name);
        self.clear(&rows, before.as_ref());
        Ok(before)
    }

    /// Whether some name points to this.
    #[must_use]
    pub fn has(&self, sha256: &str) -> bool {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.values().any(|row| row.sha256 == sha256)
    }

    fn clear(&self, rows: &BTreeMap<String, ComponentRow>, gone: Option<&ComponentRow>) {
        let Some(gone) = gone else { return };
        if rows.values().any(|row| row.sha256 == gone.sha256) {
            return;
        }
        let path = self.file(&gone.sha256);
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "A component that nobody names stays on the disk");
        }
    }
}

impl Listed {
    fn of(row: &ComponentRow) -> Self {
        Self {
            name: row.name.clone(),
            sha256: row.sha256.clone(),
            bytes: row.bytes,
            world: Some(row.world.clone()),
            version: Some(row.version.clone()),
            installed_at: Some(row.modified_at.clone()),
            built_in: false,
            used_by: Vec::new(),
        }
    }

    fn built_in(one: &builtin::Builtin) -> Self {
        Self {
            name: one.name.to_owned(),
            sha256: sha256(one.bytes),
            bytes: one.bytes.len() as u64,
            world: None,
            version: None,
            installed_at: None,
            built_in: true,
            used_by: Vec::new(),
        }
    }
}

/// The row of a component under a name, installed at a moment (ISO 8601, UTC).
#[must_use]
pub fn row(name: &str, extension: &Extension, before: Option<&ComponentRow>, now: String) -> ComponentRow {
    let Inspection {
        version,
        world,
        bytes,
        sha256,
        ..
    } = extension.inspect();
    ComponentRow {
        name: name.to_owned(),
        sha256,
        world: world.to_string(),
        version,
        bytes: bytes as u64,
        created_at: before.map_or_else(|| now.clone(), |before| before.created_at.clone()),
        modified_at: now,
    }
}

/// Reads a component; one byte more than is allowed, so that the engine can say that it is too large.
///
/// # Errors
/// When it is no file, or cannot be read.
pub fn read_component(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    // Asked before opening: a named pipe would be waited for.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(MAX_COMPONENT_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, bytes: &[u8]) -> ComponentRow {
        ComponentRow {
            name: name.into(),
            sha256: sha256(bytes),
            world: "detector".into(),
            version: "1.0.0".into(),
            bytes: bytes.len() as u64,
            created_at: "2026-01-01T00:00:00.000Z".into(),
            modified_at: "2026-01-01T00:00:00.000Z".into(),
        }
    }

    struct Place {
        state: StateDir,
        registry: Registry,
        _folder: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let state = StateDir::open(folder.path()).unwrap();
            let registry = Registry::open(&state.path().join(REGISTRY_FILE)).unwrap();
            Self {
                state,
                registry,
                _folder: folder,
            }
        }

        fn files(&self) -> usize {
            std::fs::read_dir(self.state.components()).map_or(0, Iterator::count)
        }
    }

    #[test]
    fn what_is_installed_is_there_after_opening_again() {
        let mut place = Place::new();
        let installed = Installed::open(&place.state).unwrap();
        assert!(installed.names().is_empty());
        installed
            .set(&mut place.registry, row("a", b"one"), b"one")
            .unwrap();
        let again = Installed::open(&place.state).unwrap();
        assert_eq!(again.names(), ["a"]);
        assert_eq!(again.read(&again.find("a").unwrap()).unwrap(), b"one");
    }

    #[test]
    fn a_file_stays_as_long_as_some_name_points_to_it() {
        let mut place = Place::new();
        let installed = Installed::open(&place.state).unwrap();
        for name in ["a", "b"] {
            let before = installed
                .set(&mut place.registry, row(name, b"one"), b"one")
                .unwrap();
            assert!(before.is_none());
        }
        assert_eq!(place.files(), 1);
        let before = installed.set(&mut place.registry, row("a", b"two"), b"two");
        assert_eq!(before.unwrap().unwrap().sha256, sha256(b"one"));
        assert_eq!(place.files(), 2);
        installed.remove(&mut place.registry, "b").unwrap();
        assert_eq!((place.files(), installed.has(&sha256(b"one"))), (1, false));
        assert!(installed.remove(&mut place.registry, "b").unwrap().is_none());
    }

    #[test]
    fn a_file_that_is_not_what_was_installed_is_refused() {
        let mut place = Place::new();
        let installed = Installed::open(&place.state).unwrap();
        installed
            .set(&mut place.registry, row("a", b"one"), b"one")
            .unwrap();
        let row = installed.find("a").unwrap();
        std::fs::write(installed.file(&row.sha256), "other").unwrap();
        let error = installed.read(&row).unwrap_err().to_string();
        assert!(
            error.contains("is not what was installed") && error.contains("extension set a FILE"),
            "{error}"
        );
    }

    #[test]
    fn an_installed_component_hides_a_built_in_one() {
        let mut place = Place::new();
        let installed = Installed::open(&place.state).unwrap();
        let built_in = installed.list().len();
        let row = row("motion-detector", b"one");
        installed.set(&mut place.registry, row, b"one").unwrap();
        let list = installed.list();
        let named: Vec<_> = list.iter().filter(|one| one.name == "motion-detector").collect();
        assert_eq!((list.len(), named.len(), named[0].built_in), (built_in, 1, false));
    }
}
