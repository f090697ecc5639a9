//! What the planner remembers of the media: how far apart keyframes are, and which moments are taken care of.

use std::collections::VecDeque;

use crate::media::{MediaTime, Ticks};
use crate::nodes::io::demand::cell;

/// So many groups of pictures in a row must suit before keyframes alone are decoded: a camera changes its interval when
/// the scene does, and each change has its price.
pub(super) const STEADY_GROUPS: usize = 3;

/// Moments that are remembered for each rate: more than pictures can be out of order
/// (`MaxDpbFrames`, ITU-T H.264, A.3.1).
const MAX_CLAIMS: usize = 32;

/// A group of pictures: a keyframe and what follows it, up to the next.
#[derive(Clone, Copy, Debug)]
struct Group {
    interval: Ticks,
    bytes: usize,
}

/// The newest groups of pictures.
#[derive(Debug, Default)]
pub(super) struct Groups {
    known: VecDeque<Group>,
    began: Option<MediaTime>,
    bytes: usize,
}

impl Groups {
    /// A keyframe came.
    pub(super) fn begin(&mut self, time: MediaTime) {
        let before = self.began.replace(time);
        let bytes = std::mem::take(&mut self.bytes);
        let Some(interval) = before.map(|before| time.since(before)) else {
            return;
        };
        if interval.0 <= 0 {
            return;
        }
        if self.known.len() == STEADY_GROUPS {
            self.known.pop_front();
        }
        self.known.push_back(Group { interval, bytes });
    }

    /// A unit of the group came.
    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// What lies across a hole is no interval; what was measured before still counts.
    pub(super) fn lost(&mut self) {
        self.began = None;
        self.bytes = 0;
    }

    /// What was measured holds no more.
    pub(super) fn distrust(&mut self) {
        self.known.clear();
    }

    /// Whether the newest groups were all at most so long and so large.
    pub(super) fn suit(&self, longest: Ticks, largest: usize) -> bool {
        let suits = |group: &Group| group.interval <= longest && group.bytes <= largest;
        self.known.len() == STEADY_GROUPS && self.known.iter().all(suits)
    }

    /// How long ago the newest keyframe was.
    pub(super) fn since(&self, now: MediaTime) -> Ticks {
        self.began.map_or(Ticks(0), |began| now.since(began))
    }
}

/// Which parts of the grid of each rate have a picture, and the earliest that is known.
#[derive(Debug, Default)]
pub(super) struct Claims(Vec<Claim>);

#[derive(Debug)]
struct Claim {
    rate: f64,
    cells: VecDeque<(i64, MediaTime)>,
}

impl Claims {
    /// Looks after these rates; what is known of a rate that stays is kept.
    pub(super) fn ask(&mut self, rates: &[f64]) {
        self.0.retain(|claim| rates.contains(&claim.rate));
        for rate in rates {
            if self.0.iter().all(|claim| claim.rate != *rate) {
                self.0.push(Claim {
                    rate: *rate,
                    cells: VecDeque::new(),
                });
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.iter_mut().for_each(|claim| claim.cells.clear());
    }

    /// Whether a picture at this time would be the first in its part of the grid, at any rate, as far as is known.
    pub(super) fn is_due(&self, time: MediaTime) -> bool {
        self.0.iter().any(|claim| {
            let at = cell(time, claim.rate);
            let taken = |(known, first): &(i64, MediaTime)| *known == at && *first <= time;
            !claim.cells.iter().any(taken)
        })
    }

    /// There will be a picture at this time.
    pub(super) fn claim(&mut self, time: MediaTime) {
        for Claim { rate, cells } in &mut self.0 {
            let at = cell(time, *rate);
            match cells.iter_mut().find(|(known, _)| *known == at) {
                Some((_, first)) => *first = time.min(*first),
                None => {
                    if cells.len() == MAX_CLAIMS {
                        cells.pop_front();
                    }
                    cells.push_back((at, time));
                }
            }
        }
    }
}
