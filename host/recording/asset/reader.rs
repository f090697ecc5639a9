//! Reading an asset back as the access units that went into it, with its holes.
//!
//! Invariants: units come in the order of their epochs and, within one, of their decode times; the first unit of each track
//! after anything that is missing is marked as a discontinuity; times are those that were recorded, to the tick. Only
//! sealed segments are read, one at a time, so memory does not grow with the asset. Files are untrusted: what is broken is
//! an error.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::name::{Epoch, SEGMENT, SegmentName};
use super::scan;
use crate::media::demux::format::of_sample_entry;
use crate::media::mp4::read::{Sample, Track};
use crate::media::mp4::{Mp4Error, TIMESCALE, VIDEO_TRACK};
use crate::media::{AccessUnit, MediaTime, StreamFormat, TICKS_PER_SECOND, Ticks, TrackKind, h264};
use crate::recording::RecordingError;

/// Media that is missing for longer than this is a hole: the camera was gone, or nothing was recorded.
const HOLE: Ticks = Ticks(TICKS_PER_SECOND / 2);
/// Bytes of one access unit.
const MAX_SAMPLE_BYTES: u32 = 16 << 20;

/// What comes next of an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// An access unit.
    Unit {
        /// When it is decoded: tracks are put side by side by this.
        decode: MediaTime,
        /// The unit.
        unit: AccessUnit,
    },
    /// Nothing was recorded from here to there.
    Hole {
        /// Where media ends.
        start: MediaTime,
        /// Where it goes on.
        end: MediaTime,
    },
}

/// Reads an asset from its beginning to its end.
#[derive(Debug)]
pub struct AssetReader {
    dir: PathBuf,
    segments: VecDeque<SegmentName>,
    epoch: Option<OpenEpoch>,
    open: Option<OpenSegment>,
    /// Where the segment before ends.
    end: Option<MediaTime>,
    /// Tracks whose next unit continues what came before.
    continued: BTreeSet<TrackKind>,
}

#[derive(Debug)]
struct OpenEpoch {
    epoch: Epoch,
    tracks: Vec<Track>,
    formats: Vec<(u32, Arc<StreamFormat>)>,
}

#[derive(Debug)]
struct OpenSegment {
    path: PathBuf,
    file: File,
    /// In the order of decode times, which are moments here.
    samples: VecDeque<(MediaTime, Sample)>,
}

impl AssetReader {
    /// Lists what a folder holds.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn open(dir: &Path) -> Result<Self, RecordingError> {
        Ok(Self {
            dir: dir.to_owned(),
            segments: scan::segments(dir)?.into(),
            epoch: None,
            open: None,
            end: None,
            continued: BTreeSet::new(),
        })
    }

    /// The first moment; none when there is no segment.
    #[must_use]
    pub fn start(&self) -> Option<MediaTime> {
        self.segments.iter().map(|name| name.start).min()
    }

    /// Where the last segment begins; none when there is none. How long it is stands in the segment.
    #[must_use]
    pub fn last_start(&self) -> Option<MediaTime> {
        self.segments.iter().map(|name| name.start).max()
    }

    /// The next unit or hole; none at the end. Blocks.
    ///
    /// # Errors
    /// When the asset cannot be read, or is broken.
    pub fn read_next(&mut self) -> Result<Option<Piece>, RecordingError> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some((decode, sample)) = open.samples.pop_front() {
                    return self.unit(decode, &sample).map(Some);
                }
                self.open = None;
            }
            let Some(name) = self.segments.pop_front() else {
                return Ok(None);
            };
            if let Some(hole) = self.open_segment(&name)? {
                return Ok(Some(hole));
            }
        }
    }

    /// Gives the hole before it, if there is one.
    fn open_segment(&mut self, name: &SegmentName) -> Result<Option<Piece>, RecordingError> {
        let same_epoch = self.epoch.as_ref().is_some_and(|open| open.epoch == name.epoch);
        if !same_epoch {
            self.epoch = Some(OpenEpoch::open(&self.dir, &name.epoch)?);
        }
        let tracks = self.epoch.as_ref().map_or(&[][..], |epoch| &epoch.tracks);
        let (open, end) = OpenSegment::open(&self.dir, name, tracks)?;
        self.open = Some(open);
        let before = self.end.replace(end);
        let missing = before.map_or(Ticks::ZERO, |before| name.start.since(before));
        if !same_epoch || missing > HOLE {
            self.continued.clear();
        }
        let hole = before.filter(|_| missing > HOLE).map(|start| Piece::Hole {
            start,
            end: name.start,
        });
        Ok(hole)
    }

    fn unit(&mut self, decode: MediaTime, sample: &Sample) -> Result<Piece, RecordingError> {
        let (Some(open), Some(epoch)) = (&self.open, &self.epoch) else {
            return Err(broken(&self.dir, sample, "a sample without its segment"));
        };
        let format = epoch.formats.iter().find(|(track, _)| *track == sample.track);
        let Some((_, format)) = format else {
            return Err(broken(
                &open.path,
                sample,
                "a sample of a track that is not declared",
            ));
        };
        let data = open.read(sample)?;
        let disposable = format.kind == TrackKind::Video
            && format.codec.starts_with("avc")
            && h264::nature(&data).is_ok_and(|nature| nature.disposable);
        let unit = AccessUnit {
            time: decode.offset(Ticks(sample.composition_offset)),
            format: Arc::clone(format),
            data,
            random_access: format.kind == TrackKind::Audio || sample.sync,
            disposable,
            discontinuity: self.continued.insert(format.kind),
        };
        Ok(Piece::Unit { decode, unit })
    }
}

