//! What lies between what was recorded, and why.

use std::ops::Range;

use super::index::Gap;
use crate::media::{MediaTime, TICKS_PER_SECOND};

/// What is nearer than this follows one another, in ticks.
pub const HOLE: i64 = TICKS_PER_SECOND / 2;
/// The cause of a hole of which the index knows none: inactive, a closed gate, or before the first recording.
pub const NOT_RECORDED: &str = "notRecorded";

/// Finds what lies between stretches.
#[derive(Debug, Default)]
pub struct Holes {
    end: Option<MediaTime>,
    found: Vec<Range<MediaTime>>,
}

impl Holes {
    /// The next stretch, by its start.
    pub fn add(&mut self, stretch: &Range<MediaTime>) {
        if let Some(end) = self.end.filter(|end| stretch.start.since(*end).0 > HOLE) {
            self.found.push(end..stretch.start);
        }
        self.end = self.end.max(Some(stretch.end));
    }

    /// In order.
    #[must_use]
    pub fn found(self) -> Vec<Range<MediaTime>> {
        self.found
    }
}

/// Parts of a hole, each with its cause; of gaps that overlap the first counts. The gaps come by their starts.
#[must_use]
pub fn causes(hole: &Range<MediaTime>, gaps: &[Gap]) -> Vec<(Range<MediaTime>, &'static str)> {
    let mut parts: Vec<(Range<MediaTime>, &'static str)> = Vec::new();
    let mut at = hole.start;
    for gap in gaps.iter().take_while(|gap| gap.start < hole.end) {
        let (start, end) = (gap.start.max(at), gap.end.min(hole.end));
        if end <= start {
            continue;
        }
        // What is left over by rounding, or by the length of a last picture, has the cause of its neighbour.
        if start.since(at).0 > HOLE {
            parts.push((at..start, NOT_RECORDED));
            parts.push((start..end, gap.reason.name()));
        } else {
            parts.push((at..end, gap.reason.name()));
        }
        at = end;
    }
    match parts.last_mut() {
        Some((last, _)) if hole.end.since(at).0 <= HOLE => last.end = hole.end,
        _ => parts.push((at..hole.end, NOT_RECORDED)),
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::index::GapReason;

    fn range(start: i64, end: i64) -> Range<MediaTime> {
        let at = |second: i64| MediaTime::from_ticks((second * TICKS_PER_SECOND) as u64);
        at(start)..at(end)
    }

    #[test]
    fn holes_lie_between_stretches_also_where_these_overlap() {
        let mut holes = Holes::default();
        for (start, end) in [(0, 10), (2, 4), (10, 12), (15, 16), (16, 20), (30, 30)] {
            holes.add(&range(start, end));
        }
        assert_eq!(holes.found(), [range(12, 15), range(20, 30)]);
    }

    #[test]
    fn what_has_no_cause_was_not_recorded() {
        let gap = |start, end, reason| {
            let Range { start, end } = range(start, end);
            let (fragments, units) = (0, 0);
            Gap {
                start,
                end,
                reason,
                fragments,
                units,
            }
        };
        let gaps = [
            gap(0, 12, GapReason::Camera),
            gap(11, 13, GapReason::Disk),
            gap(15, 40, GapReason::Deleted),
        ];
        let told = causes(&range(10, 20), &gaps);
        let expected = [
            (range(10, 12), "camera"),
            (range(12, 13), "disk"),
            (range(13, 15), NOT_RECORDED),
            (range(15, 20), "deleted"),
        ];
        assert_eq!(told, expected);
        assert_eq!(causes(&range(50, 60), &gaps), [(range(50, 60), NOT_RECORDED)]);
    }
}
