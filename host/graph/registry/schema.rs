//! The tables of the registry, and how an older registry becomes a present one: see [`crate::database`].

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
