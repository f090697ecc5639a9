//! What the index is asked.

use std::ops::Range;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::holds::NOT_HELD;
use super::{
    AssetId, AssetRow, EpochId, EpochRow, FragmentEntry, Index, IndexError, SegmentId, SegmentRow,
    SegmentState, Waiting, unpack, write,
};
use crate::media::MediaTime;
use crate::recording::asset::name::{Epoch, SegmentName};
use crate::recording::asset::scan::Part;

/// What a row of a segment is made of.
pub(super) const SEGMENT: &str =
    "SELECT segment.id, segment.asset, segment.epoch, host, counter, start, ends, bytes, segment.video,
    segment.audio, kept, sha256, state, folder";
/// What a row of an asset is made of; the last: whether something of it is held.
pub(super) const ASSET: &str = "SELECT id, store, name, owner, created, EXISTS (SELECT 1 FROM hold
    WHERE hold.store = asset.store AND hold.asset = asset.name) FROM asset";
pub(super) const FROM: &str = "FROM segment JOIN epoch ON epoch.id = segment.epoch";

impl Index {
    /// All assets, by store and name.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn assets(&self) -> Result<Vec<AssetRow>, IndexError> {
        self.reading(|connection| {
            let mut statement = connection.prepare(&format!("{ASSET} ORDER BY store, name"))?;
            statement.query_map([], asset)?.collect()
        })
    }

    /// One asset.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn find_asset(&self, store: &str, name: &str) -> Result<Option<AssetRow>, IndexError> {
        let select = format!("{ASSET} WHERE store = ?1 AND name = ?2");
        self.reading(|connection| connection.query_row(&select, [store, name], asset).optional())
    }

    /// One asset by its number.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn asset_row(&self, id: AssetId) -> Result<Option<AssetRow>, IndexError> {
        let select = format!("{ASSET} WHERE id = ?1");
        self.reading(|connection| connection.query_row(&select, [id.0], asset).optional())
    }

    /// The epochs of an asset, in the order they were opened.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn epochs(&self, asset: AssetId) -> Result<Vec<EpochRow>, IndexError> {
        let select =
            "SELECT id, host, counter, opened, video, audio FROM epoch WHERE asset = ?1 ORDER BY opened, id";
        self.reading(|connection| {
            let mut statement = connection.prepare(select)?;
            statement.query_map([asset.0], epoch)?.collect()
        })
    }

    /// One epoch.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn epoch(&self, id: EpochId) -> Result<Option<EpochRow>, IndexError> {
        let select = "SELECT id, host, counter, opened, video, audio FROM epoch WHERE id = ?1";
        self.reading(|connection| connection.query_row(select, [id.0], epoch).optional())
    }

    /// The highest epoch that a host has begun in an asset, or 0.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn last_counter(&self, asset: AssetId, host: &str) -> Result<u64, IndexError> {
        self.reading(|connection| write::last_counter(connection, asset, host))
    }

    /// The segments of an asset that reach into a range, oldest first by epoch opened and start.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn segments(&self, asset: AssetId, range: Range<MediaTime>) -> Result<Vec<SegmentRow>, IndexError> {
        let select = format!(
            "{SEGMENT} {FROM} WHERE segment.asset = ?1 AND start < ?3 AND ends > ?2 ORDER BY segment.opened, start"
        );
        let bounds = params![asset.0, ticks(range.start), ticks(range.end)];
        self.reading(|connection| all(connection, &select, bounds))
    }

    /// One segment, if it is still there.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn segment(&self, id: SegmentId) -> Result<Option<SegmentRow>, IndexError> {
        self.reading(|connection| segment(connection, id))
    }

    /// Where the fragments of a segment lie; none when it has gone or its column is damaged.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn fragments(&self, id: SegmentId) -> Result<Vec<FragmentEntry>, IndexError> {
        let select = "SELECT start, fragments FROM segment WHERE id = ?1";
        self.reading(|connection| {
            let found = connection.query_row(select, [id.0], |row| {
                Ok((media_time(row, 0)?, row.get::<_, Vec<u8>>(1)?))
            });
            let unpacked = found
                .optional()?
                .and_then(|(start, column)| unpack(&column, start.ticks()));
            Ok(unpacked.unwrap_or_default())
        })
    }

    /// Segments that a store does not have yet, oldest first over all of its assets, at most `limit`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn waiting(&self, store: &str, limit: u32) -> Result<Vec<Waiting>, IndexError> {
        let select = format!(
            "{SEGMENT}, asset.name {FROM} JOIN asset ON asset.id = segment.asset
             WHERE state = 1 AND store = ?1 ORDER BY segment.opened, start LIMIT ?2"
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

    /// How much a store does not have yet: segments, bytes and the oldest moment among them.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn backlog(&self, store: &str) -> Result<Backlog, IndexError> {
        let select = "SELECT count(*), coalesce(sum(bytes), 0), min(start) FROM segment
             JOIN asset ON asset.id = segment.asset WHERE state = 1 AND store = ?1";
        self.reading(|connection| {
            connection.query_row(select, [store], |row| {
                Ok(Backlog {
                    segments: unsigned(row, 0)?,
                    bytes: unsigned(row, 1)?,
                    oldest: row.get::<_, Option<i64>>(2)?.map(from_ticks),
                })
            })
        })
    }

    /// The segments whose files are below a folder of the cache and that nothing holds, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn below(&self, folder: &Path, limit: u32) -> Result<Vec<SegmentRow>, IndexError> {
        let select = format!(
            "{SEGMENT} {FROM} JOIN asset ON asset.id = segment.asset
             WHERE folder >= ?1 AND folder < ?2 AND {NOT_HELD} ORDER BY segment.opened, start LIMIT ?3"
        );
        let (from, until) = range_below(folder);
        self.reading(|connection| all(connection, &select, params![from, until, limit]))
    }

    /// The segments whose files are in one folder of the cache, oldest first.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn in_folder(&self, folder: &Path) -> Result<Vec<SegmentRow>, IndexError> {
        let select = format!("{SEGMENT} {FROM} WHERE folder = ?1 ORDER BY segment.opened, start");
        self.reading(|connection| all(connection, &select, params![folder.to_string_lossy()]))
    }

    /// The segments that have a file in the cache, by number, at most `limit` of those behind `after`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn with_files(&self, after: SegmentId, limit: u32) -> Result<Vec<SegmentRow>, IndexError> {
        let select = format!(
            "{SEGMENT} {FROM} WHERE folder IS NOT NULL AND segment.id > ?1 ORDER BY segment.id LIMIT ?2"
        );
        self.reading(|connection| all(connection, &select, params![after.0, limit]))
    }

    /// Where the newest media of an asset ends.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn last_end(&self, asset: AssetId) -> Result<Option<MediaTime>, IndexError> {
        let select = "SELECT max(ends) FROM segment WHERE asset = ?1";
        self.reading(|connection| {
            let ends: Option<i64> = connection.query_row(select, [asset.0], |row| row.get(0))?;
            Ok(ends.map(from_ticks))
        })
    }

    /// The epochs that have a file in one folder of the cache.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn epochs_in_folder(&self, folder: &Path) -> Result<Vec<Epoch>, IndexError> {
        let select = "SELECT DISTINCT host, counter FROM segment JOIN epoch ON epoch.id = segment.epoch
             WHERE folder = ?1";
        self.reading(|connection| {
            let mut statement = connection.prepare(select)?;
            let rows = statement.query_map([folder.to_string_lossy()], |row| read_epoch(row, 0))?;
            rows.collect()
        })
    }

    /// When the newest of all epochs was opened.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn last_opened(&self) -> Result<Option<Timestamp>, IndexError> {
        self.reading(|connection| {
            let newest: Option<i64> =
                connection.query_row("SELECT max(opened) FROM epoch", [], |row| row.get(0))?;
            Ok(newest.and_then(|newest| Timestamp::from_microsecond(newest).ok()))
        })
    }

    /// How many bytes stand below a folder of the cache.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn bytes_below(&self, folder: &Path) -> Result<u64, IndexError> {
        let (from, until) = range_below(folder);
        let select = "SELECT coalesce(sum(bytes), 0) FROM segment WHERE folder >= ?1 AND folder < ?2";
        self.reading(|connection| connection.query_row(select, [from, until], |row| unsigned(row, 0)))
    }

    /// The files that shall go and may still be on the disk.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn garbage(&self) -> Result<Vec<PathBuf>, IndexError> {
        self.reading(|connection| {
            let mut statement = connection.prepare("SELECT path FROM garbage ORDER BY path")?;
            statement
                .query_map([], |row| Ok(PathBuf::from(row.get::<_, String>(0)?)))?
                .collect()
        })
    }
}

