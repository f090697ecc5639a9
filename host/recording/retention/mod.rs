//! What goes so that the rest can stay: retention by age and by size, and the reserve of free space (`keepFree`).
//!
//! Invariants:
//! - The oldest goes first; nothing that is held goes, and what is held does not count into the size of a rule: else a rule
//!   would let everything go that is recorded beside it.
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

use std::time::Duration;

pub use keeper::{Keeper, KeeperOptions, SpaceReader};
pub use rules::{Limits, Pattern, Rules};
pub use space::{KeepFree, Space, space};

/// How often ages and sizes are looked at: what goes is told each time, and nobody wants to hear of every segment.
pub const RETENTION_INTERVAL: Duration = Duration::from_secs(600);
/// How often the free space is looked at.
pub const SPACE_INTERVAL: Duration = Duration::from_secs(5);
/// How long after its last gap an asset without media is remembered.
pub const FORGET_AFTER: Duration = Duration::from_secs(90 * 86_400);

/// How the reserve is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepStatus {
    /// There is less room than there should be, and nothing left that may be removed.
    pub nothing_left: bool,
    /// Of what may not be removed then, something is held.
    pub held: bool,
    /// What is held fills the cache of something that records: what comes new is lost.
    pub held_full: bool,
    /// Nothing goes for its age now: the clock is not to be believed.
    pub clock_doubtful: bool,
}
