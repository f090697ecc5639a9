//! For `check`: reading the whole index, and making one anew.

use std::path::Path;

use rusqlite::{OptionalExtension as _, params};

use super::read::{FROM, SEGMENT, all, ticks};
use super::{AssetId, Gap, Index, IndexError, SegmentId, SegmentRow, gaps, retention};
use crate::database::{self, DatabaseError};
use crate::media::MediaTime;

/// Numbers everything in an order that its content decides. Negative numbers on the way keep what is unique apart.
const RENUMBER: &str = "
    CREATE TEMP TABLE a AS SELECT id AS old, row_number() OVER (ORDER BY store, name) AS new FROM asset;
    CREATE TEMP TABLE e AS SELECT epoch.id AS old,
        row_number() OVER (ORDER BY a.new, host, counter) AS new FROM epoch JOIN a ON a.old = asset;
    CREATE TEMP TABLE s AS SELECT segment.id AS old,
        row_number() OVER (ORDER BY a.new, start, e.new) AS new
        FROM segment JOIN a ON a.old = asset JOIN e ON e.old = epoch;
    CREATE TEMP TABLE g AS SELECT a.new AS asset, start, ends, reason, fragments, units
        FROM gap JOIN a ON a.old = asset ORDER BY a.new, start, ends, reason;
    CREATE TEMP TABLE w AS SELECT a.new AS asset, label, track, first, last, best, confidence, area, count
        FROM sighting JOIN a ON a.old = asset ORDER BY a.new, first, label, track, last;
    CREATE TEMP TABLE u AS SELECT a.new AS asset, day FROM unlisted JOIN a ON a.old = asset;
    CREATE UNIQUE INDEX temp.a_old ON a (old);
    CREATE UNIQUE INDEX temp.e_old ON e (old);
    CREATE UNIQUE INDEX temp.s_old ON s (old);
    DELETE FROM gap;
    DELETE FROM sighting;
    DELETE FROM unlisted;
    UPDATE segment SET id = -id, epoch = -epoch;
    UPDATE segment SET id = (SELECT new FROM s WHERE old = -id), epoch = (SELECT new FROM e WHERE old = -epoch),
        asset = (SELECT new FROM a WHERE old = asset);
    UPDATE epoch SET id = -id, asset = -asset;
    UPDATE epoch SET id = (SELECT new FROM e WHERE old = -id), asset = (SELECT new FROM a WHERE old = -asset);
    UPDATE asset SET id = -id;
    UPDATE asset SET id = (SELECT new FROM a WHERE old = -id);
    INSERT INTO gap (asset, start, ends, reason, fragments, units, noted)
        SELECT asset, start, ends, reason, fragments, units, 0 FROM g ORDER BY rowid;
    INSERT INTO sighting (asset, label, track, first, last, best, confidence, area, count)
        SELECT asset, label, track, first, last, best, confidence, area, count FROM w ORDER BY rowid;
    INSERT INTO unlisted (asset, day) SELECT asset, day FROM u ORDER BY asset, day;
    DROP TABLE a; DROP TABLE e; DROP TABLE s; DROP TABLE g; DROP TABLE u; DROP TABLE w;";

impl Index {
    /// Opens a new index that nobody relies on before it is whole: commits do not wait for the disk.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn open_to_build(path: &Path) -> Result<Self, IndexError> {
        let index = Self::open(path)?;
        let quick = index.lock().pragma_update(None, "synchronous", "OFF");
        quick.map_err(|source| index.failed("written", source))?;
        Ok(index)
    }

    /// Writes a compact copy whose bytes depend on the content alone; `to` must not exist. It is on the disk then.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn export(&self, to: &Path) -> Result<(), IndexError> {
        let off = self.lock().pragma_update(None, "foreign_keys", false);
        off.map_err(|source| self.failed("written", source))?;
        self.writing(|transaction| transaction.execute_batch(RENUMBER))?;
        let to_text = to.to_string_lossy();
        let copied = self.lock().execute("VACUUM INTO ?1", [&to_text]);
        copied.map_err(|source| self.failed("written", source))?;
        database::private_and_synced(to).map_err(|source| {
            IndexError::Open(DatabaseError::Io {
                path: to.to_owned(),
                source,
            })
        })
    }

    /// What SQLite finds wrong with the database itself; none when it is sound.
    ///
    /// # Errors
    /// When it cannot be read at all.
    pub fn damage(&self) -> Result<Option<String>, IndexError> {
        self.reading(|connection| {
            let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            Ok((said != "ok").then_some(said))
        })
    }

    /// The segments of an asset by their start, at most `limit` of those behind `after`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn page(
        &self,
        asset: AssetId,
        after: Option<(MediaTime, SegmentId)>,
        limit: u32,
    ) -> Result<Vec<SegmentRow>, IndexError> {
        let select = format!(
            "{SEGMENT} {FROM} WHERE segment.asset = ?1 AND start >= ?2 AND (start, segment.id) > (?2, ?3)
             ORDER BY start, segment.id LIMIT ?4"
        );
        let (start, id) = after.map_or((-1, -1), |(start, id)| (ticks(start), id.0));
        self.reading(|connection| all(connection, &select, params![asset.0, start, id, limit]))
    }

    /// All gaps of an asset as they stand in it, in order.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn all_gaps(&self, asset: AssetId) -> Result<Vec<Gap>, IndexError> {
        let select =
            "SELECT start, ends, reason, fragments, units FROM gap WHERE asset = ?1 ORDER BY start, id";
        self.reading(|connection| {
            let mut statement = connection.prepare(select)?;
            statement.query_map([asset.0], gaps::gap)?.collect()
        })
    }

    /// Whether a store must let an object go.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn is_removal(&self, store: &str, asset: &str, name: &str) -> Result<bool, IndexError> {
        let select = "SELECT 1 FROM removal WHERE store = ?1 AND asset = ?2 AND name = ?3";
        self.reading(|connection| {
            let found = connection
                .query_row(select, [store, asset, name], |_| Ok(()))
                .optional()?;
            Ok(found.is_some())
        })
    }

    /// Whether the playlists of a segment's day are to be written again anyway.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn is_listed_again(&self, segment: &SegmentRow) -> Result<bool, IndexError> {
        let select = "SELECT 1 FROM unlisted WHERE asset = ?1 AND day = ?2";
        self.reading(|connection| {
            let values = params![segment.asset.0, retention::day(segment.name.start)];
            Ok(connection
                .query_row(select, values, |_| Ok(()))
                .optional()?
                .is_some())
        })
    }
}
