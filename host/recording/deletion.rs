//! Deleting recordings because somebody wants it: whole segments, wherever they stand, unless something holds them.
//!
//! A segment never changes, so all that reaches into the range goes: rather a few seconds too much than one that should not be
//! there any more. What goes is a gap that says so; stores let go of their part soon after ([`super::retention`]).

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::RecordingError;
use super::cache::Cache;
use super::holds::Hold;
use super::index::{AssetRow, GapReason, IndexError};
use crate::media::MediaTime;

/// Segments that go in one commit.
const BATCH: u32 = 256;

/// Why nothing, or not everything, was deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeletionError {
    /// The wrong way round.
    #[error("the end of what is to be deleted ({end}) is not after its beginning ({start})")]
    Empty {
        /// From here ...
        start: MediaTime,
        /// ... to here.
        end: MediaTime,
    },
    /// Something holds a part of it.
    #[error(
        "asset `{asset}`: hold {} of {} keeps {} to {}{}, so nothing of what was asked for is deleted{}\n\
         hint: release it with `mediagraph asset release {asset} --hold {}`, or leave its range out with `--from` and `--to`",
        hold.id, named(&hold.who), hold.start.as_deref().unwrap_or("the beginning"),
        hold.end.as_deref().unwrap_or("what is to come"), because(&hold.reason),
        already(*gone), hold.id
    )]
    Held {
        /// The asset.
        asset: String,
        /// What holds it.
        hold: Box<Hold>,
        /// Segments that had gone before it was placed.
        gone: u64,
    },
    /// The index cannot be used.
    #[error(transparent)]
    Recording(#[from] RecordingError),
}

impl From<IndexError> for DeletionError {
    fn from(error: IndexError) -> Self {
        Self::Recording(error.into())
    }
}

fn named(who: &str) -> String {
    if who.is_empty() {
        "somebody".to_owned()
    } else {
        format!("`{who}`")
    }
}

fn because(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(" ({reason})")
    }
}

fn already(gone: u64) -> String {
    match gone {
        0 => String::new(),
        gone => format!(" any more; {gone} segments had gone before it was placed"),
    }
}

/// What was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deleted {
    /// The asset.
    pub asset: String,
    /// The store of the asset.
    pub store: String,
    /// Segments that are gone.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The first moment that is gone, UTC; none when nothing was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Where what is gone ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Media of the range is still being recorded: what is in the open segment can be deleted when it is sealed.
    pub still_recording: bool,
}

impl Cache {
    /// Deletes what reaches into a range of an asset. Its files in the cache are gone afterwards; what a store has is noted, and
    /// goes when [`super::retention::Keeper::let_go_soon`] is told.
    ///
    /// # Errors
    /// When a hold reaches into it, or the index cannot be written.
    pub fn delete(&self, asset: &AssetRow, range: &Range<MediaTime>) -> Result<Deleted, DeletionError> {
        if range.end <= range.start {
            return Err(DeletionError::Empty {
                start: range.start,
                end: range.end,
            });
        }
        // Before the index is asked: what is sealed in between is deleted, and told of once too often.
        let still_recording = self.records(asset, range);
        let touched = self.index().touched(asset.id, range)?;
        let reach = touched.as_ref().map_or(range.clone(), |touched| {
            touched.start.min(range.start)..touched.end.max(range.end)
        });
        if let Some(held) = self.held(asset, &reach, 0)? {
            return Err(held);
        }
        let (segments, bytes) = self.delete_touching(asset, range)?;
        Ok(Deleted {
            asset: asset.name.clone(),
            store: asset.store.clone(),
            segments,
            bytes,
            start: touched.as_ref().map(|touched| touched.start.iso()),
            end: touched.as_ref().map(|touched| touched.end.iso()),
            still_recording,
        })
    }

    fn delete_touching(
        &self,
        asset: &AssetRow,
        range: &Range<MediaTime>,
    ) -> Result<(u64, u64), DeletionError> {
        let (mut segments, mut bytes) = (0_u64, 0_u64);
        loop {
            let rows = self.index().touching(asset.id, range, BATCH)?;
            let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
            let dropped = self.drop_segments(&ids, GapReason::Deleted)?;
            segments = segments.saturating_add(dropped.len() as u64);
            bytes = dropped
                .iter()
                .fold(bytes, |sum, one| sum.saturating_add(one.segment.bytes));
            if rows.is_empty() {
                return Ok((segments, bytes));
            }
            // A hold was placed meanwhile, or another deletion was faster.
            if dropped.is_empty() {
                return match self.held(asset, &whole(&rows), segments)? {
                    Some(held) => Err(held),
                    None => Ok((segments, bytes)),
                };
            }
        }
    }

    fn held(
        &self,
        asset: &AssetRow,
        range: &Range<MediaTime>,
        gone: u64,
    ) -> Result<Option<DeletionError>, IndexError> {
        let hold = self.index().hold_in(asset, range)?;
        Ok(hold.map(|hold| DeletionError::Held {
            asset: asset.name.clone(),
            hold: Box::new(Hold::from(&hold)),
            gone,
        }))
    }

    /// Whether the open segment of an asset reaches into a range.
    fn records(&self, asset: &AssetRow, range: &Range<MediaTime>) -> bool {
        let growing = self.growing(&asset.store, &asset.name);
        match growing.map(|growing| growing.name.start) {
            Some(start) => start < range.end && range.start < self.now(),
            None => self.is_open(&asset.store, &asset.name) && range.end > self.now(),
        }
    }
}

fn whole(rows: &[super::index::SegmentRow]) -> Range<MediaTime> {
    let start = rows.iter().map(|row| row.name.start).min().unwrap_or_default();
    let end = rows.iter().map(|row| row.end).max().unwrap_or_default();
    start..end
}
