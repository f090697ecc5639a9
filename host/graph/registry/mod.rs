//! The registry: topologies, graph instances and what is wanted of them, names of components, in SQLite.
//!
//! Invariants: one transaction per change, and a change that was acknowledged is on the disk (WAL with
//! `synchronous=FULL`). A topology that an instance refers to cannot go. The file holds secrets (values of
//! parameters, passwords of topologies), so it stands in the state directory, which only its owner may enter; no type
//! of this module shows them in `Debug`.

mod schema;

use std::fmt;
use std::fs::{OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use crate::database::{self, DatabaseError, Tuning};

/// The registry's file in the state directory.
pub use crate::state::REGISTRY as REGISTRY_FILE;

/// It holds secrets.
const OWNER_ONLY_FILE: u32 = 0o600;
/// The rights of everyone else.
const OTHERS: u32 = 0o077;

/// Why the registry cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// SQLite refused.
    #[error("the registry `{}` cannot be used: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file cannot be made, or kept from others.
    #[error("the registry `{}` cannot be used: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Written by another version.
    #[error(
        "the registry `{}` has version {found}, this version of mediagraph knows {}\n\
         hint: use the version that wrote it, or choose another state directory with `--state-dir DIR`",
        path.display(), schema::VERSION
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// A change was not written.
    #[error("the registry cannot be written: {0}\nhint: look whether the disk is full, and at its health")]
    Write(#[source] rusqlite::Error),
    /// What is stored cannot be read.
    #[error("the registry cannot be read: {0}")]
    Read(#[source] rusqlite::Error),
}

impl From<DatabaseError> for RegistryError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Io { path, source } | DatabaseError::Missing { path, source } => {
                Self::Io { path, source }
            }
            DatabaseError::Database { path, source } => Self::Open { path, source },
            DatabaseError::Newer { path, found, .. } => Self::Newer { path, found },
            // Only those who may not change it are told so.
            DatabaseError::Older { path } => Self::Newer { path, found: 0 },
        }
    }
}

/// What somebody last asked of a graph instance; it outlives the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Wanted {
    /// To run, also after a restart.
    Active,
    /// To stand still.
    #[default]
    Inactive,
}

/// A topology as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct TopologyRow {
    /// Its name.
    pub name: String,
    /// As it was sent.
    pub document: String,
    /// ISO 8601, UTC.
    pub created_at: String,
    /// ISO 8601, UTC.
    pub modified_at: String,
}

impl fmt::Debug for TopologyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopologyRow")
            .field("name", &self.name)
            .field("bytes", &self.document.len())
            .finish_non_exhaustive()
    }
}

/// The value that an instance gives a parameter.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterValue {
    /// The parameter.
    pub name: String,
    /// Its value; the topology's default when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl fmt::Debug for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The value may be a password.
        f.debug_tuple("ParameterValue").field(&self.name).finish()
    }
}

/// A graph instance as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceRow {
    /// Its name.
    pub name: String,
    /// The topology that it is made of.
    pub topology: String,
    /// For people.
    pub description: Option<String>,
    /// In the order they were sent.
    pub parameters: Vec<ParameterValue>,
    /// What is wanted of it.
    pub wanted: Wanted,
    /// ISO 8601, UTC.
    pub created_at: String,
    /// ISO 8601, UTC.
    pub modified_at: String,
}

/// A component that was installed under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentRow {
    /// By which topologies refer to it; its own name for itself may be another.
    pub name: String,
    /// Of its bytes, in hexadecimal: names its file.
    pub sha256: String,
    /// What it is.
    pub world: String,
    /// Its own version.
    pub version: String,
    /// Its size.
    pub bytes: u64,
    /// ISO 8601, UTC.
    pub created_at: String,
    /// ISO 8601, UTC.
    pub modified_at: String,
}

/// The open registry.
#[derive(Debug)]
pub struct Registry {
    connection: Connection,
}

