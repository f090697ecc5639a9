//! What is shown, compared with what was dropped.

use super::boxes::Fragment;

/// Moments are shown to the millisecond.
const ROUNDING: u64 = 2 * 90;
/// A fragment of our camera: its keyframe interval, in ticks.
const FRAGMENT: u64 = 2 * 90_000;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Verdict {
    /// Fragments by which the gap shown differs from what was dropped.
    pub(super) differing: u64,
    /// Fragments that the index counts and that were not dropped, or the reverse.
    pub(super) miscounted: u64,
    pub(super) changed: u64,
    pub(super) unlisted: u64,
    pub(super) missing: u64,
    pub(super) beyond: u64,
    pub(super) empty: f64,
    pub(super) fragments: u64,
    pub(super) dropped: u64,
    pub(super) dropped_segments: u64,
    pub(super) gaps: u64,
    pub(super) outage_s: f64,
    pub(super) times: f64,
    pub(super) drained_s: f64,
    /// In words.
    pub(super) findings: Vec<String>,
}

/// A stretch that is shown as missing because the cache was full, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Shown {
    fn holds(self, fragment: &Fragment) -> bool {
        self.start <= fragment.start + ROUNDING && fragment.end <= self.end + ROUNDING
    }

    fn touches(self, fragment: &Fragment) -> bool {
        self.start + ROUNDING < fragment.end && fragment.start + ROUNDING < self.end
    }
}

/// By how many fragments gaps differ from what was dropped of one camera.
pub(super) fn differing(dropped: &[Fragment], kept: &[Fragment], shown: &[Shown]) -> u64 {
    let untold = dropped
        .iter()
        .filter(|fragment| !shown.iter().any(|gap| gap.holds(fragment)));
    let there = kept
        .iter()
        .filter(|fragment| shown.iter().any(|gap| gap.touches(fragment)));
    let beyond = shown.iter().map(|gap| {
        let held = dropped.iter().filter(|fragment| gap.holds(fragment));
        let held: u64 = held.map(|fragment| fragment.end - fragment.start).sum();
        // What is shown and was never dropped, to the nearest fragment.
        ((gap.end - gap.start).saturating_sub(held) + FRAGMENT / 2) / FRAGMENT
    });
    untold.count() as u64 + there.count() as u64 + beyond.sum::<u64>()
}

/// Gaps that follow one another are one: a day ends in the middle of an outage.
pub(super) fn joined(mut gaps: Vec<Shown>) -> Vec<Shown> {
    gaps.sort_by_key(|gap| gap.start);
    let mut joined: Vec<Shown> = Vec::new();
    for gap in gaps {
        match joined.last_mut() {
            Some(last) if gap.start <= last.end + ROUNDING => last.end = last.end.max(gap.end),
            _ => joined.push(gap),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragments(range: std::ops::Range<u64>) -> Vec<Fragment> {
        let fragment = |number| Fragment {
            start: number * FRAGMENT,
            end: (number + 1) * FRAGMENT,
            pictures: 50,
        };
        range.map(fragment).collect()
    }

    fn shown(start: u64, end: u64) -> Shown {
        Shown {
            start: start * FRAGMENT,
            end: end * FRAGMENT,
        }
    }

    #[test]
    fn a_gap_that_is_exactly_what_was_dropped_differs_by_nothing() {
        let kept = [fragments(0..5), fragments(20..30)].concat();
        assert_eq!(differing(&fragments(5..20), &kept, &[shown(5, 20)]), 0);
        let rounded = Shown {
            start: 5 * FRAGMENT + 80,
            end: 20 * FRAGMENT - 80,
        };
        assert_eq!(differing(&fragments(5..20), &kept, &[rounded]), 0);
        assert_eq!(differing(&[], &kept, &[]), 0);
    }

    #[test]
    fn each_fragment_that_is_told_wrongly_counts() {
        let kept = [fragments(0..5), fragments(20..30)].concat();
        let of = |gaps: &[Shown]| differing(&fragments(5..20), &kept, gaps);
        assert_eq!(of(&[]), 15, "not told");
        assert_eq!(of(&[shown(6, 20)]), 1, "one too few");
        // One that is there is in the gap, and the gap is longer by it.
        assert_eq!(of(&[shown(5, 21)]), 2);
        assert_eq!(of(&[shown(5, 20), shown(40, 43)]), 3, "nothing was dropped there");
    }

    #[test]
    fn a_gap_over_midnight_is_one() {
        assert_eq!(joined(vec![shown(7, 9), shown(5, 7)]), [shown(5, 9)]);
        assert_eq!(joined(vec![shown(5, 7), shown(8, 9)]).len(), 2);
    }
}
