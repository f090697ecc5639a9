//! The folders that sinks cache below, and what was done once.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use super::{Index, IndexError};

/// A folder that sinks cache below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder, absolute.
    pub path: PathBuf,
    /// The id of the volume that it is on; empty until the place carries one.
    pub volume: String,
    /// It was on another file system than the state directory when it was first used.
    pub apart: bool,
}

impl Place {
    /// A folder that is about to be given an id.
    #[must_use]
    pub fn unmarked(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            volume: String::new(),
            apart: false,
        }
    }

    /// Whether the folder has been given an id.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        !self.volume.is_empty()
    }
}

impl Index {
    /// All folders that sinks cache below, or did.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn places(&self) -> Result<Vec<Place>, IndexError> {
        self.reading(|connection| {
            let mut statement = connection.prepare("SELECT path, volume, apart FROM place ORDER BY path")?;
            statement.query_map([], place)?.collect()
        })
    }

    /// One of them.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn place(&self, path: &Path) -> Result<Option<Place>, IndexError> {
        let select = "SELECT path, volume, apart FROM place WHERE path = ?1";
        self.reading(|connection| {
            connection
                .query_row(select, [path.to_string_lossy()], place)
                .optional()
        })
    }

    /// Remembers a place, in place of what was known of it.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn set_place(&self, place: &Place) -> Result<(), IndexError> {
        self.writing(|transaction| {
            transaction
                .execute(
                    "INSERT OR REPLACE INTO place (path, volume, apart) VALUES (?1, ?2, ?3)",
                    params![place.path.to_string_lossy(), place.volume, place.apart],
                )
                .map(drop)
        })
    }

    /// Whether something was done once.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn is_fact(&self, name: &str) -> Result<bool, IndexError> {
        let select = "SELECT count(*) FROM fact WHERE name = ?1";
        self.reading(|connection| connection.query_row(select, [name], |row| Ok(row.get::<_, i64>(0)? > 0)))
    }

    /// Remembers that something was done.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn set_fact(&self, name: &str, now: Timestamp) -> Result<(), IndexError> {
        self.writing(|transaction| {
            let insert = "INSERT OR REPLACE INTO fact (name, noted) VALUES (?1, ?2)";
            transaction
                .execute(insert, params![name, now.as_microsecond()])
                .map(drop)
        })
    }
}

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place {
        path: PathBuf::from(row.get::<_, String>(0)?),
        volume: row.get(1)?,
        apart: row.get(2)?,
    })
}
