//! The pictures of a clip, as a camera would send them.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use mediagraph::media::demux::MediaFile;
use mediagraph::media::{AccessUnit, MediaTime, StreamFormat, TICKS_PER_SECOND, Ticks, TrackKind};

use super::Result;

/// A clip in memory.
#[derive(Debug)]
pub(super) struct Clip {
    format: Arc<StreamFormat>,
    pictures: Vec<Picture>,
    length: Ticks,
}

#[derive(Debug)]
struct Picture {
    at: Ticks,
    data: Bytes,
    key: bool,
}

impl Clip {
    /// Reads the video of a file.
    ///
    /// # Errors
    /// When it cannot be read, or has none.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let file = MediaFile::open(path)?;
        let mut tracks = file.tracks().iter().enumerate();
        let found = tracks.find(|(_, track)| track.kind() == TrackKind::Video);
        let (number, track) = found.ok_or("the clip has no pictures")?;
        let ticks = |time: i64| Ticks(time * TICKS_PER_SECOND / i64::from(track.timescale));
        let read = |(place, sample): (usize, &mediagraph::media::demux::Sample)| -> Result<Picture> {
            Ok(Picture {
                at: ticks(sample.pts),
                data: file.read_sample(number, place)?,
                key: sample.key,
            })
        };
        let pictures = track.samples.iter().enumerate().map(read);
        let last = track.samples.last().ok_or("the clip has no pictures")?;
        Ok(Self {
            format: Arc::clone(&track.format),
            pictures: pictures.collect::<Result<_>>()?,
            length: ticks(last.dts + i64::from(last.duration)),
        })
    }

    /// How long it is.
    pub(super) fn length(&self) -> Ticks {
        self.length
    }

    /// All of it, as if it began at a moment.
    pub(super) fn units(&self, begin: MediaTime) -> impl Iterator<Item = Arc<AccessUnit>> {
        self.pictures.iter().map(move |picture| {
            Arc::new(AccessUnit {
                time: begin.offset(picture.at),
                format: Arc::clone(&self.format),
                data: picture.data.clone(),
                random_access: picture.key,
                disposable: false,
                discontinuity: false,
            })
        })
    }
}
