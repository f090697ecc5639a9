//! What is missing of a recording, and why.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::available::There;
use super::{Playback, PlaybackError};
use crate::media::MediaTime;
use crate::recording::asset::name::SegmentName;
use crate::recording::holes::{Caused, Holes, NOT_RECORDED, causes};
use crate::recording::index::{AssetRow, Gap, GapReason, IndexError};

/// Gaps that are listed at once; the oldest come first.
pub const MAX_GAPS: usize = 1000;

/// A stretch that is missing, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// Its first moment, UTC.
    pub start: String,
    /// Where media goes on.
    pub end: String,
    /// A reason of the index, or `notRecorded`.
    pub cause: String,
}

/// What is missing within a stretch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingList {
    /// In order.
    pub value: Vec<Missing>,
    /// Gaps that are not listed.
    pub more: u64,
}

impl Playback {
    /// What is missing of a recording within a range: what the index knows of, what it has and nobody can have, and what lies between
    /// stretches for no cause that it knows.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub async fn missing(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        range: Range<MediaTime>,
    ) -> Result<MissingList, PlaybackError> {
        let (playback, asset) = (Arc::clone(self), Arc::clone(asset));
        let gaps = self
            .ask(move |index| {
                // In this order: what is sealed between the two is in both.
                let there = playback.there(index, &asset);
                let lost = playback.lost_of(&asset);
                Ok(there.missing(&range, &lost)?)
            })
            .await?;
        let listed = gaps.iter().take(MAX_GAPS).map(|(gap, cause)| Missing {
            start: gap.start.iso(),
            end: gap.end.iso(),
            cause: (*cause).to_owned(),
        });
        Ok(MissingList {
            value: listed.collect(),
            more: gaps.len().saturating_sub(MAX_GAPS) as u64,
        })
    }
}

impl There<'_> {
    /// What reaches into a range and is missing, from end to end.
    pub(super) fn missing(
        &self,
        range: &Range<MediaTime>,
        lost: &HashSet<SegmentName>,
    ) -> Result<Vec<Caused>, IndexError> {
        let holes = self.holes(range)?;
        let ends = holes.first().zip(holes.last());
        let wide = ends.map_or(range.clone(), |(first, last)| {
            range.start.min(first.start)..range.end.max(last.end)
        });
        let mut gaps = self.index.gaps(self.asset.id, wide.clone())?;
        gaps.extend(self.damaged(&wide, lost)?);
        gaps.sort_by_key(|gap| gap.start);
        let parts = causes(&holes, &gaps).into_iter();
        let without = parts.filter(|(_, cause)| *cause == NOT_RECORDED);
        let known = gaps.iter().map(|gap| (gap.start..gap.end, gap.reason.name()));
        let reaches = |(one, _): &Caused| one.start < range.end && one.end > range.start;
        let mut missing: Vec<Caused> = known.chain(without).filter(reaches).collect();
        missing.sort_by_key(|(one, _)| one.start);
        Ok(missing)
    }

    /// What lies between stretches along a range.
    fn holes(&self, range: &Range<MediaTime>) -> Result<Vec<Range<MediaTime>>, IndexError> {
        let mut holes = Holes::default();
        let mut newest = MediaTime::MIN;
        self.index.along(self.asset.id, range, |stretch| {
            newest = stretch.start;
            holes.add(&stretch);
        })?;
        // Where the index goes on behind the range, this does not come next.
        if let Some(growing) = self.growing.as_ref().filter(|_| newest < range.end) {
            holes.add(growing);
        }
        Ok(holes.found())
    }

    /// What the index has, and nobody can have.
    fn damaged(&self, range: &Range<MediaTime>, lost: &HashSet<SegmentName>) -> Result<Vec<Gap>, IndexError> {
        let mut gaps = Vec::new();
        for name in lost.iter().filter(|name| name.start < range.end) {
            let row = self.index.playable_named(self.asset.id, name)?;
            let end = row.map(|row| row.segment.end).filter(|end| *end > range.start);
            gaps.extend(end.map(|end| Gap {
                start: name.start,
                end,
                reason: GapReason::Damaged,
                fragments: 0,
                units: 0,
            }));
        }
        Ok(gaps)
    }
}
