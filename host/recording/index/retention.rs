//! What retention asks and notes: how large and how old everything is, and what a store must let go.
//!
//! Invariants: what a store had is noted as a removal in the same transaction that takes its row, so it is removed even
//! when the process ends in between; init segments go only when no playlist names them any more.

use std::ops::Range;
use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::holds::NOT_HELD;
use super::read::{ASSET, FROM, SEGMENT as SELECT, all, asset, media_time, ticks};
use super::{AssetId, AssetRow, Index, IndexError, SegmentRow, SegmentState, listing};
use crate::media::{MediaTime, TrackKind};
use crate::recording::asset::name::{Epoch, SEGMENT};

/// What plays the newest day of an asset.
const NEWEST: &str = "index.m3u8";

/// How much an asset holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetSize {
    /// Which.
    pub asset: AssetRow,
    /// Sealed segments.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The first moment of the oldest.
    pub first: Option<MediaTime>,
    /// The last moment of the newest.
    pub last: Option<MediaTime>,
}

/// An object that a store must let go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The store.
    pub store: String,
    /// The name of the asset.
    pub asset: String,
    /// The name of the object within it.
    pub name: String,
}

impl Index {
    /// What each asset holds, by store and name.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn sizes(&self) -> Result<Vec<AssetSize>, IndexError> {
        let assets = self.assets()?;
        let select =
            "SELECT count(*), coalesce(sum(bytes), 0), min(start), max(ends) FROM segment WHERE asset = ?1";
        self.reading(|connection| {
            let mut statement = connection.prepare(select)?;
            let size = |asset: AssetRow| {
                statement.query_row([asset.id.0], |row| {
                    let some = row.get::<_, i64>(0)? > 0;
                    Ok(AssetSize {
                        asset,
                        segments: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
                        bytes: u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
                        first: some.then(|| media_time(row, 2)).transpose()?,
                        last: some.then(|| media_time(row, 3)).transpose()?,
                    })
                })
            };
            assets.into_iter().map(size).collect()
        })
    }

    /// The oldest segments of an asset, as far as they end before a moment, but for those that are held; at most `limit`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn oldest_of(
        &self,
        asset: AssetId,
        before: MediaTime,
        limit: u32,
    ) -> Result<Vec<SegmentRow>, IndexError> {
        let select = format!(
            "{SELECT} {FROM} JOIN asset ON asset.id = segment.asset
             WHERE segment.asset = ?1 AND ends <= ?2 AND {NOT_HELD} ORDER BY start LIMIT ?3"
        );
        self.reading(|connection| all(connection, &select, params![asset.0, ticks(before), limit]))
    }

    /// The oldest segments of a store that it has (or those that it does not have yet), but for those that are held; at most
    /// `limit`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn oldest_in(
        &self,
        store: &str,
        state: SegmentState,
        limit: u32,
    ) -> Result<Vec<SegmentRow>, IndexError> {
        let select = format!(
            "{SELECT} {FROM} JOIN asset ON asset.id = segment.asset
             WHERE store = ?1 AND state = ?2 AND {NOT_HELD} ORDER BY start LIMIT ?3"
        );
        self.reading(|connection| all(connection, &select, params![store, state as i64, limit]))
    }

    /// The oldest segments that no store has yet, whatever store they are for, but for those that are held; at most `limit`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn oldest_cached(&self, limit: u32) -> Result<Vec<SegmentRow>, IndexError> {
        let select = format!(
            "{SELECT} {FROM} JOIN asset ON asset.id = segment.asset
             WHERE state = 1 AND {NOT_HELD} ORDER BY start LIMIT ?1"
        );
        self.reading(|connection| all(connection, &select, params![limit]))
    }

    /// The folders of the cache that the oldest segments are in that no store has yet, held or not; of at most `limit` segments.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn cached_folders(&self, limit: u32) -> Result<Vec<PathBuf>, IndexError> {
        let select = "SELECT DISTINCT folder FROM (SELECT folder FROM segment
             WHERE state = 1 AND folder IS NOT NULL ORDER BY start LIMIT ?1)";
        self.reading(|connection| {
            let mut statement = connection.prepare(select)?;
            let rows = statement.query_map([limit], |row| Ok(PathBuf::from(row.get::<_, String>(0)?)))?;
            rows.collect()
        })
    }

    /// Segments of an asset that reach into a range, the oldest first; at most `limit`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn touching(
        &self,
        asset: AssetId,
        range: &Range<MediaTime>,
        limit: u32,
    ) -> Result<Vec<SegmentRow>, IndexError> {
        let select = format!(
            "{SELECT} {FROM} WHERE segment.asset = ?1 AND start < ?3 AND ends > ?2 ORDER BY start LIMIT ?4"
        );
        let values = params![asset.0, ticks(range.start), ticks(range.end), limit];
        self.reading(|connection| all(connection, &select, values))
    }

    /// From where to where the segments of an asset reach that reach into a range; none when there is none.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn touched(
        &self,
        asset: AssetId,
        range: &Range<MediaTime>,
    ) -> Result<Option<Range<MediaTime>>, IndexError> {
        let select = "SELECT min(start), max(ends), count(*) FROM segment
             WHERE asset = ?1 AND start < ?3 AND ends > ?2";
        self.reading(|connection| {
            connection.query_row(
                select,
                params![asset.0, ticks(range.start), ticks(range.end)],
                |row| {
                    if row.get::<_, i64>(2)? == 0 {
                        return Ok(None);
                    }
                    Ok(Some(media_time(row, 0)?..media_time(row, 1)?))
                },
            )
        })
    }

    /// What a store must let go, at most `limit`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn removals(&self, store: &str, limit: u32) -> Result<Vec<Removal>, IndexError> {
        let select = "SELECT asset, name FROM removal WHERE store = ?1 ORDER BY asset, name LIMIT ?2";
        self.reading(|connection| {
            let mut statement = connection.prepare(select)?;
            let rows = statement.query_map(params![store, limit], |row| {
                Ok(Removal {
                    store: store.to_owned(),
                    asset: row.get(0)?,
                    name: row.get(1)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Says that a store has let objects go.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn let_go(&self, gone: &[Removal]) -> Result<(), IndexError> {
        self.writing(|transaction| {
            let mut statement =
                transaction.prepare("DELETE FROM removal WHERE store = ?1 AND asset = ?2 AND name = ?3")?;
            for one in gone {
                statement.execute([&one.store, &one.asset, &one.name])?;
            }
            Ok(())
        })
    }

    /// Marks the playlists of a segment's day to be written anew.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn list_again(&self, segment: &SegmentRow) -> Result<(), IndexError> {
        self.writing(|transaction| listing::mark(transaction, segment.asset, segment.name.start))
    }

    /// The assets that [`Index::tidy`] may have something to do for: those with an epoch that holds nothing, or without a
    /// segment.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn untidy(&self) -> Result<Vec<AssetRow>, IndexError> {
        let select = format!(
            "{ASSET}
             WHERE id IN (SELECT asset FROM epoch WHERE (video IS NOT NULL OR audio IS NOT NULL)
                     AND NOT EXISTS (SELECT 1 FROM segment WHERE segment.epoch = epoch.id))
                 OR NOT EXISTS (SELECT 1 FROM segment WHERE segment.asset = asset.id)
             ORDER BY store, name"
        );
        self.reading(|connection| {
            let mut statement = connection.prepare(&select)?;
            statement.query_map([], asset)?.collect()
        })
    }

    /// Notes for removal what segments that went have left behind in their store: init segments that no playlist names any
    /// more, and the newest day's name when the asset is empty and closed. Forgets an asset that is empty and closed once its
    /// last gap ended before `forget_before`; true then.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn tidy(&self, asset: &AssetRow, open: bool, forget_before: Timestamp) -> Result<bool, IndexError> {
        self.writing(|transaction| {
            let oldest: Option<i64> = transaction.query_row(
                "SELECT min(start) FROM segment WHERE asset = ?1",
                [asset.id.0],
                |row| row.get(0),
            )?;
            // Playlists of days that had something of these epochs still name them until they are written again.
            let named: bool = transaction.query_row(
                "SELECT EXISTS (SELECT 1 FROM unlisted WHERE asset = ?1 AND day <= ?2)",
                params![asset.id.0, oldest.map_or(i64::MAX, |start| start / listing::DAY)],
                |row| row.get(0),
            )?;
            if named {
                return Ok(false);
            }
            drop_empty_epochs(transaction, asset, open, oldest.is_none())?;
            if open || oldest.is_some() {
                return Ok(false);
            }
            forget(transaction, asset, forget_before)
        })
    }
}

/// The day in which something starts, counted since the Unix epoch.
pub(super) fn day(start: MediaTime) -> i64 {
    ticks(start) / listing::DAY
}

/// Notes that a store must let a segment go.
pub(super) fn note_removal(transaction: &Transaction<'_>, segment: &SegmentRow) -> rusqlite::Result<()> {
    let (store, name): (String, String) = transaction.query_row(
        "SELECT store, name FROM asset WHERE id = ?1",
        [segment.asset.0],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    remove_later(transaction, &store, &name, &segment.name.file(SEGMENT))
}

fn remove_later(transaction: &Transaction<'_>, store: &str, asset: &str, name: &str) -> rusqlite::Result<()> {
    transaction
        .execute(
            "INSERT INTO removal (store, asset, name) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            [store, asset, name],
        )
        .map(drop)
}

/// Init segments of epochs without a segment go. The newest epoch of a host stays as a row: its counter must not be used again.
fn drop_empty_epochs(
    transaction: &Transaction<'_>,
    asset: &AssetRow,
    open: bool,
    empty: bool,
) -> rusqlite::Result<()> {
    let select = "SELECT id, host, counter, counter = (SELECT max(counter) FROM epoch AS other
             WHERE other.asset = epoch.asset AND other.host = epoch.host) FROM epoch
         WHERE asset = ?1 AND (video IS NOT NULL OR audio IS NOT NULL)
             AND NOT EXISTS (SELECT 1 FROM segment WHERE segment.epoch = epoch.id)";
    let idle: Vec<(i64, Epoch, bool)> = transaction
        .prepare(select)?
        .query_map([asset.id.0], |row| {
            let epoch = Epoch {
                host: row.get(1)?,
                counter: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
            };
            Ok((row.get(0)?, epoch, row.get(3)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    for (id, epoch, newest) in idle {
        // A writer may be about to seal its first segment.
        if open && newest {
            continue;
        }
        for kind in [TrackKind::Video, TrackKind::Audio] {
            remove_later(transaction, &asset.store, &asset.name, &epoch.init(kind))?;
        }
        let change = if newest {
            "UPDATE epoch SET video = NULL, audio = NULL WHERE id = ?1"
        } else {
            "DELETE FROM epoch WHERE id = ?1"
        };
        transaction.execute(change, [id])?;
        if empty && !open {
            remove_later(transaction, &asset.store, &asset.name, NEWEST)?;
        }
    }
    Ok(())
}

/// Takes an empty asset with its gaps, once nobody asks for them any more and its store has let everything go.
fn forget(transaction: &Transaction<'_>, asset: &AssetRow, before: Timestamp) -> rusqlite::Result<bool> {
    let last: Option<i64> = transaction
        .query_row(
            "SELECT max(ends) FROM gap WHERE asset = ?1",
            [asset.id.0],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    let waiting: bool = transaction.query_row(
        "SELECT EXISTS (SELECT 1 FROM removal WHERE store = ?1 AND asset = ?2)",
        [&asset.store, &asset.name],
        |row| row.get(0),
    )?;
    let until = ticks(MediaTime::from_timestamp(before));
    // An asset that never had anything has no gap: it counts from when it was made.
    let over = last.map_or(asset.created < before, |last| last < until);
    if waiting || asset.held || !over {
        return Ok(false);
    }
    transaction.execute("DELETE FROM asset WHERE id = ?1", [asset.id.0])?;
    Ok(true)
}
