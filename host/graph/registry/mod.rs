//! The registry: topologies, graph instances and what is wanted of them, names of components, in SQLite.
//!
//! Invariants: one transaction per change, and a change that was acknowledged is on the disk (WAL with
//! `synchronous=FULL`). A topology that an instance refers to cannot go. The file holds secrets (values of
//! parameters, passwords of topologies), so it stands in the state directory, which only its owner may enter; no type
//! of this module shows them in `Debug`.

mod rows;
mod schema;

use std::fs::{OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row, params};

pub use self::rows::{ComponentRow, InstanceRow, ParameterValue, TopologyRow, Wanted};
use self::rows::{component, instance, topology};
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

#[cfg(test)]
mod tests;
