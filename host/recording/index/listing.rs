//! What the queue of a store asks: what waits, and which days' playlists are not as they shall stay.
//!
//! Invariant: a day whose playlists do not show what stands in the store is unlisted, in the same commit that made it so. A day
//! of an asset that somebody writes stays unlisted until it is over.

use std::ops::Range;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::read::{FROM, SEGMENT, from_ticks, read_segment, ticks, unsigned};
use super::{AssetId, Backlog, Index, IndexError, SegmentRow, Waiting};
use crate::media::{MediaTime, TICKS_PER_SECOND};

pub(super) const DAY: i64 = 86_400 * TICKS_PER_SECOND;

/// A day whose playlists shall be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlisted {
    /// Of which asset.
    pub asset: AssetId,
    /// Its name.
    pub name: String,
    /// Who recorded into it last: `INSTANCE/NODE`.
    pub owner: String,
    /// Days since the Unix epoch.
    pub day: i64,
    /// What [`Index::listed`] is to be given back.
    pub change: i64,
}

impl Unlisted {
    /// From its first moment to that of the next day.
    #[must_use]
    pub fn range(&self) -> Range<MediaTime> {
        from_ticks(self.day.saturating_mul(DAY))..from_ticks(self.day.saturating_add(1).saturating_mul(DAY))
    }
}

impl Index {
    /// Days whose playlists a store does not have as they shall stay, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn unlisted(&self, store: &str, limit: u32) -> Result<Vec<Unlisted>, IndexError> {
        let select =
            "SELECT asset.id, name, owner, day, change FROM unlisted JOIN asset ON asset.id = unlisted.asset
             WHERE store = ?1 ORDER BY day, asset.id LIMIT ?2";
        self.reading(|connection| {
            let mut statement = connection.prepare(select)?;
            let rows = statement.query_map(params![store, limit], |row| {
                Ok(Unlisted {
                    asset: AssetId(row.get(0)?),
                    name: row.get(1)?,
                    owner: row.get(2)?,
                    day: row.get(3)?,
                    change: row.get(4)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Says that the playlists of a day are as they shall stay, unless something has changed since it was given.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn listed(&self, day: &Unlisted) -> Result<(), IndexError> {
        self.writing(|transaction| {
            transaction
                .execute(
                    "DELETE FROM unlisted WHERE asset = ?1 AND day = ?2 AND change = ?3",
                    params![day.asset.0, day.day, day.change],
                )
                .map(drop)
        })
    }

    /// What shall be listed in the playlists of a range: the segments that begin in it and that the store has, in order.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn stored_in(&self, asset: AssetId, range: &Range<MediaTime>) -> Result<Vec<SegmentRow>, IndexError> {
        let select = format!(
            "{SEGMENT} {FROM} WHERE segment.asset = ?1 AND start >= ?2 AND start < ?3 AND state = 2
             ORDER BY segment.opened, start"
        );
        self.reading(|connection| {
            let mut statement = connection.prepare(&select)?;
            let bounds = params![asset.0, ticks(range.start), ticks(range.end)];
            statement.query_map(bounds, read_segment)?.collect()
        })
    }

    /// Whether an asset has segments that begin in a range; only those that wait for their store, or any.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn has_in(&self, asset: AssetId, range: Range<MediaTime>, waiting: bool) -> Result<bool, IndexError> {
        let select = "SELECT 1 FROM segment
             WHERE asset = ?1 AND start >= ?2 AND start < ?3 AND (state = 1 OR NOT ?4) LIMIT 1";
        let values = params![asset.0, ticks(range.start), ticks(range.end), waiting];
        self.reading(|connection| {
            Ok(connection
                .query_row(select, values, |_| Ok(()))
                .optional()?
                .is_some())
        })
    }

    /// Whether a store has segments of an asset that begin in a range.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn has_stored_in(&self, asset: AssetId, range: Range<MediaTime>) -> Result<bool, IndexError> {
        let select =
            "SELECT 1 FROM segment WHERE asset = ?1 AND start >= ?2 AND start < ?3 AND state = 2 LIMIT 1";
        let values = params![asset.0, ticks(range.start), ticks(range.end)];
        self.reading(|connection| {
            Ok(connection
                .query_row(select, values, |_| Ok(()))
                .optional()?
                .is_some())
        })
    }

    /// The newest day before one of which the store has something.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn day_before(&self, day: &Unlisted) -> Result<Option<i64>, IndexError> {
        let select = "SELECT max(start) FROM segment WHERE asset = ?1 AND start < ?2 AND state = 2";
        let newest: Option<i64> = self.reading(|connection| {
            let values = params![day.asset.0, ticks(day.range().start)];
            connection.query_row(select, values, |row| row.get(0))
        })?;
        Ok(newest.map(|start| start / DAY))
    }

    /// Whether something of an asset waits for its store, or playlists of it are still to be written.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn is_unfinished(&self, asset: AssetId) -> Result<bool, IndexError> {
        let select = "SELECT EXISTS (SELECT 1 FROM segment WHERE asset = ?1 AND state = 1)
             OR EXISTS (SELECT 1 FROM unlisted WHERE asset = ?1)";
        self.reading(|connection| connection.query_row(select, [asset.0], |row| row.get(0)))
    }

    /// The segments that a store does not have yet, by age over all of its assets but some, at most `limit`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn waiting_without(
        &self,
        store: &str,
        without: &[AssetId],
        limit: u32,
    ) -> Result<Vec<Waiting>, IndexError> {
        let without: Vec<String> = without.iter().map(|asset| asset.0.to_string()).collect();
        let select = format!(
            "{SEGMENT}, asset.name {FROM} JOIN asset ON asset.id = segment.asset
             WHERE state = 1 AND store = ?1 AND segment.asset NOT IN ({})
             ORDER BY start, segment.id LIMIT ?2",
            without.join(", ")
        );
        self.reading(|connection| {
            let mut statement = connection.prepare(&select)?;
            let rows = statement.query_map(params![store, limit], |row| {
                Ok(Waiting {
                    segment: read_segment(row)?,
                    asset: row.get(14)?,
                })
            })?;
            rows.collect()
        })
    }

