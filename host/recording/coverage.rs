//! How much of the time was recorded, by camera and day, and why the rest is missing.
//!
//! Pure but for reading the index. Days are those of a time zone, so that one of 23 or 25 hours is one; what is recorded twice
//! counts once; a hole no longer than [`CONTIGUOUS`] is none.

use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::asset::playlist::CONTIGUOUS;
use super::holes::{Caused, causes};
use super::index::{Gap, Index, IndexError, OwnerRow, Stretch};
use crate::media::MediaTime;

/// Gaps that are listed of a day; of more, the rest is counted.
pub const MAX_GAPS: usize = 500;
/// Days that are looked at.
pub const MAX_DAYS: i64 = 400;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// From here ...
    pub since: Timestamp,
    /// ... to here.
    pub until: Timestamp,
    /// Only this graph instance.
    pub instance: Option<String>,
    /// Of the days.
    pub zone: TimeZone,
}

/// Why a question makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum CoverageError {
    /// The end is not after the beginning.
    #[error("`until` ({until}) is not after `since` ({since})")]
    Empty {
        /// From here ...
        since: Timestamp,
        /// ... to here.
        until: Timestamp,
    },
    /// Too long.
    #[error("that is more than {MAX_DAYS} days\nhint: ask for less at a time, with `since` and `until`")]
    TooLong,
    /// The index cannot be read.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// From here (UTC) ...
    pub since: String,
    /// ... to here.
    pub until: String,
    /// Of the days, such as `Europe/Berlin`.
    pub time_zone: String,
    /// One for each node that records.
    pub cameras: Vec<Camera>,
    /// What is to be told of how the question was understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What a node recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Camera {
    /// The graph instance; empty when the index does not know.
    pub instance: String,
    /// The node that records.
    pub node: String,
    /// Day by day, the oldest first; from the first of which something is known.
    pub days: Vec<Day>,
}

/// A day, or as much of it as was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Day {
    /// In the time zone.
    pub date: String,
    /// Of the seconds, so many are recorded; from 0 to 100.
    pub percent: f64,
    /// As much of the day as was asked for.
    pub seconds: f64,
    /// As much as is there.
    pub recorded_seconds: f64,
    /// As much as is not.
    pub missing_seconds: f64,
    /// Of what begins in it.
    pub bytes: u64,
    /// What is not there, and why.
    pub gaps: Vec<DayGap>,
    /// Gaps that are not listed.
    #[serde(default)]
    pub more_gaps: u64,
}

/// A stretch of a day that is not there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DayGap {
    /// Its first moment, UTC.
    pub start: String,
    /// Where media goes on, or the day or the question ends.
    pub end: String,
    /// Its length.
    pub seconds: f64,
    /// A reason of the index, or `notRecorded`.
    pub cause: String,
}

/// Answers a question from an index.
///
/// # Errors
/// When the question makes no sense, or the index cannot be read.
pub fn coverage(index: &Index, question: &Question) -> Result<Coverage, CoverageError> {
    let Question { since, until, .. } = *question;
    if until <= since {
        return Err(CoverageError::Empty { since, until });
    }
    if until.duration_since(since).as_hours() > MAX_DAYS * 24 {
        return Err(CoverageError::TooLong);
    }
    let mut cameras = Vec::new();
    for owner in index.owners()? {
        let (instance, node) = owner.owner.split_once('/').unwrap_or((&owner.owner, ""));
        if question
            .instance
            .as_deref()
            .is_some_and(|asked| asked != instance)
        {
            continue;
        }
        let days = camera(index, &owner, question)?;
        if !days.is_empty() {
            cameras.push(Camera {
                instance: instance.to_owned(),
                node: node.to_owned(),
                days,
            });
        }
    }
    Ok(Coverage {
        since: iso(since),
        until: iso(until),
        time_zone: crate::when::name(&question.zone),
        cameras,
        notes: Vec::new(),
    })
}

fn iso(at: Timestamp) -> String {
    format!("{at:.3}")
}

