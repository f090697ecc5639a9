//! From when until when does a label let media through?
//!
//! A pure state machine over media time in 90 kHz ticks; it never sees a clock. The rules:
//! * The *condition* holds in an observation in which enough things match at once: the right label, sure enough, in one of
//!   the zones, each there for long enough. A thing that is not seen to match for longer than the gap begins anew.
//! * A closed gate in whose condition holds opens, from when the first of those things was seen to match, less the
//!   pre-roll, until the minimum after now. Each further observation in which it holds, and each start event, prolongs it.
//! * A start event opens as well. Where there are stop events, what a start event opened stays open until one comes; or
//!   else until the maximum.
//! * A stop event closes at its moment. A condition that still holds opens the gate again only once it has ceased for
//!   longer than the gap, so that "stop" means stop.
//! * No activation is longer than the maximum, counted from what opened it. What comes then is a new one.
//!
//! Invariants, checked by the tests: ids rise; the start of an activation never moves; its end never moves back, unless
//! a stop event closes it.

#![forbid(unsafe_code)]

mod gate;
mod presence;

pub use gate::{Activation, Decision, Gate};
pub use presence::{MAX_THINGS, Match};

use shapes::{Area, Focus, Zone};

/// Ticks in one second of media time.
pub const TICKS_PER_SECOND: u64 = 90_000;

/// What must be seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// Any of these; empty: whatever it is. Small letters.
    pub labels: Vec<String>,
    /// 0 to 1.
    pub minimum_confidence: f32,
    /// In any of these; empty: anywhere.
    pub zones: Vec<Zone>,
    /// Which point of a box must be in the zone.
    pub focus: Focus,
    /// So many at once.
    pub minimum_count: usize,
    /// Ticks for which each must have been matching.
    pub minimum_dwell: u64,
    /// Ticks for which one may not be seen to match without beginning anew.
    pub maximum_gap: u64,
}

/// Settings, in ticks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Opens while it holds.
    pub condition: Option<Condition>,
    /// Names of events that open. Small letters.
    pub start_events: Vec<String>,
    /// Names of events that close. Small letters.
    pub stop_events: Vec<String>,
    /// So long before what opens.
    pub pre_roll: u64,
    /// Stays open after the last.
    pub minimum: u64,
    /// No longer than this from what opened it.
    pub maximum: u64,
}

/// What is said in an observation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said<'a> {
    /// Things, and labels of the whole picture.
    pub things: Vec<Thing<'a>>,
    /// Names and kinds of events.
    pub events: Vec<&'a str>,
}

/// A thing, or a label of the whole picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thing<'a> {
    /// Its label.
    pub label: &'a str,
    /// 0 to 1.
    pub confidence: f32,
    /// None: the whole picture.
    pub area: Option<Area>,
    /// Its name across frames.
    pub id: Option<&'a str>,
}
