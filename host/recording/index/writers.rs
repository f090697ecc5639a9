//! Who writes now: what a crash cuts off is known even when nothing of it had reached the disk.

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension as _, Row, params};

use super::read::{media_time, ticks};
use super::{AssetId, Index, IndexError};
use crate::media::MediaTime;

/// An asset that has media in memory, or had when the host was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The asset.
    pub asset: AssetId,
    /// The first moment of what is written.
    pub since: MediaTime,
    /// Where the cache has the asset.
    pub folder: PathBuf,
}

const SELECT: &str = "SELECT asset, since, folder FROM writer";

impl Index {
    /// Notes that an asset is written from now on.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn begin_writing(&self, asset: AssetId, since: MediaTime, folder: &Path) -> Result<(), IndexError> {
        let insert = "INSERT OR REPLACE INTO writer (asset, since, folder) VALUES (?1, ?2, ?3)";
        let values = params![asset.0, ticks(since), folder.to_string_lossy()];
        self.writing(|transaction| transaction.execute(insert, values).map(drop))
    }

    /// Notes that all of an asset is where it shall be, or is a gap.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn end_writing(&self, asset: AssetId) -> Result<(), IndexError> {
        let delete = "DELETE FROM writer WHERE asset = ?1";
        self.writing(|transaction| transaction.execute(delete, [asset.0]).map(drop))
    }

    /// All assets that are written, or were when the host was cut off.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn writers(&self) -> Result<Vec<Writer>, IndexError> {
        self.reading(|connection| {
            let mut statement = connection.prepare(&format!("{SELECT} ORDER BY asset"))?;
            statement.query_map([], writer)?.collect()
        })
    }

    /// One of them.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn writer(&self, asset: AssetId) -> Result<Option<Writer>, IndexError> {
        let select = format!("{SELECT} WHERE asset = ?1");
        self.reading(|connection| connection.query_row(&select, [asset.0], writer).optional())
    }
}

fn writer(row: &Row<'_>) -> rusqlite::Result<Writer> {
    Ok(Writer {
        asset: AssetId(row.get(0)?),
        since: media_time(row, 1)?,
        folder: PathBuf::from(row.get::<_, String>(2)?),
    })
}
