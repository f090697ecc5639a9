//! Why the journal cannot be read or kept.

use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::database::DatabaseError;

/// Why the journal cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No thread can be had.
    #[error("no thread can be started for the journal: {0}")]
    Thread(std::io::Error),
    /// There is none.
    #[error(
        "there is no journal at `{}`\nhint: name the state directory of the host with `--state-dir DIR`",
        .0.display()
    )]
    Missing(PathBuf),
    /// The operating system refuses.
    #[error("cannot open the journal `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database refuses.
    #[error("the journal `{}` cannot be used: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// Another version wrote it.
    #[error("the journal `{}` has format {found}, this version of mediagraph knows {known}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: i64,
        /// What we write.
        known: i64,
    },
    /// A mistake of ours.
    #[error("reading the journal ended unexpectedly: {0}")]
    Panicked(String),
}

impl From<DatabaseError> for JournalError {
    fn from(error: DatabaseError) -> Self {
        let known = super::store::SCHEMA_VERSION;
        match error {
            DatabaseError::Io { path, source } => Self::Io { path, source },
            DatabaseError::Database { path, source } => Self::Database { path, source },
            DatabaseError::Missing { path, .. } => Self::Missing(path),
            DatabaseError::Newer { path, found, .. } => Self::Format { path, found, known },
            DatabaseError::Older { path } => Self::Format {
                path,
                found: 0,
                known,
            },
        }
    }
}

impl JournalError {
    /// Whether what stands on the disk is not, or not any more, a journal of this version.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Format { .. } => true,
            Self::Database {
                source: rusqlite::Error::SqliteFailure(error, text),
                ..
            } => {
                matches!(error.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                    // A table or column that ought to be there is not.
                    || text.as_deref().is_some_and(|text| text.starts_with("no such"))
            }
            Self::Database {
                source:
                    rusqlite::Error::InvalidColumnType(..)
                    | rusqlite::Error::QueryReturnedNoRows
                    | rusqlite::Error::FromSqlConversionFailure(..)
                    | rusqlite::Error::Utf8Error(..),
                ..
            } => true,
            _ => false,
        }
    }
}
