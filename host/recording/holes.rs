//! What lies between what was recorded, and why.

use std::ops::Range;

use super::asset::playlist::CONTIGUOUS;
use super::index::Gap;
use crate::media::MediaTime;

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
        if let Some(end) = self.end.filter(|end| stretch.start.since(*end) > CONTIGUOUS) {
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

/// A stretch, and a cause.
pub type Caused = (Range<MediaTime>, &'static str);

/// The parts of holes, each with its cause; of gaps that overlap the first counts. Holes and gaps come by their starts.
#[must_use]
pub fn causes(holes: &[Range<MediaTime>], gaps: &[Gap]) -> Vec<Caused> {
    let mut left = gaps;
    let mut parts = Vec::new();
    for hole in holes {
        // What ends before one hole matters to none behind it: there may be as many gaps as holes.
        let over = left.iter().take_while(|gap| gap.end <= hole.start).count();
        left = left.get(over..).unwrap_or_default();
        parts.extend(causes_of(hole, left));
    }
    parts
}

fn causes_of(hole: &Range<MediaTime>, gaps: &[Gap]) -> Vec<Caused> {
    let mut parts: Vec<Caused> = Vec::new();
    let mut at = hole.start;
    for gap in gaps.iter().take_while(|gap| gap.start < hole.end) {
        let (start, end) = (gap.start.max(at), gap.end.min(hole.end));
        if end <= start {
            continue;
        }
        // What is left over by rounding, or by the length of a last picture, has the cause of its neighbour.
        if start.since(at) > CONTIGUOUS {
            parts.push((at..start, NOT_RECORDED));
            parts.push((start..end, gap.reason.name()));
        } else {
            parts.push((at..end, gap.reason.name()));
        }
        at = end;
    }
    match parts.last_mut() {
        Some((last, _)) if hole.end.since(at) <= CONTIGUOUS => last.end = hole.end,
        _ => parts.push((at..hole.end, NOT_RECORDED)),
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::TICKS_PER_SECOND;
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
        let told = causes(&[range(10, 20), range(50, 60)], &gaps);
        let expected = [
            (range(10, 12), "camera"),
            (range(12, 13), "disk"),
            (range(13, 15), NOT_RECORDED),
            (range(15, 20), "deleted"),
            (range(50, 60), NOT_RECORDED),
        ];
        assert_eq!(told, expected);
        // One that reaches over several holes counts for each.
        let told = causes(&[range(16, 20), range(30, 50)], &gaps);
        let expected = [
            (range(16, 20), "deleted"),
            (range(30, 40), "deleted"),
            (range(40, 50), NOT_RECORDED),
        ];
        assert_eq!(told, expected);
    }
}
