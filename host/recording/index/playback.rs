//! What whoever plays recordings asks: never more than a stretch at a time, in a time that does not grow with what lies before it.

use std::ops::Range;

use rusqlite::{OptionalExtension as _, Row, params};

use super::read::{ASSET, FROM, SEGMENT, asset, epoch, from_ticks, media_time, read_segment, ticks};
use super::{AssetId, AssetRow, EpochRow, FragmentEntry, Index, IndexError, SegmentRow, unpack};
use crate::media::{MediaTime, TICKS_PER_SECOND};
use crate::recording::asset::name::{Epoch, SegmentName};

/// No segment is longer, in ticks: one hour. `segmentLength` is five minutes at most, and a segment is sealed after twice of it. So
/// what begins earlier need not be looked at, however much there is of it.
const LONGEST_SEGMENT: i64 = 3_600 * TICKS_PER_SECOND;
/// Segments of one stretch; a day has 2,880 of 30 s. What begins later than so many is left out.
const MAX_SEGMENTS: u32 = 200_000;
/// The newest segments of an asset among which one ends last.
const NEWEST: u32 = 64;

/// A segment, and where its fragments lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayableRow {
    /// The segment.
    pub segment: SegmentRow,
    /// In the order of the file; none when the column is damaged.
    pub fragments: Vec<FragmentEntry>,
}

