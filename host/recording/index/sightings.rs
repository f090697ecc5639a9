//! What was seen, and when: one row for each thing that was there without a break.
//!
//! Invariants: a row comes with the segment that it was seen in, in one commit; a row that no segment reaches into is gone with the
//! last of them; the same media gives the same rows, whether it is sealed or read again.

use std::ops::Range;

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::read::{from_ticks, media_time, ticks, unsigned};
use super::{AssetId, Index, IndexError, NewSegment};
use crate::media::{MediaTime, Ticks};
use crate::recording::detections::{Area, Detection, Fraction, Sighting, UNBROKEN, sightings};

/// The most rows: of more, the first that were made go.
const MAX_ROWS: i64 = 2_000_000;
/// How far after the end of its last segment something may have been seen: pictures are shown after they are decoded.
const BEHIND: Ticks = Ticks::from_secs(4);

/// Which sightings are asked for.
#[derive(Clone, Debug)]
pub struct SightingFilter<'a> {
    /// Of this class; without regard to the case of the letters A to Z.
    pub label: Option<&'a str>,
    /// Which reach into this time.
    pub range: Range<MediaTime>,
    /// In this asset.
    pub asset: Option<&'a str>,
    /// Recorded by one of these.
    pub owners: &'a [String],
    /// At least as certain as this.
    pub minimum: Fraction,
    /// Behind this one: its first moment and its number.
    pub after: Option<(MediaTime, i64)>,
    /// At most so many.
    pub limit: u32,
}

/// A sighting, and where it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SightingRow {
    /// Its number.
    pub id: i64,
    /// The store of the asset.
    pub store: String,
    /// The asset.
    pub asset: String,
    /// Who records it: `INSTANCE/NODE`.
    pub owner: String,
    /// What was seen.
    pub sighting: Sighting,
}

impl Index {
    /// Sightings by their first moments.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn find_sightings(&self, filter: &SightingFilter<'_>) -> Result<Vec<SightingRow>, IndexError> {
        // One index for each of the two: a question for a class must not read all of the others.
        let label = if filter.label.is_some() {
            "label = ?1"
        } else {
            "?1 IS NULL"
        };
        let select = format!(
            "SELECT sighting.id, store, name, owner, label, track, first, last, best, confidence, area, count
             FROM sighting CROSS JOIN asset ON asset.id = sighting.asset
             WHERE {label} AND first < ?3 AND last >= ?2 AND (first, sighting.id) > (?4, ?5) AND confidence >= ?6
                 AND (?7 IS NULL OR name = ?7) AND owner IN (SELECT value FROM json_each(?8))
             ORDER BY first, sighting.id LIMIT ?9"
        );
        let (first, id) = filter.after.map_or((-1, -1), |(first, id)| (ticks(first), id));
        let owners = serde_json::Value::from(filter.owners).to_string();
        self.reading(|connection| {
            let mut statement = connection.prepare(&select)?;
            let rows = statement.query_map(
                params![
                    filter.label,
                    ticks(filter.range.start),
                    ticks(filter.range.end),
                    first,
                    id,
                    filter.minimum.0,
                    filter.asset,
                    owners,
                    filter.limit,
                ],
                row,
            )?;
            rows.collect()
        })
    }

    /// Everybody who records, or did: `INSTANCE/NODE`, or empty when nobody knows.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn recorders(&self) -> Result<Vec<String>, IndexError> {
        self.reading(|connection| {
            let mut statement = connection.prepare("SELECT DISTINCT owner FROM asset ORDER BY owner")?;
            statement.query_map([], |row| row.get(0))?.collect()
        })
    }
}

/// Takes in what was seen in a segment that has just been taken in.
pub(super) fn note(transaction: &Transaction<'_>, new: &NewSegment<'_>) -> rusqlite::Result<()> {
    if new.detections.is_empty() {
        return Ok(());
    }
    let before = before(transaction, new)?;
    let here = |one: &&Detection| {
        one.time >= new.start || before.as_ref().is_some_and(|before| before.contains(&one.time))
    };
    let detections: Vec<Detection> = new.detections.iter().filter(here).cloned().collect();
    for sighting in sightings(&detections) {
        if !extend(transaction, new.asset, &sighting)? {
            insert(transaction, new.asset, &sighting)?;
        }
    }
    transaction
        .execute(
            "DELETE FROM sighting WHERE id <= (SELECT max(id) FROM sighting) - ?1",
            [MAX_ROWS],
        )
        .map(drop)
}

