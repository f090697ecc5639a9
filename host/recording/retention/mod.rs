//! What goes so that the rest can stay: retention by age and by size, and the reserve of free space (`keepFree`).
//!
//! Invariants:
//! - The oldest goes first; nothing of an asset that is held goes.
//! - What goes becomes a gap with its reason in the transaction that takes it, then its files go; what a store must let go is
//!   remembered until it has.
//! - Nothing goes for its age while the clock is not to be believed ([`SteadyClock`]).
//! - A round ends: each of its steps is bounded, and what is left over is done in the next.
//!
//! An asset of which nothing is left stays in the index with its gaps for [`FORGET_AFTER`], so that `coverage` can still say
//! why; then it is forgotten.

mod keeper;
mod rules;
pub mod space;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

pub use keeper::{Keeper, KeeperOptions};
pub use rules::{Limits, Pattern, Rules};
pub use space::{KeepFree, Space, space};

use super::RecordingError;
use super::index::{AssetRow, Dropped, GapReason, Index, SegmentId};
use crate::media::MediaTime;

/// How often ages and sizes are looked at.
pub const RETENTION_INTERVAL: Duration = Duration::from_secs(60);
/// How often the free space is looked at.
pub const SPACE_INTERVAL: Duration = Duration::from_secs(5);
/// How long after its last gap an asset without media is remembered.
pub const FORGET_AFTER: Duration = Duration::from_secs(90 * 86_400);

/// What holds segments: the cache, and the index behind it.
pub trait Holder: Send + Sync + Debug {
    /// What there is.
    fn index(&self) -> &Arc<Index>;

    /// Whether a writer is at work in an asset.
    fn is_open(&self, store: &str, asset: &str) -> bool;

    /// Drops segments: see [`Index::drop_segments`]; also removes their files in the cache.
    ///
    /// # Errors
    /// When the index cannot be written; then nothing was dropped.
    fn drop_segments(&self, ids: &[SegmentId], reason: GapReason) -> Result<Vec<Dropped>, RecordingError>;

    /// Whoever writes playlists to a store is told that some are stale ([`Index::stale_playlists`]).
    fn playlists_stale(&self, store: &str);
}

/// What went of one asset in one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// From which asset.
    pub asset: AssetRow,
    /// The first moment that went.
    pub start: MediaTime,
    /// Where media goes on, or the last moment that went.
    pub end: MediaTime,
    /// Why.
    pub reason: GapReason,
    /// Fragments of video that went.
    pub fragments: u64,
    /// Bytes that went.
    pub bytes: u64,
}

/// Is told what went.
pub trait KeepListener: Send + Sync + Debug {
    /// Something went.
    fn gone(&self, gone: &Gone);
}

/// How the reserve is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepStatus {
    /// There is less room than there should be, and nothing left that may be removed.
    pub nothing_left: bool,
    /// Nothing goes for its age now: the clock is not to be believed.
    pub clock_doubtful: bool,
}