/// What a store does not have yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Segments.
    pub segments: u64,
    /// Bytes.
    pub bytes: u64,
    /// The first moment of the oldest.
    pub oldest: Option<MediaTime>,
}

pub(super) fn all(
    connection: &Connection,
    select: &str,
    parameters: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<Vec<SegmentRow>> {
    let mut statement = connection.prepare(select)?;
    statement.query_map(parameters, read_segment)?.collect()
}

pub(super) fn segment(connection: &Connection, id: SegmentId) -> rusqlite::Result<Option<SegmentRow>> {
    let mut statement = connection.prepare(&format!("{SEGMENT} {FROM} WHERE segment.id = ?1"))?;
    statement.query_row([id.0], read_segment).optional()
}

pub(super) fn read_segment(row: &Row<'_>) -> rusqlite::Result<SegmentRow> {
    let state = match row.get::<_, i64>(12)? {
        1 => SegmentState::Cached,
        _ => SegmentState::Stored,
    };
    Ok(SegmentRow {
        id: SegmentId(row.get(0)?),
        asset: AssetId(row.get(1)?),
        epoch: EpochId(row.get(2)?),
        name: SegmentName {
            start: media_time(row, 5)?,
            epoch: read_epoch(row, 3)?,
        },
        end: media_time(row, 6)?,
        bytes: unsigned(row, 7)?,
        video: unpacked_part(&row.get::<_, Vec<u8>>(8)?),
        audio: row.get::<_, Option<Vec<u8>>>(9)?.as_deref().map(unpacked_part),
        video_fragments: unsigned(row, 10)?,
        sha256: row.get(11)?,
        state,
        folder: row.get::<_, Option<String>>(13)?.map(PathBuf::from),
    })
}

pub(super) fn asset(row: &Row<'_>) -> rusqlite::Result<AssetRow> {
    Ok(AssetRow {
        id: AssetId(row.get(0)?),
        store: row.get(1)?,
        name: row.get(2)?,
        owner: row.get(3)?,
        created: moment(row, 4)?,
        held: row.get(5)?,
    })
}

pub(super) fn epoch(row: &Row<'_>) -> rusqlite::Result<EpochRow> {
    Ok(EpochRow {
        id: EpochId(row.get(0)?),
        epoch: read_epoch(row, 1)?,
        opened: moment(row, 3)?,
        video: row.get(4)?,
        audio: row.get(5)?,
    })
}

fn read_epoch(row: &Row<'_>, at: usize) -> rusqlite::Result<Epoch> {
    Ok(Epoch {
        host: row.get(at)?,
        counter: unsigned(row, at + 1)?,
    })
}

pub(super) fn moment(row: &Row<'_>, at: usize) -> rusqlite::Result<Timestamp> {
    Ok(Timestamp::from_microsecond(row.get(at)?).unwrap_or_default())
}

pub(super) fn unsigned(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(at)?).unwrap_or(0))
}