/// The segment before another one, if there still is one: what came too late for it belongs to its media.
fn before(transaction: &Transaction<'_>, new: &NewSegment<'_>) -> rusqlite::Result<Option<Range<MediaTime>>> {
    let select =
        "SELECT start, ends FROM segment WHERE asset = ?1 AND start < ?2 ORDER BY start DESC LIMIT 1";
    transaction
        .query_row(select, params![new.asset.0, ticks(new.start)], |row| {
            Ok(media_time(row, 0)?..from_ticks(row.get(1)?).offset(BEHIND))
        })
        .optional()
}

/// The same thing was seen shortly before or after: it was there all the time. False when it was not.
fn extend(transaction: &Transaction<'_>, asset: AssetId, one: &Sighting) -> rusqlite::Result<bool> {
    let grown = transaction
        .prepare(
            "UPDATE sighting SET first = min(first, ?4), last = max(last, ?5), count = count + ?9,
                 best = iif(?7 > confidence, ?6, best), area = iif(?7 > confidence, ?8, area),
                 confidence = max(confidence, ?7)
             WHERE id = (SELECT id FROM sighting WHERE asset = ?1 AND label = ?2 AND track = ?3
                 AND last >= ?4 - ?10 AND first <= ?5 + ?10 ORDER BY last DESC LIMIT 1)",
        )?
        .execute(params![
            asset.0,
            &*one.label,
            one.track.as_deref().unwrap_or(""),
            ticks(one.first),
            ticks(one.last),
            ticks(one.best),
            one.confidence.0,
            packed(one.area),
            i64::try_from(one.count).unwrap_or(i64::MAX),
            UNBROKEN.0,
        ])?;
    Ok(grown > 0)
}

fn insert(transaction: &Transaction<'_>, asset: AssetId, one: &Sighting) -> rusqlite::Result<()> {
    transaction
        .prepare(
            "INSERT INTO sighting (asset, label, track, first, last, best, confidence, area, count)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            asset.0,
            &*one.label,
            one.track.as_deref().unwrap_or(""),
            ticks(one.first),
            ticks(one.last),
            ticks(one.best),
            one.confidence.0,
            packed(one.area),
            i64::try_from(one.count).unwrap_or(i64::MAX),
        ])
        .map(drop)
}

/// A segment of this time has gone: what was seen in it alone goes, and what was seen before or after as well is shorter. When it was
/// seen best stays as it was.
pub(super) fn forget(
    transaction: &Transaction<'_>,
    asset: AssetId,
    gone: Range<MediaTime>,
) -> rusqlite::Result<()> {
    let range = params![asset.0, ticks(gone.start), ticks(gone.end)];
    transaction.execute(
        "DELETE FROM sighting WHERE asset = ?1 AND last >= ?2 AND first < ?3 + ?4 AND NOT EXISTS (
             SELECT 1 FROM segment WHERE segment.asset = ?1 AND start <= sighting.last AND ends > sighting.first)",
        params![asset.0, ticks(gone.start), ticks(gone.end), BEHIND.0],
    )?;
    let covered = "EXISTS (SELECT 1 FROM segment WHERE segment.asset = ?1 AND start < ?3 AND ends > ?2)";
    transaction.execute(
        &format!(
            "UPDATE sighting SET first = ?3 WHERE asset = ?1 AND first >= ?2 AND first < ?3 AND last >= ?3 AND NOT {covered}"
        ),
        range,
    )?;
    transaction
        .execute(
            &format!(
                "UPDATE sighting SET last = ?2 WHERE asset = ?1 AND last >= ?2 AND last < ?3 AND first < ?2 AND NOT {covered}"
            ),
            range,
        )
        .map(drop)
}

fn row(row: &Row<'_>) -> rusqlite::Result<SightingRow> {
    let track: String = row.get(5)?;
    Ok(SightingRow {
        id: row.get(0)?,
        store: row.get(1)?,
        asset: row.get(2)?,
        owner: row.get(3)?,
        sighting: Sighting {
            label: row.get::<_, String>(4)?.into(),
            track: (!track.is_empty()).then(|| track.into()),
            first: media_time(row, 6)?,
            last: media_time(row, 7)?,
            best: media_time(row, 8)?,
            confidence: Fraction(row.get(9)?),
            area: unpacked(&row.get::<_, Vec<u8>>(10)?),
            count: unsigned(row, 11)?,
        },
    })
}

/// Four numbers of two bytes, the lowest byte first.
fn packed(area: Area) -> Vec<u8> {
    area.parts()
        .iter()
        .flat_map(|part| part.0.to_le_bytes())
        .collect()
}

fn unpacked(column: &[u8]) -> Area {
    let mut parts = column.as_chunks::<2>().0.iter();
    let mut next = || Fraction(parts.next().map_or(0, |bytes| u16::from_le_bytes(*bytes)));
    Area::from_parts([next(), next(), next(), next()])
}

#[cfg(test)]
mod tests;
