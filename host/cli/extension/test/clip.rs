//! The pictures of a recorded clip, in the order in which they are shown.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::START;
use crate::cli::failure::Failure;
use crate::media::decode::{Decoder, H264Decoder};
use crate::media::picture::Picture;
use crate::media::{MediaTime, TICKS_PER_SECOND, TrackKind};
use crate::nodes::sources::replay::clip::ClipFeed;
use crate::nodes::sources::replay::feed::{Feed as _, Played};

/// A clip that is being decoded.
#[derive(Debug)]
pub(super) struct Clip {
    path: PathBuf,
    feed: ClipFeed,
    decoder: H264Decoder,
    ready: VecDeque<Picture>,
}

impl Clip {
    /// Indexes a file: blocks.
    ///
    /// # Errors
    /// When it cannot be read, or holds no video.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        Ok(Self {
            path: path.to_owned(),
            feed: ClipFeed::open(path, START).map_err(Failure::failed)?,
            decoder: H264Decoder::new(),
            ready: VecDeque::new(),
        })
    }

    /// The next picture; none after the last one.
    ///
    /// # Errors
    /// When the file cannot be read or decoded: what is left out could not be compared.
    pub(super) fn next(&mut self) -> Result<Option<Picture>, Failure> {
        while self.ready.is_empty() {
            let pictures = match self.feed.read_next().map_err(Failure::failed)? {
                None => {
                    self.ready.extend(self.decoder.flush());
                    break;
                }
                Some(Played::Unit { unit, .. }) if unit.kind() == TrackKind::Video => {
                    self.decoder.decode(&unit).map_err(|error| {
                        let (file, at) = (self.path.display(), seconds(unit.time));
                        Failure::failed(format!("`{file}` cannot be decoded at {at:.3} s: {error}"))
                    })?
                }
                Some(_) => continue,
            };
            self.ready.extend(pictures);
        }
        Ok(self.ready.pop_front())
    }
}

/// Seconds of the clip.
pub(super) fn seconds(time: MediaTime) -> f64 {
    time.since(START).0 as f64 / TICKS_PER_SECOND as f64
}
