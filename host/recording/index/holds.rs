//! Holds: stretches of assets that nothing may remove, whatever becomes too old, too much or too full.
//!
//! An asset is named, not numbered: a hold stays when the index forgets the asset, and is there before it knows it again.
//!
//! Invariant: no segment that a hold reaches into is dropped but for being damaged; [`Index::drop_segments`] looks at the holds
//! in the transaction that drops.

use std::ops::Range;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::read::{media_time, moment, ticks};
use super::{AssetId, AssetRow, Index, IndexError, SegmentId};
use crate::media::MediaTime;

/// What a row is made of.
const SELECT: &str = "SELECT id, store, asset, start, ends, reason, who, since, until FROM hold";
/// As a condition on a segment beside its asset: nothing holds it.
pub(super) const NOT_HELD: &str = "NOT EXISTS (SELECT 1 FROM hold WHERE hold.store = asset.store
    AND hold.asset = asset.name AND hold.start < segment.ends AND hold.ends > segment.start)";

/// Numbers a hold; a number does not come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(pub i64);

/// A stretch of an asset that nothing may remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// Its number.
    pub id: HoldId,
    /// The store of the asset.
    pub store: String,
    /// Its name there.
    pub asset: String,
    /// Its first moment.
    pub start: MediaTime,
    /// Where it ends; [`MediaTime::MAX`]: what is to come is held, too.
    pub end: MediaTime,
    /// Why, for people.
    pub reason: String,
    /// Who holds it: the name of a token.
    pub who: String,
    /// When it was placed.
    pub since: Timestamp,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

impl HoldRow {
    /// Its stretch.
    #[must_use]
    pub fn range(&self) -> Range<MediaTime> {
        self.start..self.end
    }
}

impl Index {
    /// All holds, by number.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn holds(&self) -> Result<Vec<HoldRow>, IndexError> {
        let select = format!("{SELECT} ORDER BY id");
        self.reading(|connection| {
            let mut statement = connection.prepare(&select)?;
            statement.query_map([], hold)?.collect()
        })
    }

    /// The first hold of an asset that reaches into a range.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn hold_in(&self, asset: &AssetRow, range: &Range<MediaTime>) -> Result<Option<HoldRow>, IndexError> {
        let select = format!(
            "{SELECT} WHERE store = ?1 AND asset = ?2 AND start < ?4 AND ends > ?3 ORDER BY start, id LIMIT 1"
        );
        self.reading(|connection| {
            let values = params![asset.store, asset.name, ticks(range.start), ticks(range.end)];
            connection.query_row(&select, values, hold).optional()
        })
    }

    /// The number that the next hold gets.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn next_hold(&self) -> Result<HoldId, IndexError> {
        let select = "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'hold'";
        self.reading(|connection| connection.query_row(select, [], |row| Ok(HoldId(row.get(0)?))))
    }

    /// Keeps a hold under its number, which nothing may have.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn place_hold(&self, hold: &HoldRow) -> Result<(), IndexError> {
        self.writing(|transaction| {
            transaction
                .execute(
                    "INSERT INTO hold (id, store, asset, start, ends, reason, who, since, until)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                    params![
                        hold.id.0,
                        hold.store,
                        hold.asset,
                        ticks(hold.start),
                        ticks(hold.end),
                        hold.reason,
                        hold.who,
                        hold.since.as_microsecond(),
                        hold.until.map(Timestamp::as_microsecond),
                    ],
                )
                .map(drop)
        })
    }

    /// Ends holds.
    ///
    /// # Errors
    /// When the index cannot be written; then none has ended.
    pub fn end_holds(&self, ids: &[HoldId]) -> Result<(), IndexError> {
        self.writing(|transaction| {
            let mut statement = transaction.prepare("DELETE FROM hold WHERE id = ?1")?;
            for id in ids {
                statement.execute([id.0])?;
            }
            Ok(())
        })
    }

    /// Whether there is media that a hold keeps.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn is_something_held(&self) -> Result<bool, IndexError> {
        let select = "SELECT EXISTS (SELECT 1 FROM hold
             JOIN asset ON asset.store = hold.store AND asset.name = hold.asset
             JOIN segment ON segment.asset = asset.id AND segment.start < hold.ends AND segment.ends > hold.start)";
        self.reading(|connection| connection.query_row(select, [], |row| row.get(0)))
    }

    /// The bytes of an asset that holds keep.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn held_bytes(&self, asset: AssetId) -> Result<u64, IndexError> {
        let select = format!(
            "SELECT coalesce(sum(bytes), 0) FROM segment JOIN asset ON asset.id = segment.asset
             WHERE segment.asset = ?1 AND NOT {NOT_HELD}"
        );
        self.reading(|connection| {
            let bytes: i64 = connection.query_row(&select, [asset.0], |row| row.get(0))?;
            Ok(u64::try_from(bytes).unwrap_or(0))
        })
    }
}

/// Whether a hold reaches into a segment.
pub(super) fn is_held(connection: &Connection, id: SegmentId) -> rusqlite::Result<bool> {
    let select = format!(
        "SELECT NOT {NOT_HELD} FROM segment JOIN asset ON asset.id = segment.asset WHERE segment.id = ?1"
    );
    let mut statement = connection.prepare(&select)?;
    let held: Option<bool> = statement.query_row([id.0], |row| row.get(0)).optional()?;
    Ok(held.unwrap_or(false))
}

fn hold(row: &Row<'_>) -> rusqlite::Result<HoldRow> {
    let until: Option<i64> = row.get(8)?;
    Ok(HoldRow {
        id: HoldId(row.get(0)?),
        store: row.get(1)?,
        asset: row.get(2)?,
        start: media_time(row, 3)?,
        end: media_time(row, 4)?,
        reason: row.get(5)?,
        who: row.get(6)?,
        since: moment(row, 7)?,
        until: until.and_then(|until| Timestamp::from_microsecond(until).ok()),
    })
}

#[cfg(test)]
mod tests;
