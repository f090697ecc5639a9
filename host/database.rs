//! Opening a SQLite database that is ours: private to its owner, in WAL mode, brought to the present version.
//!
//! `user_version` counts the migrations that a database has been through. A migration is never edited once it has been
//! released; a change of the tables is a further one.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

const OWNER_ONLY_FILE: u32 = 0o600;
/// How long a change waits for somebody else who reads the file, such as a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The log of changes is cut back to this size once it has been larger, in bytes.
const MAX_IDLE_LOG_BYTES: i64 = 4 << 20;
/// What a connection keeps in memory, in KiB: a database of ours is read along an index.
const CACHE_KIB: i64 = 256;

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file cannot be made.
    #[error("cannot create the database `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// SQLite refused.
    #[error("the database `{}` cannot be used: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// There is none to read.
    #[error(
        "the database `{}` cannot be read: {source}\nhint: name the state directory with `--state-dir DIR`",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not brought to the present version yet.
    #[error(
        "the database `{}` was written by an older version of mediagraph\n\
         hint: the host brings it to the present one when it starts",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
    },
    /// Written by another version.
    #[error(
        "the database `{}` has version {found}, this version of mediagraph knows {known}\n\
         hint: use the version that wrote it, or choose another state directory with `--state-dir DIR`",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest known.
        known: usize,
    },
}

/// What a database is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Whether a commit is on the disk when it returns; otherwise a power cut may cost the last ones, but no order.
    pub durable: bool,
    /// Whether what is deleted is written over: it may have been a password.
    pub erase: bool,
    /// The log of changes is cut back to this size once it has been larger, in bytes.
    pub idle_log: i64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            durable: true,
            erase: false,
            idle_log: MAX_IDLE_LOG_BYTES,
        }
    }
}

/// Opens, or makes, a database whose commits are on the disk when they return.
///
/// # Errors
/// When the operating system or SQLite refuses, or a newer version wrote it.
pub fn open(path: &Path, migrations: &[&str]) -> Result<Connection, DatabaseError> {
    open_tuned(path, migrations, Tuning::default())
}

/// As [`open`], for other purposes.
///
/// # Errors
/// As [`open`].
pub fn open_tuned(path: &Path, migrations: &[&str], tuning: Tuning) -> Result<Connection, DatabaseError> {
    // SQLite would make it readable for everyone.
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(OWNER_ONLY_FILE)
        .open(path)
        .map_err(|source| DatabaseError::Io {
            path: path.to_owned(),
            source,
        })?;
    let failed = |source| DatabaseError::Database {
        path: path.to_owned(),
        source,
    };
    let mut connection = connect(path, tuning).map_err(failed)?;
    match migrate(&mut connection, migrations).map_err(failed)? {
        None => Ok(connection),
        Some(found) => Err(DatabaseError::Newer {
            path: path.to_owned(),
            found,
            known: migrations.len(),
        }),
    }
}

/// Opens a database to read it, beside whoever writes it. `known` is the number of migrations that there are.
///
/// # Errors
/// When it is missing, of another version, or SQLite refuses.
pub fn open_to_read(path: &Path, known: usize) -> Result<Connection, DatabaseError> {
    let failed = |source| DatabaseError::Database {
        path: path.to_owned(),
        source,
    };
    std::fs::metadata(path).map_err(|source| DatabaseError::Missing {
        path: path.to_owned(),
        source,
    })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed)?;
    match usize::try_from(found) {
        Ok(found) if found == known => Ok(connection),
        Ok(older) if older < known => Err(DatabaseError::Older {
            path: path.to_owned(),
        }),
        _ => Err(DatabaseError::Newer {
            path: path.to_owned(),
            found,
            known,
        }),
    }
}

/// Makes a database that SQLite wrote by itself readable for its owner alone, and puts it on the disk.
pub(crate) fn private_and_synced(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(OWNER_ONLY_FILE))?;
    file.sync_all()
}

fn connect(path: &Path, tuning: Tuning) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = if tuning.durable { "FULL" } else { "NORMAL" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "secure_delete", tuning.erase)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "journal_size_limit", tuning.idle_log)?;
    Ok(connection)
}

/// Runs the migrations that a database lacks, all or none. Gives its version when that is a newer one.
fn migrate(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<Option<i64>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Some(lacking) = usize::try_from(found)
        .ok()
        .and_then(|found| migrations.get(found..))
    else {
        return Ok(Some(found));
    };
    if lacking.is_empty() {
        return Ok(None);
    }
    for migration in lacking {
        transaction.execute_batch(migration)?;
    }
    let version = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_database_goes_through_the_migrations_that_it_lacks_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        let first = &["CREATE TABLE a (x)"][..];
        let both = &["CREATE TABLE a (x)", "CREATE TABLE b (y)"][..];
        for migrations in [first, both, both] {
            assert_eq!(migrate(&mut connection, migrations), Ok(None));
        }
        connection.execute("INSERT INTO b VALUES (1)", []).unwrap();
        assert_eq!(migrate(&mut connection, first), Ok(Some(2)));
    }

    #[test]
    fn a_migration_that_fails_leaves_the_database_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert!(migrate(&mut connection, &["CREATE TABLE a (x)", "nonsense"]).is_err());
        assert_eq!(migrate(&mut connection, &["CREATE TABLE a (x)"]), Ok(None));
    }
}
