//! Recorded media in the place of cameras.
//!
//! [`feed`] reads one recording, [`player`] brings several into one order and hands them on, [`messages`] are what came
//! from outside meanwhile.

pub mod asset;
pub mod clip;
pub mod feed;
pub mod messages;
pub mod player;

pub use feed::{Feed, FeedError, Played};
pub use player::{PlayError, Player, Totals};
