//! An MP4 or Matroska file as a camera: its first picture is at the moment that the clip is said to start.

use std::path::Path;
use std::sync::Arc;

use super::feed::{Feed, FeedError, Played};
use crate::media::demux::{MediaFile, Sample, Track};
use crate::media::h264;
use crate::media::{AccessUnit, MediaTime, TICKS_PER_SECOND, Ticks, TrackKind};

/// A clip.
#[derive(Debug)]
pub struct ClipFeed {
    file: MediaFile,
    start: MediaTime,
    /// The presentation time of the first picture in the file.
    origin: Ticks,
    length: Ticks,
    /// The pictures, and the sound if there is some.
    lines: Vec<Line>,
}

/// How far a track has come.
#[derive(Debug)]
struct Line {
    /// The index of the track in the file.
    track: usize,
    next: usize,
    /// Nothing of it was read yet.
    fresh: bool,
}

impl ClipFeed {
    /// Opens a file. Blocks: Matroska files are read whole.
    ///
    /// # Errors
    /// When it cannot be read, or has no pictures.
    pub fn open(path: &Path, start: MediaTime) -> Result<Self, FeedError> {
        let file = MediaFile::open(path)?;
        let first = |kind| file.tracks().iter().position(|track| track.kind() == kind);
        let empty = || FeedError::Empty(path.display().to_string());
        let video = first(TrackKind::Video).ok_or_else(empty)?;
        let (origin, end) = file.tracks().get(video).and_then(span).ok_or_else(empty)?;
        let lines = [Some(video), first(TrackKind::Audio)];
        let line = |track| Line {
            track,
            next: 0,
            fresh: true,
        };
        Ok(Self {
            lines: lines.into_iter().flatten().map(line).collect(),
            length: Ticks(end.0.saturating_sub(origin.0)),
            origin,
            start,
            file,
        })
    }

    fn sample(&self, line: &Line) -> Option<(&Track, &Sample)> {
        let track = self.file.tracks().get(line.track)?;
        Some((track, track.samples.get(line.next)?))
    }

    fn moment(&self, track: &Track, time: i64) -> MediaTime {
        let since = in_ticks(track, time).0.saturating_sub(self.origin.0);
        self.start.offset(Ticks(since))
    }

    /// The line whose next sample is decoded first.
    fn next_line(&self) -> Option<(usize, MediaTime)> {
        let heads = self.lines.iter().enumerate().filter_map(|(index, line)| {
            let (track, sample) = self.sample(line)?;
            Some((index, self.moment(track, sample.dts)))
        });
        heads.min_by_key(|(index, decode)| (*decode, *index))
    }
}

/// The first and the last presentation time.
fn span(track: &Track) -> Option<(Ticks, Ticks)> {
    let times = || track.samples.iter().map(|sample| sample.pts);
    Some((in_ticks(track, times().min()?), in_ticks(track, times().max()?)))
}

/// A time of a track in ticks of media time.
fn in_ticks(track: &Track, time: i64) -> Ticks {
    let ticks = (i128::from(time) * i128::from(TICKS_PER_SECOND)).div_euclid(track.timescale.into());
    Ticks(i64::try_from(ticks).unwrap_or(i64::MAX))
}

impl Feed for ClipFeed {
    fn start(&self) -> MediaTime {
        self.start
    }

    fn length(&self) -> Ticks {
        self.length
    }

    fn read_next(&mut self) -> Result<Option<Played>, FeedError> {
        let Some((index, order)) = self.next_line() else {
            return Ok(None);
        };
        let Some((line, (track, sample))) = self
            .lines
            .get(index)
            .and_then(|line| Some((line, self.sample(line)?)))
        else {
            return Ok(None);
        };
        let data = self.file.read_sample(line.track, line.next)?;
        let h264 = track.format.codec.starts_with("avc");
        // A camera says this of each unit itself; a file that lies about key frames is not believed.
        let nature = h264.then(|| h264::nature(&data).unwrap_or_default());
        let unit = AccessUnit {
            time: self.moment(track, sample.pts),
            format: Arc::clone(&track.format),
            data,
            random_access: sample.key && nature.is_none_or(|nature| nature.idr),
            disposable: nature.is_some_and(|nature| nature.disposable),
            discontinuity: line.fresh,
        };
        if let Some(line) = self.lines.get_mut(index) {
            (line.next, line.fresh) = (line.next + 1, false);
        }
        Ok(Some(Played::Unit { order, unit }))
    }
}
