//! The registry: topologies, graph instances and what is wanted of them, in SQLite.

/// Why the registry cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// SQLite refused.
    #[error("the registry cannot be used: {0}")]
    Database(#[from] rusqlite::Error),
}
