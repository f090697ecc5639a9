//! Gaps: what an asset does not have, and why.
//!
//! Invariants: gaps with the same reason that touch are one row, so an outage of days, or the rotation of a year, is one row;
//! a gap never covers media that is there.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::read::{media_time, ticks};
use super::{AssetId, Gap, GapReason, Index, IndexError};
use crate::media::{MediaTime, TICKS_PER_SECOND};

/// Ends and starts that are nearer than this touch, in ticks: less than two pictures of a slow camera.
const TOUCHING: i64 = TICKS_PER_SECOND / 2;
/// What a gap is made of.
const SELECT: &str = "SELECT start, ends, reason, fragments, units FROM gap";

impl Index {
    /// Notes what never came, or never reached the disk.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn note_gap(&self, asset: AssetId, gap: &Gap, now: Timestamp) -> Result<(), IndexError> {
        self.writing(|transaction| note(transaction, asset, gap, now))
    }

    /// The gap of an asset that ends last.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn last_gap(&self, asset: AssetId) -> Result<Option<Gap>, IndexError> {
        let select = format!("{SELECT} WHERE asset = ?1 ORDER BY ends DESC, id DESC LIMIT 1");
        self.reading(|connection| connection.query_row(&select, [asset.0], gap).optional())
    }

    /// The gaps of an asset that reach into a range, in order.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn gaps(&self, asset: AssetId, range: std::ops::Range<MediaTime>) -> Result<Vec<Gap>, IndexError> {
        self.reading(|connection| select(connection, asset, range))
    }
}

fn select(
    connection: &Connection,
    asset: AssetId,
    range: std::ops::Range<MediaTime>,
) -> rusqlite::Result<Vec<Gap>> {
    let select = format!("{SELECT} WHERE asset = ?1 AND start < ?3 AND ends > ?2 ORDER BY start, id");
    let mut statement = connection.prepare(&select)?;
    let rows = statement.query_map(params![asset.0, ticks(range.start), ticks(range.end)], gap)?;
    rows.collect()
}

pub(super) fn gap(row: &Row<'_>) -> rusqlite::Result<Gap> {
    Ok(Gap {
        start: media_time(row, 0)?,
        end: media_time(row, 1)?,
        reason: GapReason::parse(&row.get::<_, String>(2)?),
        fragments: u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
        units: u64::try_from(row.get::<_, i64>(4)?).unwrap_or(0),
    })
}

/// Notes a gap; one of the same reason that it touches grows instead.
pub(super) fn note(
    transaction: &Transaction<'_>,
    asset: AssetId,
    gap: &Gap,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let grown = transaction
        .prepare(
            "UPDATE gap SET start = min(start, ?2), ends = max(ends, ?3), fragments = fragments + ?5,
                 units = units + ?6, noted = ?7
             WHERE id = (SELECT id FROM gap WHERE asset = ?1 AND reason = ?4
                 AND start <= ?3 + ?8 AND ends >= ?2 - ?8 ORDER BY start DESC LIMIT 1)",
        )?
        .execute(params![
            asset.0,
            ticks(gap.start),
            ticks(gap.end),
            gap.reason.name(),
            count(gap.fragments),
            count(gap.units),
            now.as_microsecond(),
            TOUCHING,
        ])?;
    if grown > 0 {
        return Ok(());
    }
    transaction
        .prepare(
            "INSERT INTO gap (asset, start, ends, reason, fragments, units, noted)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            asset.0,
            ticks(gap.start),
            ticks(gap.end),
            gap.reason.name(),
            count(gap.fragments),
            count(gap.units),
            now.as_microsecond(),
        ])
        .map(drop)
}

/// Takes a stretch out of all gaps: its media is there.
pub(super) fn fill(
    transaction: &Transaction<'_>,
    asset: AssetId,
    start: MediaTime,
    end: MediaTime,
) -> rusqlite::Result<()> {
    let range = params![asset.0, ticks(start), ticks(end)];
    transaction.execute(
        "DELETE FROM gap WHERE asset = ?1 AND start >= ?2 AND ends <= ?3",
        range,
    )?;
    // What reaches over both ends is split.
    transaction.execute(
        "INSERT INTO gap (asset, start, ends, reason, fragments, units, noted)
         SELECT asset, ?3, ends, reason, 0, 0, noted FROM gap WHERE asset = ?1 AND start < ?2 AND ends > ?3",
        range,
    )?;
    transaction.execute(
        "UPDATE gap SET ends = ?2 WHERE asset = ?1 AND start < ?2 AND ends > ?2",
        params![asset.0, ticks(start)],
    )?;
    transaction
        .execute(
            "UPDATE gap SET start = ?3 WHERE asset = ?1 AND start < ?3 AND ends > ?3 AND start >= ?2",
            range,
        )
        .map(drop)
}

fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
