//! Which pictures of a source are decoded: as few as give each consumer what it asks for.
//!
//! A pure function of the media and of what is asked, without clocks: the same media is always planned alike.
//!
//! Invariants:
//! - With [`Mode::Due`] every consumer is given the very frames that it would be given if all were decoded: only pictures to
//!   which nothing refers and which are due to nobody are left out.
//! - With [`Mode::Keyframes`] it is given keyframes only, as long as they come at least every [`KEYFRAMES_SUFFICE`] times the
//!   interval that it asks for. What is left out stands by until the next keyframe: when that is late, decoding
//!   catches up at once. So nobody is starved to save work, also when a camera changes its ways.
//! - What is passed to the decoder is always decodable: no picture whose references were left out.

use std::sync::Arc;

use super::groups::{Claims, Groups};
use crate::media::{AccessUnit, MediaTime, TICKS_PER_SECOND, Ticks};
use crate::nodes::io::demand::Demand;

/// Keyframes suffice while their interval is at most this many times the interval that is asked for: cameras that are set to
/// 1 s send keyframes every 1.001 s.
pub const KEYFRAMES_SUFFICE: f64 = 1.25;

/// The most media of one group of pictures that stands by while keyframes alone are decoded.
pub const MAX_HELD_BYTES: usize = 16 << 20;

/// How much of a source is decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nobody wants frames.
    #[default]
    Nothing,
    /// Keyframes that are due.
    Keyframes,
    /// What is due, and what other pictures refer to.
    Due,
    /// All.
    Everything,
}

impl Mode {
    /// As status says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Keyframes => "keyframes",
            Self::Due => "due",
            Self::Everything => "everything",
        }
    }
}

/// What is to be done with an access unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Decode it.
    Decode {
        /// To be decoded before, in this order; their pictures come too late to be shown to anybody.
        held: Vec<Arc<AccessUnit>>,
        /// No picture waits for its turn behind it: nothing more is decoded for a while.
        flush: bool,
    },
    /// Leave it out: nothing refers to it, and others are decoded meanwhile.
    Pass,
    /// Leave it out: up to its time nothing will be decoded.
    LeaveOut,
}

/// Decides about the units of one source.
#[derive(Debug, Default)]
pub struct Planner {
    demand: Demand,
    mode: Mode,
    groups: Groups,
    claims: Claims,
    held: Vec<Arc<AccessUnit>>,
    held_bytes: usize,
    /// References were left out: decoding goes on at a keyframe.
    broken: bool,
    left_out: u64,
}

/// The longest interval of keyframes that suffices at this rate.
#[must_use]
pub fn longest_interval(rate: f64) -> Ticks {
    Ticks((KEYFRAMES_SUFFICE * TICKS_PER_SECOND as f64 / rate).floor() as i64)
}

impl Planner {
    /// How much is decoded now.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Units that will never be decoded, since the last time that this was asked.
    pub fn take_left_out(&mut self) -> u64 {
        std::mem::take(&mut self.left_out)
    }

    /// Others are wanted from now on.
    pub fn ask(&mut self, demand: Demand) {
        if demand == self.demand {
            return;
        }
        self.claims.ask(demand.rates());
        self.demand = demand;
        self.plan();
    }

    /// Media is missing, or none comes for a while.
    pub fn lost(&mut self) {
        self.let_go();
        self.groups.lost();
        self.claims.clear();
        self.broken = true;
    }

    /// Decides about the next unit, in decoding order.
    pub fn unit(&mut self, unit: &Arc<AccessUnit>) -> Step {
        if unit.discontinuity {
            self.lost();
        }
        if unit.random_access {
            self.let_go();
            self.groups.begin(unit.time);
            self.broken = false;
            self.plan();
        }
        self.groups.add(unit.weight());
        if self.mode == Mode::Keyframes && !unit.random_access && self.is_late(unit.time) {
            self.groups.distrust();
            self.plan();
        }
        match self.mode {
            _ if self.broken => self.leave_out(),
            Mode::Nothing => {
                self.broken = true;
                self.leave_out()
            }
            Mode::Keyframes => self.hold_back(unit),
            Mode::Due if unit.disposable && !unit.random_access && !self.claims.is_due(unit.time) => {
                self.left_out += 1;
                Step::Pass
            }
            Mode::Due | Mode::Everything => self.decode(unit),
        }
    }

    fn plan(&mut self) {
        self.mode = match (&self.demand, self.demand.highest()) {
            (Demand::Nothing, _) => Mode::Nothing,
            (_, None) => Mode::Everything,
            (_, Some(rate)) if self.groups.suit(longest_interval(rate), MAX_HELD_BYTES) => Mode::Keyframes,
            _ => Mode::Due,
        };
    }

    /// Whether a keyframe should have come by now, or too much stands by.
    fn is_late(&self, now: MediaTime) -> bool {
        let longest = self.demand.highest().map(longest_interval);
        let late = longest.is_some_and(|longest| self.groups.since(now) > longest);
        late || self.held_bytes > MAX_HELD_BYTES
    }

    fn decode(&mut self, unit: &AccessUnit) -> Step {
        self.claims.claim(unit.time);
        self.held_bytes = 0;
        Step::Decode {
            held: std::mem::take(&mut self.held),
            flush: self.mode == Mode::Keyframes,
        }
    }

    fn hold_back(&mut self, unit: &Arc<AccessUnit>) -> Step {
        if unit.random_access && self.claims.is_due(unit.time) {
            return self.decode(unit);
        }
        if unit.disposable && !unit.random_access {
            self.left_out += 1;
        } else {
            self.held_bytes = self.held_bytes.saturating_add(unit.weight());
            self.held.push(Arc::clone(unit));
        }
        Step::LeaveOut
    }

    fn leave_out(&mut self) -> Step {
        self.left_out += 1;
        Step::LeaveOut
    }

    /// What stood by is not needed any more.
    fn let_go(&mut self) {
        self.left_out += self.held.len() as u64;
        self.held.clear();
        self.held_bytes = 0;
    }
}

#[cfg(test)]
#[path = "planner_tests.rs"]
mod tests;
