//! Where the bytes of a segment are: one file that does not change any more, or the files of the open segment, which grow.
//!
//! What players are given are the tracks of a segment, each as if it were a file of its own: `SEGMENT.video.m4s` and
//! `SEGMENT.audio.m4s`. A byte of a track has the same place from the moment on which it is written, though in the sealed segment
//! sound stands behind the video.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::media::TrackKind;
use crate::recording::asset::name::SegmentName;
use crate::recording::cache::Growing;
use crate::recording::index::{AssetRow, FragmentEntry, SegmentRow, SegmentState};

/// What a track of a segment is called behind the segment's name.
const ENDINGS: [(TrackKind, &str); 2] = [(TrackKind::Video, ".video.m4s"), (TrackKind::Audio, ".audio.m4s")];

/// A segment, sealed or open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Of which asset.
    pub asset: Arc<AssetRow>,
    /// Which.
    pub name: SegmentName,
    /// The folder of the cache that has it.
    pub(super) folder: Option<PathBuf>,
    /// Whether its store has it.
    pub(super) stored: bool,
    /// It is being written: its tracks stand in files of their own.
    pub growing: bool,
    /// Where its video is within the file.
    pub(super) video: Range<u64>,
    /// Where its audio is within the file.
    pub(super) audio: Range<u64>,
    /// What stands behind its media within the file: what was seen.
    pub(super) behind: Range<u64>,
}

/// What is read of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A track.
    Track(TrackKind),
    /// What stands behind the media.
    Behind,
}

impl Source {
    /// A sealed one.
    #[must_use]
    pub fn sealed(asset: &Arc<AssetRow>, row: &SegmentRow) -> Self {
        let range =
            |part: crate::recording::asset::scan::Part| part.offset..part.offset.saturating_add(part.bytes);
        let (video, audio) = (range(row.video), row.audio.map_or(0..0, range));
        let media = video.end.max(audio.end);
        Self {
            asset: Arc::clone(asset),
            name: row.name.clone(),
            folder: row.folder.clone(),
            stored: row.state == SegmentState::Stored,
            growing: false,
            video,
            audio,
            behind: media..row.bytes.max(media),
        }
    }

    /// The open one, as far as it stands on the disk.
    #[must_use]
    pub fn growing(asset: &Arc<AssetRow>, growing: &Growing) -> Self {
        let length = |fragments: &[FragmentEntry]| fragments.iter().map(|one| one.bytes).sum();
        Self {
            asset: Arc::clone(asset),
            name: growing.name.clone(),
            folder: Some(growing.folder.clone()),
            stored: false,
            growing: true,
            video: 0..length(&growing.video),
            audio: 0..length(&growing.audio),
            behind: 0..0,
        }
    }

    /// How many bytes a track has; of an open one so far.
    #[must_use]
    pub fn length(&self, kind: TrackKind) -> u64 {
        let range = self.range(kind);
        range.end.saturating_sub(range.start)
    }

    /// Where a part is within the file.
    pub(super) fn part(&self, part: Part) -> &Range<u64> {
        match part {
            Part::Track(kind) => self.range(kind),
            Part::Behind => &self.behind,
        }
    }

    /// Where a track is within the file.
    pub(super) fn range(&self, kind: TrackKind) -> &Range<u64> {
        match kind {
            TrackKind::Video => &self.video,
            TrackKind::Audio => &self.audio,
        }
    }

    /// What one of its tracks is called.
    #[must_use]
    pub fn file(&self, kind: TrackKind) -> String {
        format!("{}{}", self.name, ending(kind))
    }
}

/// What the track of a segment is called behind the segment's name.
#[must_use]
pub fn ending(kind: TrackKind) -> &'static str {
    match kind {
        TrackKind::Video => ".video.m4s",
        TrackKind::Audio => ".audio.m4s",
    }
}

/// The segment and the track that a name is of.
#[must_use]
pub fn parse(file: &str) -> Option<(SegmentName, TrackKind)> {
    let (stem, kind) = stem(file)?;
    Some((SegmentName::parse(stem)?, kind))
}

/// A name without the ending of its track.
#[must_use]
pub fn stem(file: &str) -> Option<(&str, TrackKind)> {
    let found = |(kind, ending): (TrackKind, &str)| Some((file.strip_suffix(ending)?, kind));
    ENDINGS.into_iter().find_map(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_track_and_no_other_name_anywhere() {
        let (name, kind) = parse("20261120T225535.123456Z-host-7.audio.m4s").unwrap();
        assert_eq!((name.epoch.counter, kind), (7, TrackKind::Audio));
        assert_eq!(
            format!("{name}{}", ending(kind)),
            "20261120T225535.123456Z-host-7.audio.m4s"
        );
        for wrong in [
            "",
            "../x.video.m4s",
            "20261120T225535.123456Z-host-7.m4s",
            "a/b.audio.m4s",
            ".video.m4s",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
