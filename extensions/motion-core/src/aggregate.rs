//! Reports motion at most once per window.

use crate::regions::{self, MAX_REGIONS, Patch, Region};

/// Gathers regions between reports.
///
/// The first motion is reported at once and starts a window. What moves within the window is gathered. The first
/// picture with motion at or after the window's end reports everything gathered and starts the next window. If that
/// takes longer than another window, what was gathered is stale and is left out.
#[derive(Debug)]
pub struct Aggregator {
    window: u64,
    /// When the last report was made.
    reported: Option<u64>,
    gathered: Vec<Region>,
}

impl Aggregator {
    /// With a window in ticks; 0 reports every picture with motion.
    #[must_use]
    pub fn new(window: u64) -> Self {
        Self {
            window,
            reported: None,
            gathered: Vec::new(),
        }
    }

    /// Takes the regions of the picture at `time` and returns those to report with it.
    pub fn report(&mut self, time: u64, regions: Vec<Region>) -> Vec<Region> {
        if self.window == 0 || regions.is_empty() {
            return regions;
        }
        let age = self.reported.and_then(|reported| time.checked_sub(reported));
        match age {
            Some(age) if age < self.window => {
                self.gathered = join(std::mem::take(&mut self.gathered), regions);
                Vec::new()
            }
            _ => {
                self.reported = Some(time);
                let gathered = std::mem::take(&mut self.gathered);
                let fresh = age.is_some_and(|age| age < 2 * self.window);
                join(if fresh { gathered } else { Vec::new() }, regions)
            }
        }
    }
}

fn join(mut all: Vec<Region>, more: Vec<Region>) -> Vec<Region> {
    all.extend(more);
    // Regions of one picture are far enough apart; over time they are joined where they overlap.
    const SCALE: f32 = 320.0;
    let patches = all.iter().map(|region| Patch {
        left: region.left * SCALE,
        top: region.top * SCALE,
        right: (region.left + region.width) * SCALE,
        bottom: (region.top + region.height) * SCALE,
        area: (region.width * region.height * SCALE * SCALE) as u32,
        strong: true,
        live: true,
    });
    let merged = regions::merge(patches.collect());
    merged
        .iter()
        .take(MAX_REGIONS)
        .map(|patch| patch.region(SCALE as usize, SCALE as usize))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 90_000;

    fn at(left: f32) -> Vec<Region> {
        vec![Region {
            left,
            top: 0.5,
            width: 0.1,
            height: 0.1,
        }]
    }

    #[test]
    fn without_a_window_every_picture_is_reported() {
        let mut aggregator = Aggregator::new(0);
        for time in 0..5 {
            assert_eq!(aggregator.report(time, at(0.1)), at(0.1));
        }
    }

    #[test]
    fn motion_is_reported_once_per_window_with_all_that_moved() {
        let mut aggregator = Aggregator::new(SECOND);
        assert_eq!(aggregator.report(0, at(0.1)).len(), 1);
        assert!(aggregator.report(SECOND / 2, at(0.5)).is_empty());
        assert!(aggregator.report(SECOND - 1, at(0.5)).is_empty());
        assert_eq!(aggregator.report(SECOND, at(0.8)).len(), 2);
        assert!(aggregator.report(SECOND + 1, at(0.8)).is_empty());
    }

    #[test]
    fn what_was_gathered_long_ago_is_left_out() {
        let mut aggregator = Aggregator::new(SECOND);
        aggregator.report(0, at(0.1));
        aggregator.report(SECOND / 2, at(0.5));
        assert_eq!(aggregator.report(10 * SECOND, at(0.8)).len(), 1);
    }

    #[test]
    fn a_picture_without_motion_is_never_reported() {
        let mut aggregator = Aggregator::new(SECOND);
        aggregator.report(0, at(0.1));
        aggregator.report(SECOND / 2, at(0.5));
        assert!(aggregator.report(SECOND, Vec::new()).is_empty());
    }

    #[test]
    fn time_that_goes_back_starts_a_new_window() {
        let mut aggregator = Aggregator::new(SECOND);
        aggregator.report(100 * SECOND, at(0.1));
        assert_eq!(aggregator.report(SECOND, at(0.1)).len(), 1);
    }
}