pub(super) fn media_time(row: &Row<'_>, at: usize) -> rusqlite::Result<MediaTime> {
    Ok(from_ticks(row.get(at)?))
}

pub(super) fn from_ticks(ticks: i64) -> MediaTime {
    MediaTime::from_ticks(u64::try_from(ticks).unwrap_or(0))
}

pub(super) fn ticks(at: MediaTime) -> i64 {
    i64::try_from(at.ticks()).unwrap_or(i64::MAX)
}

/// `/` is followed by `0` in the order of bytes.
fn range_below(folder: &Path) -> (String, String) {
    let folder = folder.to_string_lossy();
    let folder = folder.trim_end_matches('/');
    (format!("{folder}/"), format!("{folder}0"))
}

/// A part as five numbers of eight bytes, the lowest byte first.
pub(super) fn packed_part(part: &Part) -> Vec<u8> {
    [part.offset, part.bytes, part.start, part.ticks, part.samples]
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

fn unpacked_part(column: &[u8]) -> Part {
    let mut numbers = column
        .as_chunks::<8>()
        .0
        .iter()
        .map(|bytes| u64::from_le_bytes(*bytes));
    let mut next = || numbers.next().unwrap_or(0);
    Part {
        offset: next(),
        bytes: next(),
        start: next(),
        ticks: next(),
        samples: next(),
    }
}
