//! Against an index: what there is of a recording, and the playlists of it. Whether players like them is asked in `tests/playback`.

mod playlists;
mod questions;
mod stretches;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::available::{Question, QuestionError, There};
use super::hls::{self, Links};
use super::live::{Anchors, Numbers};
use super::timeline::{self, Timeline};
use super::{check, dash, range};
use crate::media::mp4::write::init_segment;
use crate::media::{MediaTime, StreamFormat, Ticks, TrackKind};
use crate::recording::asset::name::{Epoch, SegmentName};
use crate::recording::asset::scan::Part;
use crate::recording::cache::Growing;
use crate::recording::holes::NOT_RECORDED;
use crate::recording::index::tests::{Bench, at};
use crate::recording::index::{AssetRow, EpochId, FragmentEntry, GapReason, NewSegment};

/// Of every fragment.
const TWO_SECONDS: u64 = 180_000;

fn second(from: MediaTime, seconds: i64) -> MediaTime {
    from.offset(Ticks::from_secs(seconds))
}

fn noon() -> MediaTime {
    at("2026-11-20T12:00:00Z")
}

fn format(kind: TrackKind, width: u32) -> StreamFormat {
    let (name, length): (&[u8; 4], usize) = match kind {
        TrackKind::Video => (b"avc1", 86),
        TrackKind::Audio => (b"mp4a", 36),
    };
    let mut entry = vec![0; length];
    entry[..4].copy_from_slice(&(length as u32).to_be_bytes());
    entry[4..8].copy_from_slice(name);
    entry[32..34].copy_from_slice(&(width as u16).to_be_bytes());
    entry[34..36].copy_from_slice(&180_u16.to_be_bytes());
    StreamFormat {
        kind,
        codec: String::new(),
        sample_entry: entry.into(),
        decoder_config: bytes::Bytes::new(),
        width,
        height: 180,
        sample_rate: 48_000,
    }
}

/// A recording whose segments have real fragments and init segments.
struct Recorded(Bench);

impl Recorded {
    fn new() -> Self {
        let recorded = Self(Bench::new());
        recorded.coded(recorded.0.epoch, 320, true);
        recorded
    }

    fn coded(&self, epoch: EpochId, width: u32, sound: bool) {
        let kinds = [TrackKind::Video, TrackKind::Audio];
        for kind in kinds.into_iter().take(if sound { 2 } else { 1 }) {
            let init = init_segment(&format(kind, width)).unwrap();
            self.0.index.set_init(epoch, kind, &init).unwrap();
        }
    }

    fn epoch(&self, name: &str, opened: MediaTime) -> EpochId {
        let epoch = Epoch::parse(name).unwrap();
        // Behind the first one, which the bench opens in the evening.
        let opened = second(opened, 12 * 3600).to_timestamp();
        self.0.index.begin_epoch(self.0.asset, &epoch, opened).unwrap()
    }

    /// Fragments of two seconds, as `pattern` says: `I` begins with a picture that needs no other, `P` does not. With sound.
    fn seal(&self, epoch: EpochId, start: MediaTime, pattern: &str) {
        let fragments = fragments(start, pattern, true);
        let of = |kind| {
            let mut part = Part::default();
            let before: u64 = fragments
                .iter()
                .filter(|one| one.kind < kind)
                .map(|one| one.bytes)
                .sum();
            part.offset = before;
            for one in fragments.iter().filter(|one| one.kind == kind) {
                part.extend(one.start, one.ticks, one.samples, one.bytes);
            }
            part
        };
        let (video, audio) = (of(TrackKind::Video), of(TrackKind::Audio));
        let folder = self.0.folder.path().join("cache");
        let new = NewSegment {
            asset: self.0.asset,
            epoch,
            start,
            end: start.offset(Ticks(video.ticks as i64)),
            bytes: video.bytes + audio.bytes,
            video,
            audio: Some(audio),
            fragments: &fragments,
            sha256: [7; 32],
            folder: &folder,
            detections: &[],
        };
        self.0.index.seal(&new).unwrap();
    }

    fn asset(&self) -> Arc<AssetRow> {
        Arc::new(self.0.index.asset_row(self.0.asset).unwrap().unwrap())
    }

    fn load(&self, range: Range<MediaTime>) -> Timeline {
        timeline::load(&self.0.index, None, &self.asset(), &range, &HashSet::new()).unwrap()
    }

    fn load_live(&self, range: Range<MediaTime>, growing: Option<Growing>) -> Timeline {
        let mut timeline =
            timeline::load(&self.0.index, growing, &self.asset(), &range, &HashSet::new()).unwrap();
        timeline.live = true;
        timeline
    }

    fn there(&self, growing: Option<Range<MediaTime>>) -> There<'_> {
        // Leaked: one small row for each test.
        let asset: &'static AssetRow = Box::leak(Box::new((*self.asset()).clone()));
        There {
            index: &self.0.index,
            asset,
            growing,
        }
    }
}

fn fragments(start: MediaTime, pattern: &str, sound: bool) -> Vec<FragmentEntry> {
    let entry = |kind, number: usize, sync| FragmentEntry {
        kind,
        start: start.ticks() + number as u64 * TWO_SECONDS,
        ticks: TWO_SECONDS,
        bytes: if kind == TrackKind::Video { 1000 } else { 100 },
        samples: 50,
        sync,
    };
    let video = pattern.bytes().enumerate();
    let video = video.map(|(number, letter)| entry(TrackKind::Video, number, letter == b'I'));
    let audio = (0..pattern.len()).map(|number| entry(TrackKind::Audio, number, true));
    video.chain(audio.filter(|_| sound)).collect()
}

/// Starts and lengths of the runs, in seconds from noon.
fn runs(timeline: &Timeline) -> Vec<(i64, i64)> {
    let seconds = |at: MediaTime| at.since(noon()).0 / 90_000;
    let runs = timeline.runs.iter();
    runs.map(|run| (seconds(run.start()), seconds(run.end())))
        .collect()
}

fn stretch(from: i64, until: i64) -> Range<MediaTime> {
    second(noon(), from)..second(noon(), until)
}