impl OpenEpoch {
    fn open(dir: &Path, epoch: &Epoch) -> Result<Self, RecordingError> {
        let tracks = scan::tracks(dir, epoch)?;
        let path = dir.join(epoch.init(TrackKind::Video));
        let refused = |what: String| RecordingError::media(&path)(Mp4Error::broken(0, what));
        let mut formats = Vec::new();
        for track in &tracks {
            if track.timescale != TIMESCALE {
                return Err(refused(format!("{} ticks a second", track.timescale)));
            }
            let format = of_sample_entry(&track.sample_entry).map_err(refused)?;
            formats.push((track.id, Arc::new(format)));
        }
        Ok(Self {
            epoch: epoch.clone(),
            tracks,
            formats,
        })
    }
}

impl OpenSegment {
    /// Gives where its video ends, too.
    fn open(dir: &Path, name: &SegmentName, tracks: &[Track]) -> Result<(Self, MediaTime), RecordingError> {
        let path = dir.join(name.file(SEGMENT));
        let mut samples = Vec::new();
        let (video, _) = scan::segment(dir, name, tracks, |more| samples.extend_from_slice(more))?;
        // Decode times count from the beginning of the epoch; the name says when the video of this segment begins.
        let moment = |decode: u64| {
            let since = i128::from(decode) - i128::from(video.start);
            name.start.offset(Ticks(i64::try_from(since).unwrap_or(i64::MAX)))
        };
        let mut samples: Vec<(MediaTime, Sample)> = samples
            .into_iter()
            .map(|sample| (moment(sample.decode), sample))
            .collect();
        // Pictures before the sound of the same moment.
        samples.sort_by_key(|(decode, sample)| (*decode, sample.track != VIDEO_TRACK));
        let end = moment(video.start.saturating_add(video.ticks));
        let file = File::open(&path).map_err(RecordingError::io("open", &path))?;
        let open = Self {
            path,
            file,
            samples: samples.into(),
        };
        Ok((open, end))
    }

    fn read(&self, sample: &Sample) -> Result<Bytes, RecordingError> {
        if sample.size > MAX_SAMPLE_BYTES {
            return Err(broken(&self.path, sample, "a sample that is too large"));
        }
        let mut data = vec![0; sample.size as usize];
        self.file
            .read_exact_at(&mut data, sample.offset)
            .map_err(RecordingError::io("read", &self.path))?;
        Ok(data.into())
    }
}

fn broken(path: &Path, sample: &Sample, what: &str) -> RecordingError {
    RecordingError::media(path)(Mp4Error::broken(sample.offset, what))
}
