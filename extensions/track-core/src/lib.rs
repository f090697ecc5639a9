//! Follows boxes from frame to frame ([`Tracker`]), counts what crosses lines ([`LineCounter`]) and tells how long things
//! stay in zones ([`Dwell`]).
//!
//! Pure state machines over media time in 90 kHz ticks; none sees a clock or a picture. Each keeps a bounded number of
//! objects. Time that goes back means that a new recording began: what is known of objects is forgotten, totals stay.

#![forbid(unsafe_code)]

mod assign;
mod dwell;
mod lines;
mod tracker;

pub use dwell::{Dwell, DwellConfig, MAX_STAYS, Report, Stage};
pub use lines::{Crossing, LineCounter, MAX_OBJECTS, NamedLine, Totals};
pub use tracker::{MAX_TRACKS, Sighting, Tracker, TrackerConfig};

/// Ticks in one second of media time.
pub const TICKS_PER_SECOND: u64 = 90_000;

/// A known object in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen<'a> {
    /// Its name across frames.
    pub id: &'a str,
    /// Where it is.
    pub area: shapes::Area,
}
