//! The tables of the registry, and how an older registry becomes a present one.
//!
//! `user_version` counts the migrations that a registry has been through. A migration is never edited once it has been
//! released; a change of the tables is a further one.

use rusqlite::{Connection, TransactionBehavior};

/// SQL that brings a registry from one version to the next.
pub(super) const MIGRATIONS: &[&str] = &[
    // 1: topologies and instances.
    "CREATE TABLE topology (
        name TEXT PRIMARY KEY NOT NULL,
        document TEXT NOT NULL,
        created_at TEXT NOT NULL,
        modified_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE instance (
        name TEXT PRIMARY KEY NOT NULL,
        topology TEXT NOT NULL REFERENCES topology (name),
        description TEXT,
        parameters TEXT NOT NULL,
        wanted INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        modified_at TEXT NOT NULL
    ) STRICT;",
    // 2: components that were installed under a name.
    "CREATE TABLE component (
        name TEXT PRIMARY KEY NOT NULL,
        sha256 TEXT NOT NULL,
        world TEXT NOT NULL,
        version TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        modified_at TEXT NOT NULL
    ) STRICT;",
];

/// The version that this program writes.
pub(super) const VERSION: usize = MIGRATIONS.len();

/// Runs the migrations that a registry lacks, all or none. Gives its version when that is a newer one.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<Option<i64>> {
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
    fn an_older_registry_goes_through_the_migrations_that_it_lacks_once() {
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
    fn a_migration_that_fails_leaves_the_registry_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert!(migrate(&mut connection, &["CREATE TABLE a (x)", "nonsense"]).is_err());
        assert_eq!(migrate(&mut connection, &["CREATE TABLE a (x)"]), Ok(None));
    }
}