fn camera(index: &Index, owner: &OwnerRow, question: &Question) -> Result<Vec<Day>, IndexError> {
    let range = MediaTime::from_timestamp(question.since)..MediaTime::from_timestamp(question.until);
    let mut days = days(owner, question);
    let mut there = Vec::new();
    index.stretches(&owner.owner, &range, |stretch| {
        add_bytes(&mut days, &stretch);
        join(&mut there, stretch);
    })?;
    let gaps = index.gaps_of(&owner.owner, &range)?;
    Ok(days.into_iter().map(|day| day.fill(&there, &gaps)).collect())
}

/// A day that is being filled.
struct Open {
    date: Date,
    range: Range<MediaTime>,
    bytes: u64,
}

/// The days of a question, from the first of which something is known.
fn days(owner: &OwnerRow, question: &Question) -> Vec<Open> {
    let mut days = Vec::new();
    let first = owner.first.to_timestamp().max(question.since);
    let mut day = first.to_zoned(question.zone.clone()).date();
    while let (Ok(start), Ok(end)) = (
        day.to_zoned(question.zone.clone()),
        day.saturating_add(1.day()).to_zoned(question.zone.clone()),
    ) {
        let from = start.timestamp().max(question.since);
        let to = end.timestamp().min(question.until);
        if from >= question.until || from >= to {
            break;
        }
        days.push(Open {
            date: day,
            range: MediaTime::from_timestamp(from)..MediaTime::from_timestamp(to),
            bytes: 0,
        });
        day = day.saturating_add(1.day());
    }
    days
}

fn add_bytes(days: &mut [Open], stretch: &Stretch) {
    let place = days.partition_point(|day| day.range.end <= stretch.start);
    if let Some(day) = days.get_mut(place) {
        day.bytes = day.bytes.saturating_add(stretch.bytes);
    }
}

/// Adds a stretch, which begins no earlier than those before it.
fn join(there: &mut Vec<Range<MediaTime>>, next: Stretch) {
    match there.last_mut() {
        Some(last) if next.start.since(last.end) <= CONTIGUOUS => last.end = last.end.max(next.end),
        _ => there.push(next.start..next.end),
    }
}

impl Open {
    fn fill(self, there: &[Range<MediaTime>], gaps: &[Gap]) -> Day {
        let mut missing = Vec::new();
        let mut at = self.range.start;
        let first = there.partition_point(|stretch| stretch.end <= self.range.start);
        for stretch in there
            .iter()
            .skip(first)
            .take_while(|stretch| stretch.start < self.range.end)
        {
            if stretch.start > at {
                missing.push(at..stretch.start);
            }
            at = at.max(stretch.end);
        }
        if at < self.range.end {
            missing.push(at..self.range.end);
        }
        let total = length(&self.range);
        let lost: f64 = missing.iter().map(length).sum();
        let mut listed: Vec<DayGap> = causes(&missing, gaps).into_iter().map(day_gap).collect();
        let more_gaps = listed.len().saturating_sub(MAX_GAPS) as u64;
        listed.truncate(MAX_GAPS);
        let recorded = (total - lost).max(0.0);
        Day {
            date: self.date.to_string(),
            percent: if total > 0.0 {
                100.0 * recorded / total
            } else {
                0.0
            },
            seconds: total,
            recorded_seconds: recorded,
            missing_seconds: lost,
            bytes: self.bytes,
            gaps: listed,
            more_gaps,
        }
    }
}

fn length(range: &Range<MediaTime>) -> f64 {
    range.end.since(range.start).seconds()
}

