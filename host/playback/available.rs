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

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::{Playback, PlaybackError};
use crate::media::{MediaTime, Ticks};
use crate::recording::asset::playlist::CONTIGUOUS;
use crate::recording::index::{AssetRow, Index, IndexError};

/// Months that may be asked for.
const MAX_MONTHS: i32 = 12;
/// Days that may be asked for.
const MAX_DAYS: i32 = 31;
/// The longest stretch whose moments may be asked for: 25 hours.
const MAX_FULL: Ticks = Ticks::from_secs(25 * 3600);

/// How exactly is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Years.
    Year,
    /// Months.
    Month,
    /// Days.
    Day,
    /// Moments.
    Full,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    precision: Precision,
    /// Units from here to there, both included; or a stretch of time.
    asked: Stretch,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stretch {
    /// The first days of the first and the last unit; none: that of the recording.
    Units(Option<Date>, Option<Date>),
    /// Moments.
    Moments(Range<MediaTime>),
}

/// Why a question makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// No such precision.
    #[error("`precision` must be `year`, `month`, `day` or `full`")]
    Precision,
    /// Both are needed.
    #[error(
        "`{name}` is missing\nhint: only with `precision=year` it may be left out; write it like `{example}`"
    )]
    Missing {
        /// Which.
        name: &'static str,
        /// How it is written.
        example: &'static str,
    },
    /// Written in another way.
    #[error("`{name}` is not written as this precision needs it\nhint: write it in UTC, like `{example}`")]
    Form {
        /// Which.
        name: &'static str,
        /// How it is written.
        example: &'static str,
    },
    /// The wrong way round.
    #[error("`endTime` is before `startTime`, or no later where it must be")]
    Reversed,
    /// Too long.
    #[error("that is more than {limit}\nhint: ask for less at a time, or with less precision")]
    TooLong {
        /// The most that may be asked for.
        limit: &'static str,
    },
}

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

impl Precision {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "year" => Some(Self::Year),
            "month" => Some(Self::Month),
            "day" => Some(Self::Day),
            "full" => Some(Self::Full),
            _ => None,
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Year => "2026",
            Self::Month => "2026-11",
            Self::Day => "2026-11-22",
            Self::Full => "2026-11-22T14:02:00Z",
        }
    }

    /// The first day of a unit.
    fn read(self, name: &'static str, text: &str) -> Result<Date, QuestionError> {
        let whole = match self {
            Self::Year => format!("{text}-01-01"),
            Self::Month => format!("{text}-01"),
            Self::Day | Self::Full => text.to_owned(),
        };
        let digits = |byte: u8| byte.is_ascii_digit() || byte == b'-';
        let plain = text.len() == self.example().len() && text.bytes().all(digits);
        let date = whole.parse::<Date>().ok();
        // Written in the one way that it is written in an answer.
        let date = date.filter(|date| plain && self.write(*date) == text);
        date.ok_or(QuestionError::Form {
            name,
            example: self.example(),
        })
    }

    fn write(self, date: Date) -> String {
        match self {
            Self::Year => format!("{:04}", date.year()),
            Self::Month => format!("{:04}-{:02}", date.year(), date.month()),
            Self::Day | Self::Full => date.to_string(),
        }
    }

    /// The first day of the next unit; none at the end of the calendar.
    fn next(self, date: Date) -> Option<Date> {
        let span = match self {
            Self::Year => 1.year(),
            Self::Month => 1.month(),
            Self::Day | Self::Full => 1.day(),
        };
        date.checked_add(span).ok()
    }

    /// The first day of the unit that a day is in.
    fn floor(self, date: Date) -> Date {
        match self {
            Self::Year => date.first_of_year(),
            Self::Month => date.first_of_month(),
            Self::Day | Self::Full => date,
        }
    }
}

impl Question {
    /// Reads what a request says.
    ///
    /// # Errors
    /// When it makes no sense, or asks for too much at once.
    pub fn read(
        precision: Option<&str>,
        start: Option<&str>,
        end: Option<&str>,
    ) -> Result<Self, QuestionError> {
        let precision = precision
            .and_then(Precision::parse)
            .ok_or(QuestionError::Precision)?;
        let asked = match precision {
            Precision::Full => Stretch::Moments(moments(start, end)?),
            _ => units(precision, start, end)?,
        };
        Ok(Self { precision, asked })
    }
}

fn needed<'a>(
    precision: Precision,
    name: &'static str,
    text: Option<&'a str>,
) -> Result<&'a str, QuestionError> {
    text.ok_or(QuestionError::Missing {
        name,
        example: precision.example(),
    })
}

fn units(precision: Precision, start: Option<&str>, end: Option<&str>) -> Result<Stretch, QuestionError> {
    let read = |name, text: Option<&str>| match (precision, text) {
        (Precision::Year, None) => Ok(None),
        (_, text) => precision.read(name, needed(precision, name, text)?).map(Some),
    };
    let (start, end) = (read("startTime", start)?, read("endTime", end)?);
    if let (Some(start), Some(end)) = (start, end) {
        if end < start {
            return Err(QuestionError::Reversed);
        }
        check_length(precision, start, end)?;
    }
    Ok(Stretch::Units(start, end))
}

fn check_length(precision: Precision, start: Date, end: Date) -> Result<(), QuestionError> {
    let months = |date: Date| i32::from(date.year()) * 12 + i32::from(date.month());
    let days = || start.until(end).map_or(i32::MAX, |span| span.get_days());
    match precision {
        Precision::Month if months(end) - months(start) >= MAX_MONTHS => {
            Err(QuestionError::TooLong { limit: "12 months" })
        }
        Precision::Day if days() >= MAX_DAYS => Err(QuestionError::TooLong { limit: "31 days" }),
        _ => Ok(()),
    }
}

fn moments(start: Option<&str>, end: Option<&str>) -> Result<Range<MediaTime>, QuestionError> {
    let read = |name, text| {
        let text = needed(Precision::Full, name, text)?;
        moment(text).ok_or(QuestionError::Form {
            name,
            example: Precision::Full.example(),
        })
    };
    let (start, end) = (read("startTime", start)?, read("endTime", end)?);
    if end <= start {
        return Err(QuestionError::Reversed);
    }
    if end.since(start).0 > MAX_FULL.0 {
        return Err(QuestionError::TooLong { limit: "25 hours" });
    }
    Ok(start..end)
}

/// `YYYY-MM-DDThh:mm:ss[.sss]Z` and nothing else.
fn moment(text: &str) -> Option<MediaTime> {
    let shape = b"0000-00-00T00:00:00";
    let (head, rest) = text.as_bytes().split_at_checked(shape.len())?;
    let alike = |(byte, wanted): (&u8, &u8)| match wanted {
        b'0' => byte.is_ascii_digit(),
        _ => byte == wanted,
    };
    let fraction = rest.strip_suffix(b"Z")?;
    let digits = fraction.strip_prefix(b".");
    let fraction = fraction.is_empty()
        || digits
            .is_some_and(|digits| (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit));
    let well_formed = fraction && head.iter().zip(shape).all(alike);
    let at = well_formed.then(|| text.parse::<Timestamp>().ok()).flatten()?;
    Some(MediaTime::from_timestamp(at))
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
