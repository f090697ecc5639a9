//! The pictures of a recorded clip, in the order in which they are shown.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use super::START;
use crate::cli::failure::Failure;
use crate::media::decode::{Decoder, H264Decoder};
use crate::media::demux::{MediaFile, Sample};
use crate::media::picture::Picture;
use crate::media::{AccessUnit, MediaTime, TICKS_PER_SECOND, Ticks, TrackKind};

/// A clip that is being decoded.
#[derive(Debug)]
pub(super) struct Clip {
    file: MediaFile,
    track: usize,
    next: usize,
    decoder: H264Decoder,
    ready: VecDeque<Picture>,
}

impl Clip {
    /// Indexes a file: blocks.
    ///
    /// # Errors
    /// When it cannot be read, or holds no video.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let file = MediaFile::open(path).map_err(Failure::failed)?;
        let video = |track: &crate::media::demux::Track| track.kind() == TrackKind::Video;
        let track = file.tracks().iter().position(video).ok_or_else(|| {
            Failure::failed(format!(
                "`{}` has no video that a component could look at",
                path.display()
            ))
        })?;
        Ok(Self {
            file,
            track,
            next: 0,
            decoder: H264Decoder::new(),
            ready: VecDeque::new(),
        })
    }

    /// The next picture; none after the last one.
    ///
    /// # Errors
    /// When the file cannot be read or decoded: what is left out could not be compared.
    pub(super) fn next(&mut self) -> Result<Option<Picture>, Failure> {
        loop {
            if let Some(picture) = self.ready.pop_front() {
                return Ok(Some(picture));
            }
            let Some(unit) = self.unit()? else {
                self.ready.extend(self.decoder.flush());
                return Ok(self.ready.pop_front());
            };
            let pictures = self.decoder.decode(&unit).map_err(|error| {
                let at = seconds(unit.time);
                let file = self.file.path().display();
                Failure::failed(format!("`{file}` cannot be decoded at {at:.3} s: {error}"))
            })?;
            // An edit list cuts off what is only there to decode the rest.
            self.ready
                .extend(pictures.into_iter().filter(|picture| picture.time() >= START));
        }
    }

    fn unit(&mut self) -> Result<Option<AccessUnit>, Failure> {
        let tracks = self.file.tracks();
        let Some((track, sample)) = tracks
            .get(self.track)
            .and_then(|track| Some((track, track.samples.get(self.next)?)))
        else {
            return Ok(None);
        };
        let unit = AccessUnit {
            time: time(sample, track.timescale),
            format: Arc::clone(&track.format),
            data: self
                .file
                .read_sample(self.track, self.next)
                .map_err(Failure::failed)?,
            random_access: sample.key,
            disposable: false,
            discontinuity: false,
        };
        self.next += 1;
        Ok(Some(unit))
    }
}

/// When a sample is shown, rounded to the nearest tick.
fn time(sample: &Sample, timescale: u32) -> MediaTime {
    let timescale = i128::from(timescale.max(1));
    let ticks =
        (i128::from(sample.pts) * i128::from(TICKS_PER_SECOND) * 2 + timescale).div_euclid(timescale * 2);
    START.offset(Ticks(i64::try_from(ticks).unwrap_or(i64::MAX)))
}

/// Seconds of the clip.
pub(super) fn seconds(time: MediaTime) -> f64 {
    time.since(START).0 as f64 / TICKS_PER_SECOND as f64
}
