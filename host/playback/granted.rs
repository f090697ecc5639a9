//! What somebody may have who may have one stretch of a recording alone: the media that playlists of it name, to the fragment.
//!
//! A stretch begins with the last picture before it that needs no other, so what is granted begins there, too.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::fetch::{MediaFile, init_name, not_there};
use super::range::Asked;
use super::timeline::{self, Fragment};
use super::{Playback, PlaybackError, source};
use crate::media::{MediaTime, TICKS_PER_SECOND, Ticks, TrackKind};
use crate::recording::asset::name::{Epoch, SegmentName};
use crate::recording::index::AssetRow;

/// Sound that begins so much before or behind the video of its segment is still found, in ticks: 1 s.
const BESIDE: i64 = TICKS_PER_SECOND;

impl Playback {
    /// The stretch that a question means now; one that grows reaches to [`MediaTime::MAX`].
    ///
    /// # Errors
    /// When nothing is recorded, the stretch is too long, or the index cannot be read.
    pub async fn stretch(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        asked: Asked,
    ) -> Result<Range<MediaTime>, PlaybackError> {
        let (playback, asset) = (Arc::clone(self), Arc::clone(asset));
        self.ask(move |index| {
            let extent = playback.extent(index, &asset)?.ok_or_else(|| {
                let what = "nothing that can be played\nhint: `GET /assets` says what there is of each";
                PlaybackError::nothing(&asset.name, what)
            })?;
            let range = asked.resolve(Some(&extent));
            range.map_err(|error| PlaybackError::wrong(&asset.name, error.to_string()))
        })
        .await
    }

    /// As [`Playback::media`], for somebody who may have what is granted alone.
    ///
    /// # Errors
    /// When nothing of it is granted, there is none of this name, or the index cannot be read.
    pub async fn media_within(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        file: &str,
        granted: &Range<MediaTime>,
    ) -> Result<MediaFile, PlaybackError> {
        let open = if let Some((epoch, kind)) = init_name(file) {
            let used = self.uses(asset, epoch, kind, granted).await?;
            used.then_some(0..u64::MAX)
        } else if let Some((name, kind)) = source::parse(file) {
            self.open_part(asset, name, kind, granted).await?
        } else {
            None
        };
        let open = open.ok_or_else(|| not_there(asset, file))?;
        let media = self.media(asset, file).await?;
        Ok(MediaFile { open, ..media })
    }

    /// Which bytes of a track of a segment belong to fragments that are granted.
    async fn open_part(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        name: SegmentName,
        kind: TrackKind,
        granted: &Range<MediaTime>,
    ) -> Result<Option<Range<u64>>, PlaybackError> {
        let (playback, asset, granted) = (Arc::clone(self), Arc::clone(asset), granted.clone());
        self.ask(move |index| {
            // In this order: what is sealed between the two is in both.
            let growing = playback.options.cache.growing(&asset.store, &asset.name);
            let sealed = index.playable_named(asset.id, &name)?;
            let sealed = sealed.map(|row| name.start..row.segment.end);
            let open = growing.as_ref().filter(|growing| growing.name == name);
            let extent = sealed.or_else(|| open.and_then(timeline::extent_of));
            let Some(extent) = extent else { return Ok(None) };
            let near = around(&extent, Some(&granted));
            let found = timeline::load(index, growing, &asset, &near, &HashSet::new())?;
            let of_track = found.runs.iter().flat_map(|run| run.of(kind));
            let of_segment = of_track.filter(|one| one.source.name == name);
            Ok(of_segment
                .map(bytes)
                .reduce(|all, one| all.start.min(one.start)..all.end.max(one.end)))
        })
        .await
    }

    /// Whether something that is granted is coded as an epoch says.
    async fn uses(
        self: &Arc<Self>,
        asset: &Arc<AssetRow>,
        epoch: Epoch,
        kind: TrackKind,
        granted: &Range<MediaTime>,
    ) -> Result<bool, PlaybackError> {
        let (playback, asset, granted) = (Arc::clone(self), Arc::clone(asset), granted.clone());
        self.ask(move |index| {
            let growing = playback.options.cache.growing(&asset.store, &asset.name);
            let found = timeline::load(index, growing, &asset, &granted, &HashSet::new())?;
            let file = epoch.init(kind);
            // Epochs that are coded alike share an init segment; which of theirs depends on where a stretch begins.
            Ok(found
                .runs
                .iter()
                .any(|run| run.tracks.epoch == epoch || run.init(kind).is_some_and(|init| init.file == file)))
        })
        .await
    }
}

fn bytes(fragment: &Fragment) -> Range<u64> {
    fragment.offset..fragment.offset.saturating_add(fragment.bytes)
}

/// Where to look for media of this extent: a little to both sides, since sound may begin a little before, or behind, the video of its
/// segment, but nowhere else than what is granted. There is always something to look at, since the pictures at both ends of a stretch may
/// reach beyond it.
pub(super) fn around(extent: &Range<MediaTime>, granted: Option<&Range<MediaTime>>) -> Range<MediaTime> {
    let (start, end) = (
        extent.start.offset(Ticks(-BESIDE)),
        extent.end.offset(Ticks(BESIDE)),
    );
    let Some(granted) = granted else {
        return start..end;
    };
    let start = start.max(granted.start).min(granted.end.offset(Ticks(-1)));
    start..end.max(start.offset(Ticks(1))).min(granted.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_is_looked_for_beside_it_and_only_where_it_is_granted() {
        let second = |second: i64| MediaTime::MIN.offset(Ticks(second * TICKS_PER_SECOND));
        let range = |from: i64, to: i64| second(from)..second(to);
        assert_eq!(around(&range(10, 12), None), range(9, 13));
        assert_eq!(around(&range(10, 12), Some(&range(0, 100))), range(9, 13));
        assert_eq!(around(&range(10, 12), Some(&range(10, 11))), range(10, 11));
        // Beyond either end, what reaches over that end is looked at.
        let (tick, granted) = (Ticks(1), range(20, 30));
        assert_eq!(
            around(&range(10, 12), Some(&granted)),
            second(20)..second(20).offset(tick)
        );
        assert_eq!(
            around(&range(40, 42), Some(&granted)),
            second(30).offset(Ticks(-1))..second(30)
        );
        let open = second(20)..MediaTime::MAX;
        assert_eq!(around(&range(40, 42), Some(&open)), range(39, 43));
    }
}