impl Index {
    /// All assets of a name, whatever their store, the newest first.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn assets_named(&self, name: &str) -> Result<Vec<AssetRow>, IndexError> {
        let select = format!("{ASSET} WHERE name = ?1 ORDER BY created DESC, id DESC");
        self.reading(|connection| {
            let mut statement = connection.prepare(&select)?;
            statement.query_map([name], asset)?.collect()
        })
    }

    /// Assets behind a store and name, by name and store, at most `limit`.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn assets_behind(&self, name: &str, store: &str, limit: u32) -> Result<Vec<AssetRow>, IndexError> {
        let select =
            format!("{ASSET} WHERE name > ?1 OR (name = ?1 AND store > ?2) ORDER BY name, store LIMIT ?3");
        self.reading(|connection| {
            let mut statement = connection.prepare(&select)?;
            statement.query_map(params![name, store, limit], asset)?.collect()
        })
    }

    /// The segments of an asset that reach into a range, with their fragments, oldest first by epoch opened and start.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn playable(&self, asset: AssetId, range: &Range<MediaTime>) -> Result<Vec<PlayableRow>, IndexError> {
        // By start, as they stand in the table's index: to sort whole rows takes SQLite four times as long as to find them.
        let select = format!(
            "{SEGMENT}, segment.fragments, segment.opened {FROM}
             WHERE segment.asset = ?1 AND start >= ?2 AND start < ?3 AND ends > ?4 ORDER BY start LIMIT ?5"
        );
        let (from, until) = (ticks(range.start), ticks(range.end));
        let earliest = from.saturating_sub(LONGEST_SEGMENT);
        let mut rows: Vec<(i64, PlayableRow)> = self.reading(|connection| {
            let mut statement = connection.prepare(&select)?;
            let values = params![asset.0, earliest, until, from, MAX_SEGMENTS];
            statement
                .query_map(values, |row| Ok((row.get(15)?, playable(row)?)))?
                .collect()
        })?;
        // Those of an epoch stay in order.
        rows.sort_by_key(|(opened, _)| *opened);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// One segment by its name.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn playable_named(
        &self,
        asset: AssetId,
        name: &SegmentName,
    ) -> Result<Option<PlayableRow>, IndexError> {
        let select = format!(
            "{SEGMENT}, segment.fragments {FROM} WHERE epoch.asset = ?1 AND host = ?2 AND counter = ?3 AND start = ?4"
        );
        let counter = i64::try_from(name.epoch.counter).unwrap_or(i64::MAX);
        self.reading(|connection| {
            let mut statement = connection.prepare(&select)?;
            let values = params![asset.0, name.epoch.host, counter, ticks(name.start)];
            statement.query_row(values, playable).optional()
        })
    }

    /// One epoch of an asset by its name.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn epoch_named(&self, asset: AssetId, name: &Epoch) -> Result<Option<EpochRow>, IndexError> {
        let select = "SELECT id, host, counter, opened, video, audio FROM epoch
             WHERE asset = ?1 AND host = ?2 AND counter = ?3";
        let counter = i64::try_from(name.counter).unwrap_or(i64::MAX);
        self.reading(|connection| {
            let mut statement = connection.prepare(select)?;
            statement
                .query_row(params![asset.0, name.host, counter], epoch)
                .optional()
        })
    }

    /// Where the segments of an asset begin and end that reach into a range, by their starts.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn spans(
        &self,
        asset: AssetId,
        range: &Range<MediaTime>,
    ) -> Result<Vec<Range<MediaTime>>, IndexError> {
        let select =
            "SELECT start, ends FROM segment WHERE asset = ?1 AND start >= ?2 AND start < ?3 AND ends > ?4
             ORDER BY start LIMIT ?5";
        let (from, until) = (ticks(range.start), ticks(range.end));
        let earliest = from.saturating_sub(LONGEST_SEGMENT);
        self.reading(|connection| {
            let mut statement = connection.prepare(select)?;
            let values = params![asset.0, earliest, until, from, MAX_SEGMENTS];
            let rows = statement.query_map(values, |row| Ok(media_time(row, 0)?..media_time(row, 1)?))?;
            rows.collect()
        })
    }

    /// Calls `each` for what an asset has along a range, by starts: its segments, and those beside it, so that what lies between them is
    /// seen from end to end.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn along(
        &self,
        asset: AssetId,
        range: &Range<MediaTime>,
        mut each: impl FnMut(Range<MediaTime>),
    ) -> Result<(), IndexError> {
        let before = "SELECT start, ends FROM
             (SELECT start, ends FROM segment WHERE asset = ?1 AND start < ?2 ORDER BY start DESC LIMIT ?3)
             ORDER BY ends DESC LIMIT 1";
        let select = "SELECT start, ends FROM segment WHERE asset = ?1 AND start >= ?2 ORDER BY start";
        let stretch = |row: &Row<'_>| Ok(media_time(row, 0)?..media_time(row, 1)?);
        let from = ticks(range.start);
        self.reading(|connection| {
            let mut before = connection.prepare(before)?;
            let before = before.query_row(params![asset.0, from, NEWEST], stretch);
            if let Some(before) = before.optional()? {
                each(before);
            }
            let mut statement = connection.prepare(select)?;
            for found in statement.query_map(params![asset.0, from], stretch)? {
                let found = found?;
                let behind = found.start >= range.end;
                each(found);
                if behind {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Whether something of an asset lies in a range.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn any_in(&self, asset: AssetId, range: &Range<MediaTime>) -> Result<bool, IndexError> {
        let select =
            "SELECT 1 FROM segment WHERE asset = ?1 AND start >= ?2 AND start < ?3 AND ends > ?4 LIMIT 1";
        let (from, until) = (ticks(range.start), ticks(range.end));
        let earliest = from.saturating_sub(LONGEST_SEGMENT);
        self.reading(|connection| {
            let mut statement = connection.prepare(select)?;
            let found = statement.query_row(params![asset.0, earliest, until, from], |_| Ok(()));
            Ok(found.optional()?.is_some())
        })
    }

    /// Where an asset begins and ends, as far as it is sealed; none when nothing of it is.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn extent(&self, asset: AssetId) -> Result<Option<Range<MediaTime>>, IndexError> {
        let first = "SELECT min(start) FROM segment WHERE asset = ?1";
        let last = "SELECT max(ends) FROM
             (SELECT ends FROM segment WHERE asset = ?1 ORDER BY start DESC LIMIT ?2)";
        self.reading(|connection| {
            let first: Option<i64> = (connection.prepare(first)?).query_row([asset.0], |row| row.get(0))?;
            let last: Option<i64> =
                (connection.prepare(last)?).query_row(params![asset.0, NEWEST], |row| row.get(0))?;
            Ok(first
                .zip(last)
                .map(|(first, last)| from_ticks(first)..from_ticks(last)))
        })
    }

    /// The first moment of an epoch that is still there.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn epoch_start(&self, epoch: super::EpochId) -> Result<Option<MediaTime>, IndexError> {
        let select = "SELECT min(start) FROM segment WHERE epoch = ?1";
        self.reading(|connection| {
            let first: Option<i64> = (connection.prepare(select)?).query_row([epoch.0], |row| row.get(0))?;
            Ok(first.map(from_ticks))
        })
    }
}

fn playable(row: &Row<'_>) -> rusqlite::Result<PlayableRow> {
    let segment = read_segment(row)?;
    let column = row.get_ref(14)?.as_blob()?;
    let fragments = unpack(column, segment.name.start.ticks()).unwrap_or_default();
    Ok(PlayableRow { segment, fragments })
}

#[cfg(test)]
mod tests {
    use crate::media::Ticks;
    use crate::recording::asset::name::Epoch;
    use crate::recording::index::tests::{Bench, at};

    #[test]
    fn segments_are_found_by_what_they_reach_into_and_by_their_names() {
        let bench = Bench::new();
        let noon = at("2026-11-20T12:00:00Z");
        let second = |second: i64| noon.offset(Ticks::from_secs(second));
        for start in [0, 30, 90] {
            bench.segment(second(start), Ticks::from_secs(30), 1000);
        }
        let index = &bench.index;
        let starts = |from, until| -> Vec<i64> {
            let rows = index
                .playable(bench.asset, &(second(from)..second(until)))
                .unwrap();
            let starts = rows
                .iter()
                .map(|row| row.segment.name.start.since(noon).0 / 90_000);
            starts.collect()
        };
        assert_eq!(starts(0, 120), [0, 30, 90]);
        assert_eq!(starts(29, 31), [0, 30]);
        assert_eq!(starts(60, 90), [] as [i64; 0]);
        assert!(!index.any_in(bench.asset, &(second(60)..second(90))).unwrap());
        assert!(index.any_in(bench.asset, &(second(60)..second(91))).unwrap());
        assert_eq!(index.extent(bench.asset).unwrap(), Some(noon..second(120)));
        assert_eq!(index.epoch_start(bench.epoch).unwrap(), Some(noon));
        assert_eq!(
            index.spans(bench.asset, &(second(0)..second(31))).unwrap(),
            [noon..second(30), second(30)..second(60)]
        );
        let row = index.playable(bench.asset, &(noon..second(1))).unwrap().remove(0);
        assert_eq!(row.fragments.len(), 1);
        let named = index.playable_named(bench.asset, &row.segment.name).unwrap();
        assert_eq!(named, Some(row.clone()));
        let mut other = row.segment.name.clone();
        other.epoch.counter += 1;
        assert_eq!(index.playable_named(bench.asset, &other).unwrap(), None);
        let epoch = index.epoch_named(bench.asset, &row.segment.name.epoch).unwrap();
        assert_eq!(epoch.unwrap().id, bench.epoch);
    }

    #[test]
    fn segments_come_by_the_epochs_as_they_were_opened_even_if_the_clock_was_put_back() {
        let bench = Bench::new();
        let noon = at("2026-11-20T12:00:00Z");
        let second = |second: i64| noon.offset(Ticks::from_secs(second));
        // The bench opened its epoch before this one.
        let later = Epoch::parse("host-2").unwrap();
        let opened = "2026-11-21T00:00:00Z".parse().unwrap();
        let later = bench.index.begin_epoch(bench.asset, &later, opened).unwrap();
        for (epoch, start) in [(later, 10), (bench.epoch, 60), (later, 0), (bench.epoch, 5)] {
            let length = Ticks::from_secs(5);
            bench.segment_of(bench.asset, epoch, second(start), length, 1000);
        }
        let rows = bench.index.playable(bench.asset, &(noon..second(100))).unwrap();
        let found: Vec<_> = rows
            .iter()
            .map(|row| (row.segment.epoch, row.segment.name.start))
            .collect();
        assert_eq!(
            found,
            [
                (bench.epoch, second(5)),
                (bench.epoch, second(60)),
                (later, second(0)),
                (later, second(10)),
            ]
        );
    }

    #[test]
    fn assets_are_listed_in_order_behind_one_another() {
        let bench = Bench::new();
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        for (store, name) in [("local", "Alley"), ("cloud", "Lobby"), ("local", "Yard")] {
            bench.index.asset(store, name, "", now).unwrap();
        }
        let behind = |name, store| -> Vec<(String, String)> {
            let rows = bench.index.assets_behind(name, store, 2).unwrap();
            rows.into_iter().map(|row| (row.name, row.store)).collect()
        };
        let row = |name: &str, store: &str| (name.to_owned(), store.to_owned());
        assert_eq!(behind("", ""), [row("Alley", "local"), row("Lobby", "cloud")]);
        assert_eq!(
            behind("Lobby", "cloud"),
            [row("Lobby", "local"), row("Yard", "local")]
        );
        assert_eq!(bench.index.assets_named("Lobby").unwrap().len(), 2);
    }
}
