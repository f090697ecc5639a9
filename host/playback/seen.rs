//! What was seen of a recording: each detection, as it stands in the box of its segment. What it comes to is another question
//! ([`crate::recording::find`]).
//!
//! Page by page, by the time at which something was seen. Detectors are behind the media: what was said too late for its segment stands
//! in the next one. So a page ends where the last segment begins that was read for it, unless that was all.
//!
//! A segment that cannot be read is named and costs what was seen in it, not the answer.

mod question;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::stream::{self, StreamExt as _};
use serde::{Deserialize, Serialize};

use self::question::Place;
pub use self::question::{MAX_PAGE, PAGE, Question, QuestionError};
use super::source::{Part, Source};
use super::{Kind, Playback, PlaybackError, turn};
use crate::media::inference::Rect;
use crate::media::{MediaTime, Ticks};
use crate::recording::detections::coding::{self, MAX_BODY};
use crate::recording::detections::{Detection, Kept, LAST_PICTURES, MAX_AGE};
use crate::recording::index::{AssetRow, GapReason, SegmentRow};

/// Segments that are read for a page: with segments of 30 s, half an hour.
const MAX_SEGMENTS: usize = 64;
/// Boxes that are read at once.
const AT_ONCE: usize = 4;
/// What stands around the body of a box, and perhaps behind it, in bytes.
const AROUND: u64 = 4096;
/// The cause of what cannot be read because its store is away.
const STORE_AWAY: &str = "storeAway";

/// Something at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The moment of the picture, UTC.
    pub time: String,
    /// Its class, `motion`, or the name of an event.
    pub label: String,
    /// What a tracker calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How certain it is, from 0 to 1.
    pub confidence: f64,
    /// Where it is.
    #[serde(rename = "box")]
    pub area: Rect,
}

/// Media of which nobody can say what was seen in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Its first moment, UTC.
    pub start: String,
    /// Where it ends.
    pub end: String,
    /// `damaged` or `storeAway`.
    pub cause: String,
}

/// A page of what was seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// By their times.
    pub value: Vec<Seen>,
    /// What could not be read for this page.
    pub missing: Vec<Unreadable>,
    /// Detections that were not kept because there were too many, in all segments that were read for this page.
    pub left_out: u64,
    /// The same question has the same answer later.
    pub settled: bool,
    /// For the next page; none when this is the last.
    #[serde(
        rename = "@continuationToken",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub token: Option<String>,
}

/// What is read for a page.
struct Found {
    segments: Vec<SegmentRow>,
    /// What was seen in the segment that is being recorded.
    open: Vec<Detection>,
    /// Nothing more comes.
    settled: bool,
}

/// What has been read for a page.
#[derive(Debug, Default, PartialEq)]
struct Gathered {
    detections: Vec<Detection>,
    missing: Vec<Unreadable>,
    left_out: u64,
    /// Before this, everything is there; none: all of it is.
    until: Option<MediaTime>,
}

impl Playback {
    /// A page of what was seen.
    ///
    /// # Errors
    /// When too many are gathered at once, or the index cannot be read.
    pub async fn seen(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        question: &Question,
    ) -> Result<Page, PlaybackError> {
        let busy = "too many ask for what was seen";
        let _turn = turn(&self.gathered, busy).await?;
        let found = self.concerned(asset, question.rest()).await?;
        let mut gathered = self.gather(asset, question, found.segments).await?;
        if gathered.until.is_none() {
            let open = found.open.into_iter().filter(|one| question.wants(one));
            gathered.detections.extend(open);
        }
        Ok(gathered.into_page(question, found.settled))
    }

    /// Where it may stand.
    async fn concerned(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        range: Range<MediaTime>,
    ) -> Result<Found, PlaybackError> {
        let (playback, asset) = (Arc::clone(self), Arc::clone(asset));
        self.ask(move |index| {
            let cache = &playback.options.cache;
            // In this order: what is sealed between the two is in both.
            let growing = cache.growing(&asset.store, &asset.name);
            let wide = range.start.offset(Ticks(-LAST_PICTURES.0))..range.end.offset(MAX_AGE);
            let rows = index.playable(asset.id, &wide)?;
            let rows: Vec<SegmentRow> = rows.into_iter().map(|row| row.segment).collect();
            let growing = growing.filter(|growing| rows.iter().all(|row| row.name != growing.name));
            let open = growing.map(|growing| range.start.max(growing.name.start)..range.end);
            let open = open.map(|open| cache.seen_of_late(&asset.store, &asset.name, &open));
            let extent = playback.extent(index, &asset)?;
            let over = extent.as_ref().is_some_and(|extent| extent.end >= wide.end);
            let follows = rows.iter().any(|row| row.name.start >= range.end);
            Ok(Found {
                settled: over || follows || !playback.is_live(&asset, extent.as_ref()),
                segments: of_range(rows, &range),
                open: open.unwrap_or_default(),
            })
        })
        .await
    }

