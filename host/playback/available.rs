//! Which years, months, days and moments of a recording there are, as Live Video Analytics' `availableMedia` says it.
//!
//! | `precision` | how times are written | the most that may be asked for |
//! |---|---|---|
//! | `year` | `2026` | everything; both ends may be left out |
//! | `month` | `2026-11` | 12 months |
//! | `day` | `2026-11-22` | 31 days |
//! | `full` | `2026-11-22T14:02:00Z` | 25 hours |
//!
//! Both ends belong to what is asked for and to what is answered; neighbours are one range. All of it is UTC.

mod question;

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use self::question::Stretch;
pub use self::question::{Precision, Question, QuestionError};
use super::{Playback, PlaybackError};
use crate::media::{MediaTime, Ticks};
use crate::recording::asset::playlist::CONTIGUOUS;
use crate::recording::index::{AssetRow, Index, IndexError};

/// A stretch that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeRange {
    /// Its first unit or moment.
    pub start: String,
    /// Its last unit, or where it ends.
    pub end: String,
}

/// All that is there of what is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Available {
    /// In order, apart from one another.
    pub time_ranges: Vec<TimeRange>,
}

impl Playback {
    /// Answers a question about a recording.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub async fn available(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        question: Question,
    ) -> Result<Available, PlaybackError> {
        let (playback, asset) = (Arc::clone(self), Arc::clone(asset));
        self.ask(move |index| {
            let there = playback.there(index, &asset);
            Ok(there.answer(&question)?)
        })
        .await
    }
}

/// What is there of a recording.
pub(super) struct There<'a> {
    pub(super) index: &'a Index,
    pub(super) asset: &'a AssetRow,
    /// What of it is not sealed.
    pub(super) growing: Option<Range<MediaTime>>,
}

impl There<'_> {
    pub(super) fn answer(&self, question: &Question) -> Result<Available, IndexError> {
        let time_ranges = match &question.asked {
            Stretch::Moments(range) => self.ranges(range)?.iter().map(written).collect(),
            Stretch::Units(start, end) => self.units(question.precision, *start, *end)?,
        };
        Ok(Available { time_ranges })
    }

    /// What there is within a range, as stretches apart from one another.
    pub(super) fn ranges(&self, range: &Range<MediaTime>) -> Result<Vec<Range<MediaTime>>, IndexError> {
        let mut spans = self.index.spans(self.asset.id, range)?;
        let reaches = |one: &Range<MediaTime>| one.start < range.end && one.end > range.start;
        spans.extend(self.growing.clone().filter(reaches));
        spans.sort_by_key(|span| span.start);
        let mut there: Vec<Range<MediaTime>> = Vec::new();
        for span in spans {
            let next = span.start.max(range.start)..span.end.min(range.end);
            match there.last_mut() {
                Some(last) if last.end.offset(CONTIGUOUS) >= next.start => last.end = last.end.max(next.end),
                _ => there.push(next),
            }
        }
        Ok(there)
    }

    fn units(
        &self,
        precision: Precision,
        start: Option<Date>,
        end: Option<Date>,
    ) -> Result<Vec<TimeRange>, IndexError> {
        let Some(extent) = self.extent()? else {
            return Ok(Vec::new());
        };
        // The last moment is before the end.
        let last = extent.end.offset(Ticks(-1)).max(extent.start);
        let (oldest, newest) = (precision.floor(date(extent.start)), date(last));
        let end = end.unwrap_or(newest).min(newest);
        let mut unit = Some(start.unwrap_or(oldest).max(oldest));
        let mut there: Vec<(Date, Date)> = Vec::new();
        let mut continued = false;
        while let Some(first) = unit.filter(|first| *first <= end) {
            let next = precision.next(first);
            let found = self.any(&(midnight(first)..next.map_or(MediaTime::MAX, midnight)))?;
            match (found, there.last_mut()) {
                (true, Some((_, last))) if continued => *last = first,
                (true, _) => there.push((first, first)),
                (false, _) => {}
            }
            continued = found;
            unit = next;
        }
        let range = |(start, end)| TimeRange {
            start: precision.write(start),
            end: precision.write(end),
        };
        Ok(there.into_iter().map(range).collect())
    }

    fn any(&self, range: &Range<MediaTime>) -> Result<bool, IndexError> {
        let growing = self.growing.as_ref();
        if growing.is_some_and(|one| one.start < range.end && one.end > range.start) {
            return Ok(true);
        }
        self.index.any_in(self.asset.id, range)
    }

    /// From the first to the newest moment that can be played; none when there is nothing.
    pub(super) fn extent(&self) -> Result<Option<Range<MediaTime>>, IndexError> {
        let sealed = self.index.extent(self.asset.id)?;
        Ok(match (sealed, self.growing.clone()) {
            (Some(sealed), Some(growing)) => {
                Some(sealed.start.min(growing.start)..sealed.end.max(growing.end))
            }
            (sealed, growing) => sealed.or(growing),
        })
    }
}

fn written(range: &Range<MediaTime>) -> TimeRange {
    TimeRange {
        start: range.start.iso(),
        end: range.end.iso(),
    }
}

fn date(at: MediaTime) -> Date {
    TimeZone::UTC.to_datetime(at.to_timestamp()).date()
}

fn midnight(date: Date) -> MediaTime {
    let at = date.to_zoned(TimeZone::UTC).map(|day| day.timestamp());
    at.map_or(MediaTime::MAX, MediaTime::from_timestamp)
}