/// What is missing of a day, as it is told.
fn day_gap((range, cause): Caused) -> DayGap {
    DayGap {
        start: range.start.iso(),
        end: range.end.iso(),
        seconds: length(&range),
        cause: cause.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Ticks;
    use crate::recording::holes::NOT_RECORDED;
    use crate::recording::index::tests::{Bench, at};
    use crate::recording::index::{FILE_NAME, GapReason};
    use crate::when;

    fn ask(bench: &Bench, since: &str, until: &str, zone: &str) -> Coverage {
        let zone = TimeZone::get(zone).unwrap();
        let read = |text| when::since(text, Timestamp::UNIX_EPOCH, &zone).unwrap().at;
        let question = Question {
            since: read(since),
            until: read(until),
            instance: None,
            zone,
        };
        // As another process would read it.
        let index = Index::open_to_read(&bench.folder.path().join(FILE_NAME)).unwrap();
        coverage(&index, &question).unwrap()
    }

    #[test]
    fn a_day_of_25_hours_that_is_recorded_throughout_is_whole() {
        let bench = Bench::new();
        // 25 October 2026: clocks go back in Berlin.
        bench.segment(at("2026-10-24T20:00:00Z"), Ticks::from_secs(48 * 3600), 1000);
        let answer = ask(&bench, "2026-10-25", "2026-10-26", "Europe/Berlin");
        let day = &answer.cameras[0].days[0];
        assert_eq!((day.seconds, day.percent), (25.0 * 3600.0, 100.0));
        assert_eq!((answer.cameras[0].days.len(), day.gaps.len()), (1, 0));
        let spring = ask(&bench, "2026-10-25", "2027-03-29", "Europe/Berlin");
        let last = spring.cameras[0].days.last().unwrap();
        assert_eq!((last.date.as_str(), last.seconds), ("2027-03-28", 23.0 * 3600.0));
    }

    #[test]
    fn days_of_a_zone_whose_clocks_change_by_half_an_hour_are_whole_too() {
        let bench = Bench::new();
        bench.segment(at("2026-04-03T00:00:00Z"), Ticks::from_secs(72 * 3600), 1000);
        let answer = ask(&bench, "2026-04-04", "2026-04-06", "Australia/Lord_Howe");
        let days = &answer.cameras[0].days;
        let told: Vec<_> = days
            .iter()
            .map(|day| (day.date.as_str(), day.seconds, day.percent))
            .collect();
        assert_eq!(
            told,
            [
                ("2026-04-04", 86_400.0, 100.0),
                ("2026-04-05", 24.5 * 3600.0, 100.0)
            ]
        );
    }

    #[test]
    fn what_is_missing_has_its_cause_and_the_rest_was_not_recorded() {
        let bench = Bench::new();
        let noon = at("2026-11-20T12:00:00Z");
        let hour = |hour: i64| noon.offset(Ticks::from_secs(hour * 3600));
        bench.segment(noon, Ticks::from_secs(3600), 10);
        bench.gap(hour(1)..hour(2), GapReason::Camera);
        bench.segment(hour(3), Ticks::from_secs(3600), 20);
        let answer = ask(&bench, "2026-11-20 12:00", "2026-11-20 16:00", "UTC");
        let camera = &answer.cameras[0];
        assert_eq!(
            (camera.instance.as_str(), camera.node.as_str()),
            ("lobby", "sink")
        );
        let day = &camera.days[0];
        assert_eq!(
            (day.percent, day.recorded_seconds, day.missing_seconds, day.bytes),
            (50.0, 7200.0, 7200.0, 30)
        );
        let gaps: Vec<_> = day
            .gaps
            .iter()
            .map(|gap| (gap.cause.as_str(), gap.seconds))
            .collect();
        assert_eq!(gaps, [("camera", 3600.0), (NOT_RECORDED, 3600.0)]);
    }

    #[test]
    fn holes_between_segments_that_follow_one_another_are_none() {
        let bench = Bench::new();
        let noon = at("2026-11-20T12:00:00Z");
        bench.segment(noon, Ticks(29 * 90_000 + 88_000), 1);
        bench.segment(noon.offset(Ticks::from_secs(30)), Ticks::from_secs(30), 1);
        let answer = ask(&bench, "2026-11-20 12:00", "2026-11-20 12:01", "UTC");
        assert_eq!(answer.cameras[0].days[0].percent, 100.0);
    }
}
