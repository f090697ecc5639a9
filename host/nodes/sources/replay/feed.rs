//! What every recording that can be replayed has in common.

use crate::media::demux::DemuxError;
use crate::media::{AccessUnit, MediaTime, Ticks};
use crate::recording::RecordingError;

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A clip.
    #[error(transparent)]
    Clip(#[from] DemuxError),
    /// An asset.
    #[error(transparent)]
    Asset(#[from] RecordingError),
    /// There is nothing in it.
    #[error(
        "`{0}` holds no pictures that were recorded to their end\nhint: segments of an asset are read once they are sealed and in its store"
    )]
    Empty(String),
}

/// What comes next of a recording.
#[derive(Clone, Debug)]
pub enum Played {
    /// An access unit.
    Unit {
        /// Recordings, and the tracks of one, are put side by side by this: when it is decoded.
        order: MediaTime,
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

impl Played {
    /// Its place among what other recordings give.
    #[must_use]
    pub fn order(&self) -> MediaTime {
        match self {
            Self::Unit { order, .. } => *order,
            Self::Hole { start, .. } => *start,
        }
    }

    /// What came before it must have been dealt with first: the timeline is broken here.
    #[must_use]
    pub fn is_break(&self) -> bool {
        match self {
            Self::Unit { unit, .. } => unit.discontinuity,
            Self::Hole { .. } => true,
        }
    }
}

/// Reads one recording.
pub trait Feed: Send + std::fmt::Debug {
    /// Its first moment.
    fn start(&self) -> MediaTime;

    /// From its first moment to its last, roughly: for people who wait.
    fn length(&self) -> Ticks;

    /// What comes next; none at the end. Blocks.
    ///
    /// # Errors
    /// When the recording cannot be read.
    fn read_next(&mut self) -> Result<Option<Played>, FeedError>;
}