impl Registry {
    /// Opens or makes the registry, and brings an older one up to date.
    ///
    /// # Errors
    /// When a newer version wrote it, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self, RegistryError> {
        keep_private(path).map_err(|source| RegistryError::Io {
            path: path.to_owned(),
            source,
        })?;
        let tuning = Tuning {
            erase: true,
            ..Tuning::default()
        };
        let connection = database::open_tuned(path, schema::MIGRATIONS, tuning)?;
        Ok(Self { connection })
    }

    /// Everything that is stored, by name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn load(&self) -> Result<(Vec<TopologyRow>, Vec<InstanceRow>), RegistryError> {
        let topologies = self.rows(
            "SELECT name, document, created_at, modified_at FROM topology ORDER BY name",
            topology,
        );
        let instances = self.rows(
            "SELECT name, topology, description, parameters, wanted, created_at, modified_at FROM instance ORDER BY name",
            instance,
        );
        Ok((
            topologies.map_err(RegistryError::Read)?,
            instances.map_err(RegistryError::Read)?,
        ))
    }

    fn rows<T>(&self, sql: &str, read: fn(&Row<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<Vec<T>> {
        self.connection.prepare(sql)?.query_map([], read)?.collect()
    }

    /// Stores a topology, instead of one of the same name.
    ///
    /// # Errors
    /// When it is not on the disk.
    pub fn put_topology(&mut self, row: &TopologyRow) -> Result<(), RegistryError> {
        self.change(
            "INSERT INTO topology (name, document, created_at, modified_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (name) DO UPDATE SET document = ?2, created_at = ?3, modified_at = ?4",
            params![row.name, row.document, row.created_at, row.modified_at],
        )
    }

    /// Removes a topology.
    ///
    /// # Errors
    /// When an instance refers to it, or the change is not on the disk.
    pub fn delete_topology(&mut self, name: &str) -> Result<(), RegistryError> {
        self.change("DELETE FROM topology WHERE name = ?1", params![name])
    }

    /// Stores an instance, instead of one of the same name.
    ///
    /// # Errors
    /// When its topology is not there, or the change is not on the disk.
    pub fn put_instance(&mut self, row: &InstanceRow) -> Result<(), RegistryError> {
        let parameters = serde_json::to_string(&row.parameters).map_err(|error| {
            RegistryError::Write(rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
        })?;
        self.change(
            "INSERT INTO instance (name, topology, description, parameters, wanted, created_at, modified_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (name) DO UPDATE SET topology = ?2, description = ?3, parameters = ?4, wanted = ?5,
             created_at = ?6, modified_at = ?7",
            params![
                row.name,
                row.topology,
                row.description,
                parameters,
                row.wanted == Wanted::Active,
                row.created_at,
                row.modified_at
            ],
        )
    }

    /// Remembers what is wanted of an instance.
    ///
    /// # Errors
    /// When it is not on the disk.
    pub fn set_wanted(&mut self, name: &str, wanted: Wanted) -> Result<(), RegistryError> {
        self.change(
            "UPDATE instance SET wanted = ?2 WHERE name = ?1",
            params![name, wanted == Wanted::Active],
        )
    }

    /// Removes an instance.
    ///
    /// # Errors
    /// When the change is not on the disk.
    pub fn delete_instance(&mut self, name: &str) -> Result<(), RegistryError> {
        self.change("DELETE FROM instance WHERE name = ?1", params![name])
    }

    /// The components of a registry that another process may have open. Changes nothing.
    ///
    /// # Errors
    /// When it cannot be read, or knows nothing of components yet.
    pub fn look(path: &Path) -> Result<Vec<ComponentRow>, RegistryError> {
        let connection = database::open_to_read(path, schema::VERSION)?;
        Self { connection }.components()
    }

    /// All components that were installed, by name.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn components(&self) -> Result<Vec<ComponentRow>, RegistryError> {
        let rows = self.rows(
            "SELECT name, sha256, world, version, bytes, created_at, modified_at FROM component ORDER BY name",
            component,
        );
        rows.map_err(RegistryError::Read)
    }

    /// Lets a name point to a component, instead of what it pointed to.
    ///
    /// # Errors
    /// When the change is not on the disk.
    pub fn put_component(&mut self, row: &ComponentRow) -> Result<(), RegistryError> {
        self.change(
            "INSERT INTO component (name, sha256, world, version, bytes, created_at, modified_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (name) DO UPDATE SET sha256 = ?2, world = ?3, version = ?4, bytes = ?5, created_at = ?6,
             modified_at = ?7",
            params![
                row.name,
                row.sha256,
                row.world,
                row.version,
                i64::try_from(row.bytes).unwrap_or(i64::MAX),
                row.created_at,
                row.modified_at
            ],
        )
    }

    /// Takes a name away.
    ///
    /// # Errors
    /// When the change is not on the disk.
    pub fn delete_component(&mut self, name: &str) -> Result<(), RegistryError> {
        self.change("DELETE FROM component WHERE name = ?1", params![name])
    }

    /// Whether a change could be begun: the file is there, and its disk takes writes.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&mut self) -> Result<(), RegistryError> {
        let behavior = rusqlite::TransactionBehavior::Immediate;
        let begun = self.connection.transaction_with_behavior(behavior);
        begun
            .and_then(rusqlite::Transaction::rollback)
            .map_err(RegistryError::Write)
    }

    /// One statement is one transaction. It is prepared anew: that takes microseconds, and the disk milliseconds.
    fn change(&mut self, sql: &str, params: impl rusqlite::Params) -> Result<(), RegistryError> {
        self.connection
            .execute(sql, params)
            .map(drop)
            .map_err(RegistryError::Write)
    }
}