    async fn gather(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        question: &Question,
        mut segments: Vec<SegmentRow>,
    ) -> Result<Gathered, PlaybackError> {
        let mut gathered = Gathered::default();
        if segments.len() > MAX_SEGMENTS {
            segments.truncate(MAX_SEGMENTS);
            // At least a tick further than the page before, whatever the segments are like.
            let next = question.begin.time.offset(Ticks(1));
            gathered.until = segments.last().map(|last| last.name.start.max(next));
        }
        let away = &AtomicBool::new(false);
        let reads = segments
            .into_iter()
            .map(|row| async move { (self.boxed(asset, &row, away).await, row) });
        let mut reads = stream::iter(reads.collect::<Vec<_>>()).buffered(AT_ONCE);
        while let Some((kept, row)) = reads.next().await {
            gathered.add(question, &row, kept?);
            if gathered.enough(question, row.name.start) {
                gathered.until = Some(row.name.start);
                break;
            }
        }
        Ok(gathered)
    }

    /// What was seen in a segment; in its place why nobody knows.
    async fn boxed(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        row: &SegmentRow,
        away: &AtomicBool,
    ) -> Result<Result<Kept, &'static str>, PlaybackError> {
        let source = Arc::new(Source::sealed(asset, row));
        let length = source.behind.end.saturating_sub(source.behind.start);
        if length == 0 {
            return Ok(Ok(Kept::default()));
        }
        if length > MAX_BODY + AROUND {
            return Ok(Err(GapReason::Damaged.name()));
        }
        // A store that is away is waited for once.
        if source.folder.is_none() && away.load(Ordering::Relaxed) {
            return Ok(Err(STORE_AWAY));
        }
        let bytes = match self.read_part(&source, Part::Behind, 0..length).await {
            Ok(bytes) => bytes,
            Err(error) => {
                let (asset, segment) = (&asset.name, &row.name);
                tracing::debug!(asset, %segment, %error, "What was seen in a segment cannot be read");
                return match error.kind() {
                    Kind::NotFound | Kind::Unsuitable => Ok(Err(GapReason::Damaged.name())),
                    Kind::Broken if !matches!(error, PlaybackError::Index(_)) => {
                        Ok(Err(GapReason::Damaged.name()))
                    }
                    Kind::Away => {
                        away.store(true, Ordering::Relaxed);
                        Ok(Err(STORE_AWAY))
                    }
                    Kind::Busy | Kind::Broken | Kind::Wrong => Err(error),
                };
            }
        };
        let read = coding::read(&mut std::io::Cursor::new(&bytes), 0..length);
        Ok(read.map_err(|_| GapReason::Damaged.name()))
    }
}

/// The segments in which something of a range may stand, by their starts: those that reach into it, one that has ended when its last
/// pictures were shown, and the one behind each.
fn of_range(mut rows: Vec<SegmentRow>, range: &Range<MediaTime>) -> Vec<SegmentRow> {
    rows.sort_by_key(|row| row.name.start);
    let mut behind = false;
    rows.retain(|row| {
        let here = row.name.start < range.end && row.end.offset(LAST_PICTURES) > range.start;
        std::mem::replace(&mut behind, here) || here
    });
    rows
}

impl Gathered {
    fn add(&mut self, question: &Question, row: &SegmentRow, kept: Result<Kept, &'static str>) {
        match kept {
            Ok(kept) => {
                self.left_out = self.left_out.saturating_add(u64::from(kept.left_out));
                let wanted = kept.detections.into_iter().filter(|one| question.wants(one));
                self.detections.extend(wanted);
            }
            Err(cause) => self.missing.push(Unreadable {
                start: row.name.start.iso(),
                end: row.end.iso(),
                cause: cause.to_owned(),
            }),
        }
    }

    /// Whether a page is full with what was seen before a moment.
    fn enough(&self, question: &Question, before: MediaTime) -> bool {
        let there = self.detections.iter().filter(|one| one.time < before).count();
        there.saturating_sub(question.begin.skip) > question.limit
    }

    fn into_page(mut self, question: &Question, settled: bool) -> Page {
        if let Some(until) = self.until {
            self.detections.retain(|one| one.time < until);
        }
        // Of one time they stay in the order of the segments, which is the same each time.
        self.detections.sort_by_key(|one| one.time);
        let all = &self.detections;
        let begin = question
            .begin
            .skip
            .min(all.partition_point(|one| one.time <= question.begin.time));
        let end = begin.saturating_add(question.limit).min(all.len());
        let next = match all.get(end) {
            Some(next) => Some(Place {
                time: next.time,
                skip: end - all.partition_point(|one| one.time < next.time),
            }),
            None => self.until.map(|time| Place { time, skip: 0 }),
        };
        let next = next.filter(|next| next.time < question.range.end);
        Page {
            value: all.get(begin..end).unwrap_or_default().iter().map(seen).collect(),
            settled: settled && self.missing.is_empty(),
            missing: self.missing,
            left_out: self.left_out,
            token: next.map(Place::write),
        }
    }
}

fn seen(one: &Detection) -> Seen {
    Seen {
        time: one.time.iso(),
        label: one.label.to_string(),
        id: one.track.as_deref().map(str::to_owned),
        confidence: one.confidence.value(),
        area: one.area.rect(),
    }
}

#[cfg(test)]
mod tests;
