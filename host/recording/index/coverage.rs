//! What was recorded when, and what is missing, as `coverage` asks it: by who recorded, over all of its assets.

use std::ops::Range;

use rusqlite::params;

use super::gaps;
use super::read::{media_time, ticks};
use super::{Gap, Index, IndexError};
use crate::media::MediaTime;

/// Somebody who records: a node of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerRow {
    /// `INSTANCE/NODE`; empty when nobody knows.
    pub owner: String,
    /// The first moment of which something is known.
    pub first: MediaTime,
}

/// A segment as a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its first moment.
    pub start: MediaTime,
    /// Where it ends.
    pub end: MediaTime,
    /// Its size.
    pub bytes: u64,
}

impl Index {
    /// Everybody who has recorded, by name; only what has a segment or a gap.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn owners(&self) -> Result<Vec<OwnerRow>, IndexError> {
        let select = "SELECT owner, min(first) FROM (
                 SELECT owner, (SELECT min(start) FROM segment WHERE segment.asset = asset.id) AS first FROM asset
                 UNION ALL
                 SELECT owner, (SELECT min(start) FROM gap WHERE gap.asset = asset.id) FROM asset)
             WHERE first IS NOT NULL GROUP BY owner ORDER BY owner";
        self.reading(|connection| {
            let mut statement = connection.prepare(select)?;
            let rows = statement.query_map([], |row| {
                Ok(OwnerRow {
                    owner: row.get(0)?,
                    first: media_time(row, 1)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Calls `each` for every segment of an owner that reaches into a range, by its start.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn stretches(
        &self,
        owner: &str,
        range: &Range<MediaTime>,
        mut each: impl FnMut(Stretch),
    ) -> Result<(), IndexError> {
        let select = "SELECT start, ends, bytes FROM asset CROSS JOIN segment ON segment.asset = asset.id
             WHERE owner = ?1 AND start < ?3 AND ends > ?2 ORDER BY start";
        self.reading(|connection| {
            let mut statement = connection.prepare(select)?;
            let mut rows = statement.query(params![owner, ticks(range.start), ticks(range.end)])?;
            while let Some(row) = rows.next()? {
                each(Stretch {
                    start: media_time(row, 0)?,
                    end: media_time(row, 1)?,
                    bytes: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
                });
            }
            Ok(())
        })
    }

    /// The gaps of all assets of an owner that reach into a range, by their start.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn gaps_of(&self, owner: &str, range: &Range<MediaTime>) -> Result<Vec<Gap>, IndexError> {
        let select =
            "SELECT start, ends, reason, fragments, units FROM asset CROSS JOIN gap ON gap.asset = asset.id
             WHERE owner = ?1 AND start < ?3 AND ends > ?2 ORDER BY start, gap.id";
        self.reading(|connection| {
            let mut statement = connection.prepare(select)?;
            let bounds = params![owner, ticks(range.start), ticks(range.end)];
            statement.query_map(bounds, gaps::gap)?.collect()
        })
    }
}