/// Makes the file if need be. SQLite would make it readable for everyone; its other files get the rights of this one.
fn keep_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    let file = options
        .append(true)
        .create(true)
        .mode(OWNER_ONLY_FILE)
        .open(path)?;
    if file.metadata()?.mode() & OTHERS == 0 {
        return Ok(());
    }
    // From an earlier version.
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::set_permissions(PathBuf::from(name), Permissions::from_mode(OWNER_ONLY_FILE)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            done => done?,
        }
    }
    Ok(())
}

fn topology(row: &Row<'_>) -> rusqlite::Result<TopologyRow> {
    Ok(TopologyRow {
        name: row.get(0)?,
        document: row.get(1)?,
        created_at: row.get(2)?,
        modified_at: row.get(3)?,
    })
}

fn instance(row: &Row<'_>) -> rusqlite::Result<InstanceRow> {
    const PARAMETERS: usize = 3;
    let parameters: String = row.get(PARAMETERS)?;
    let parameters = serde_json::from_str(&parameters).map_err(|error| {
        let text = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(PARAMETERS, text, Box::new(error))
    })?;
    Ok(InstanceRow {
        name: row.get(0)?,
        topology: row.get(1)?,
        description: row.get(2)?,
        parameters,
        wanted: if row.get(4)? {
            Wanted::Active
        } else {
            Wanted::Inactive
        },
        created_at: row.get(5)?,
        modified_at: row.get(6)?,
    })
}