    /// What the stores do not have yet of what an instance recorded; none: of all.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn backlog_of(&self, instance: Option<&str>) -> Result<Backlog, IndexError> {
        let select = "SELECT count(*), coalesce(sum(bytes), 0), min(start) FROM segment
             JOIN asset ON asset.id = segment.asset
             WHERE state = 1 AND (?1 IS NULL OR substr(owner, 1, length(?1)) = ?1)";
        let prefix = instance.map(|instance| format!("{instance}/"));
        self.reading(|connection| {
            connection.query_row(select, [prefix], |row| {
                Ok(Backlog {
                    segments: unsigned(row, 0)?,
                    bytes: unsigned(row, 1)?,
                    oldest: row.get::<_, Option<i64>>(2)?.map(from_ticks),
                })
            })
        })
    }

    /// Whether playlists of what an instance recorded are still to be written; none: of anybody.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn is_unlisted(&self, instance: Option<&str>) -> Result<bool, IndexError> {
        let select = "SELECT 1 FROM unlisted JOIN asset ON asset.id = unlisted.asset
             WHERE ?1 IS NULL OR substr(owner, 1, length(?1)) = ?1 LIMIT 1";
        let prefix = instance.map(|instance| format!("{instance}/"));
        self.reading(|connection| {
            Ok(connection
                .query_row(select, [prefix], |_| Ok(()))
                .optional()?
                .is_some())
        })
    }
}

/// Notes that the playlists of the day in which a segment begins do not show what stands in the store.
pub(super) fn mark(transaction: &Transaction<'_>, asset: AssetId, start: MediaTime) -> rusqlite::Result<()> {
    transaction
        .execute(
            "INSERT INTO unlisted (asset, day) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET change = change + 1",
            params![asset.0, ticks(start) / DAY],
        )
        .map(drop)
}
