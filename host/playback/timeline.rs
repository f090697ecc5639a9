//! What there is of a recording within a stretch: runs of fragments without a hole.
//!
//! A run is of one epoch; where the next begins, media is missing or is coded in another way. Epochs come in the order they were opened,
//! so that a host's clock that was put back does not mix them up.
//!
//! Invariants: the first fragment of a run begins with a picture that needs no other; fragments of a run follow one another; sound stands
//! beside the video of its run and not before or behind it; nothing here reads media, only the index and what the cache knows.

mod load;

use std::sync::Arc;

pub use self::load::{extent_of, load};
use super::source::Source;
use crate::media::mp4::read::Track;
use crate::media::{MediaTime, TrackKind};
use crate::recording::asset::name::Epoch;
use crate::recording::index::AssetRow;

/// One `moof` with its `mdat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Its first decode time, in ticks since the Unix epoch.
    pub start: u64,
    /// How long it is.
    pub ticks: u64,
    /// Where it begins within its track of the segment.
    pub offset: u64,
    /// How large it is.
    pub bytes: u64,
    /// How many samples it has.
    pub samples: u64,
    /// Whether it begins with a picture that needs no other.
    pub sync: bool,
    /// The segment.
    pub source: Arc<Source>,
}

/// An init segment, shared by all epochs that are coded alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    /// What it is called.
    pub file: String,
    /// What it declares.
    pub track: Track,
}

/// How the tracks of an epoch are coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracks {
    /// The epoch.
    pub epoch: Epoch,
    /// Its first moment that is still there.
    pub began: MediaTime,
    /// Its video.
    pub video: Arc<Init>,
    /// Its audio.
    pub audio: Option<Arc<Init>>,
}

/// Fragments without a hole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How they are coded.
    pub tracks: Arc<Tracks>,
    /// Of the video; never empty.
    pub video: Vec<Fragment>,
    /// Of the audio.
    pub audio: Vec<Fragment>,
}

/// What there is within a stretch.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// Of which recording.
    pub asset: Arc<AssetRow>,
    /// Without holes, each.
    pub runs: Vec<Run>,
    /// More may come.
    pub live: bool,
}

impl Fragment {
    /// Where the next begins.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.ticks)
    }
}

impl Run {
    /// Its first moment.
    #[must_use]
    pub fn start(&self) -> MediaTime {
        MediaTime::from_ticks(self.video.first().map_or(0, |first| first.start))
    }

    /// Where it ends.
    #[must_use]
    pub fn end(&self) -> MediaTime {
        MediaTime::from_ticks(self.video.last().map_or(0, Fragment::end))
    }

    /// The fragments of a track.
    #[must_use]
    pub fn of(&self, kind: TrackKind) -> &[Fragment] {
        match kind {
            TrackKind::Video => &self.video,
            TrackKind::Audio => &self.audio,
        }
    }

    /// How a track is coded.
    #[must_use]
    pub fn init(&self, kind: TrackKind) -> Option<&Arc<Init>> {
        match kind {
            TrackKind::Video => Some(&self.tracks.video),
            TrackKind::Audio => self.tracks.audio.as_ref(),
        }
    }
}

impl Timeline {
    /// Whether there is sound anywhere.
    #[must_use]
    pub fn has_audio(&self) -> bool {
        self.runs.iter().any(|run| !run.audio.is_empty())
    }

    /// The highest bit rate of a segment's worth of fragments, in bits per second.
    #[must_use]
    pub fn bandwidth(&self) -> u64 {
        let rates = self.runs.iter().flat_map(|run| {
            let audio: u64 = run.audio.iter().map(|one| one.bytes).sum();
            let ticks = run.end().since(run.start()).0.unsigned_abs();
            let sound = rate(audio, ticks);
            let video = run.video.chunks(FRAGMENTS_OF_RATE).map(move |some| {
                let bytes = some.iter().map(|one| one.bytes).sum();
                rate(bytes, some.iter().map(|one| one.ticks).sum()).saturating_add(sound)
            });
            video.collect::<Vec<_>>()
        });
        rates.max().unwrap_or(0).max(1)
    }

    /// How the newest run that has a track codes it.
    #[must_use]
    pub fn newest(&self, kind: TrackKind) -> Option<&Track> {
        let mut runs = self.runs.iter().rev();
        runs.find_map(|run| run.init(kind).map(|init| &init.track))
    }
}

/// A rate is measured over so many fragments: about 16 s.
const FRAGMENTS_OF_RATE: usize = 8;

fn rate(bytes: u64, ticks: u64) -> u64 {
    let bits = u128::from(bytes) * 8 * crate::media::TICKS_PER_SECOND as u128;
    u64::try_from(bits / u128::from(ticks.max(1))).unwrap_or(u64::MAX)
}