fn component(row: &Row<'_>) -> rusqlite::Result<ComponentRow> {
    Ok(ComponentRow {
        name: row.get(0)?,
        sha256: row.get(1)?,
        world: row.get(2)?,
        version: row.get(3)?,
        bytes: row
            .get::<_, i64>(4)
            .map(|bytes| u64::try_from(bytes).unwrap_or(0))?,
        created_at: row.get(5)?,
        modified_at: row.get(6)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_components_point_to_what_was_said_last() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(REGISTRY_FILE);
        let row = |name: &str, sha256: &str| ComponentRow {
            name: name.into(),
            sha256: sha256.into(),
            world: "detector".into(),
            version: "1.2.3".into(),
            bytes: 7,
            created_at: "2026-01-01T00:00:00.000Z".into(),
            modified_at: "2026-01-02T00:00:00.000Z".into(),
        };
        let mut registry = Registry::open(&path).unwrap();
        registry.put_component(&row("b", "1")).unwrap();
        registry.put_component(&row("a", "1")).unwrap();
        registry.put_component(&row("b", "2")).unwrap();
        drop(registry);
        let mut registry = Registry::open(&path).unwrap();
        assert_eq!(registry.components().unwrap(), [row("a", "1"), row("b", "2")]);
        registry.delete_component("a").unwrap();
        assert_eq!(registry.components().unwrap(), [row("b", "2")]);
    }

    #[test]
    fn nobody_else_may_read_it_also_when_an_earlier_version_let_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(REGISTRY_FILE);
        let modes = || {
            let files = std::fs::read_dir(folder.path()).unwrap();
            let mut modes: Vec<_> = files
                .map(|file| file.unwrap().metadata().unwrap().mode() & 0o777)
                .collect();
            modes.dedup();
            modes
        };
        let registry = Registry::open(&path).unwrap();
        assert_eq!(modes(), [OWNER_ONLY_FILE]);
        drop(registry);
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let _registry = Registry::open(&path).unwrap();
        assert_eq!(modes(), [OWNER_ONLY_FILE]);
    }

    fn a_topology(name: &str, document: &str) -> TopologyRow {
        TopologyRow {
            name: name.into(),
            document: document.into(),
            created_at: "2026-01-01T00:00:00.000Z".into(),
            modified_at: "2026-01-02T00:00:00.000Z".into(),
        }
    }

    fn an_instance(name: &str, topology: &str) -> InstanceRow {
        InstanceRow {
            name: name.into(),
            topology: topology.into(),
            description: Some("ä \"quoted\"".into()),
            parameters: vec![
                ParameterValue {
                    name: "b".into(),
                    value: Some("canary".into()),
                },
                ParameterValue {
                    name: "a".into(),
                    value: None,
                },
            ],
            wanted: Wanted::Inactive,
            created_at: "2026-01-01T00:00:00.000Z".into(),
            modified_at: "2026-01-01T00:00:00.000Z".into(),
        }
    }

    #[test]
    fn what_is_stored_is_there_after_opening_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(REGISTRY_FILE);
        let mut registry = Registry::open(&path).unwrap();
        registry.put_topology(&a_topology("t", "{}")).unwrap();
        registry.put_topology(&a_topology("t", "{\"a\": 1}")).unwrap();
        registry.put_topology(&a_topology("u", "{}")).unwrap();
        registry.put_instance(&an_instance("i", "t")).unwrap();
        registry.put_instance(&an_instance("j", "u")).unwrap();
        registry.set_wanted("i", Wanted::Active).unwrap();
        registry.delete_instance("j").unwrap();
        registry.delete_topology("u").unwrap();
        drop(registry);
        let (topologies, instances) = Registry::open(&path).unwrap().load().unwrap();
        assert_eq!(topologies, [a_topology("t", "{\"a\": 1}")]);
        let expected = InstanceRow {
            wanted: Wanted::Active,
            ..an_instance("i", "t")
        };
        assert_eq!(instances, [expected]);
    }

    #[test]
    fn a_topology_that_an_instance_refers_to_cannot_go() {
        let dir = tempfile::tempdir().unwrap();
        let mut registry = Registry::open(&dir.path().join(REGISTRY_FILE)).unwrap();
        registry.put_topology(&a_topology("t", "{}")).unwrap();
        registry.put_instance(&an_instance("i", "t")).unwrap();
        assert!(registry.delete_topology("t").is_err());
        assert!(registry.put_instance(&an_instance("k", "missing")).is_err());
        assert_eq!(registry.load().unwrap().0.len(), 1);
    }

    #[test]
    fn commits_are_synced() {
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::open(&dir.path().join(REGISTRY_FILE)).unwrap();
        let read = |name: &str| -> String {
            let value = registry
                .connection
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
            format!("{:?}", value.unwrap())
        };
        assert_eq!(read("journal_mode"), "Text(\"wal\")");
        assert_eq!(read("synchronous"), "Integer(2)");
        assert_eq!(read("foreign_keys"), "Integer(1)");
    }

    #[test]
    fn a_newer_registry_is_refused_by_its_version() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(REGISTRY_FILE);
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", 99)
            .unwrap();
        let error = Registry::open(&path).unwrap_err().to_string();
        assert!(
            error.contains("has version 99") && error.contains("--state-dir"),
            "{error}"
        );
    }

    #[test]
    fn debug_output_shows_no_values() {
        let shown = format!("{:?} {:?}", a_topology("t", "canary"), an_instance("i", "t"));
        assert!(!shown.contains("canary"), "{shown}");
    }
}
