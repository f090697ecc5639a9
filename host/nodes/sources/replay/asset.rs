//! A recorded asset as a camera: with the times and the holes that it was recorded with.

use std::path::Path;

use super::feed::{Feed, FeedError, Played};
use crate::media::{MediaTime, Ticks};
use crate::recording::asset::reader::{AssetReader, Piece};

/// A recorded asset.
#[derive(Debug)]
pub struct AssetFeed {
    reader: AssetReader,
    start: MediaTime,
    length: Ticks,
}

impl AssetFeed {
    /// Opens the folder of an asset.
    ///
    /// # Errors
    /// When it cannot be read, or nothing is in it.
    pub fn open(dir: &Path) -> Result<Self, FeedError> {
        let reader = AssetReader::open(dir)?;
        let empty = || FeedError::Empty(dir.display().to_string());
        let start = reader.start().ok_or_else(empty)?;
        let length = reader.last_start().unwrap_or(start).since(start);
        Ok(Self {
            reader,
            start,
            length,
        })
    }
}

impl Feed for AssetFeed {
    fn start(&self) -> MediaTime {
        self.start
    }

    fn length(&self) -> Ticks {
        self.length
    }

    fn read_next(&mut self) -> Result<Option<Played>, FeedError> {
        let piece = self.reader.read_next()?;
        Ok(piece.map(|piece| match piece {
            Piece::Unit { decode, unit } => Played::Unit { order: decode, unit },
            Piece::Hole { start, end } => Played::Hole { start, end },
        }))
    }
}
