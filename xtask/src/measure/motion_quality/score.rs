//! How well the moments in which a detector saw motion agree with a list of movements.
//!
//! A detector gives the times of pictures with motion. They become intervals as an event recorder makes them: what is
//! not further apart than a hold is one, and one needs a least number of pictures. Both are chosen for each detector as is best
//! for it. Time is then compared in small steps; around the ends of a labelled movement nothing is counted, for no label
//! is more exact than that.

/// Seconds.
const STEP: f64 = 0.04;
/// Holds that are tried, in seconds.
const HOLDS: [f64; 4] = [0.3, 0.6, 1.0, 2.0];
/// Least numbers of pictures that are tried.
const LEAST: [usize; 3] = [1, 2, 4];
/// Below this a precision is of no use to anybody.
const USEFUL_PRECISION: f64 = 0.5;

/// What a clip shows.
#[derive(Clone, Debug)]
pub(super) struct Labels {
    pub(super) seconds: f64,
    /// From and to, in order.
    pub(super) movements: Vec<(f64, f64)>,
    /// Seconds around each end that do not count.
    pub(super) margin: f64,
    /// A detector may learn the scene for so long.
    pub(super) learning: f64,
}

/// The times of pictures with motion, with one setting.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) setting: String,
    pub(super) times: Vec<f64>,
}

/// How good a setting is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Score {
    pub(super) setting: String,
    pub(super) precision: f64,
    pub(super) recall: f64,
}

impl Score {
    /// The harmonic mean of both.
    pub(super) fn f1(&self) -> f64 {
        let sum = self.precision + self.recall;
        if sum > 0.0 {
            2.0 * self.precision * self.recall / sum
        } else {
            0.0
        }
    }
}

/// Every setting with every way to make intervals.
pub(super) fn scores(labels: &Labels, seen: &[Seen]) -> Vec<Score> {
    let ways = seen.iter().flat_map(|seen| {
        HOLDS
            .iter()
            .flat_map(move |hold| LEAST.iter().map(move |least| (seen, *hold, *least)))
    });
    ways.map(|(seen, hold, least)| {
        let (precision, recall) = compare(labels, &intervals(&seen.times, hold, least));
        Score {
            setting: format!("{}, hold {hold} s, {least} pictures", seen.setting),
            precision,
            recall,
        }
    })
    .collect()
}

/// The best of them.
pub(super) fn best(scores: &[Score]) -> Option<&Score> {
    scores.iter().max_by(|a, b| a.f1().total_cmp(&b.f1()))
}

/// How much more recall they have than we, at the precision at which that is most.
pub(super) fn deficit(ours: &[Score], theirs: &[Score]) -> f64 {
    let useful = theirs.iter().filter(|score| score.precision >= USEFUL_PRECISION);
    let at = |precision: f64| {
        let ours = ours.iter().filter(|score| score.precision >= precision);
        ours.map(|score| score.recall).fold(0.0, f64::max)
    };
    useful
        .map(|theirs| theirs.recall - at(theirs.precision))
        .fold(f64::NEG_INFINITY, f64::max)
}

fn intervals(times: &[f64], hold: f64, least: usize) -> Vec<(f64, f64)> {
    let mut all: Vec<(f64, f64, usize)> = Vec::new();
    for time in times {
        match all.last_mut() {
            Some((_, end, pictures)) if time - *end <= hold => {
                *end = *time;
                *pictures += 1;
            }
            _ => all.push((*time, *time, 1)),
        }
    }
    let enough = all.into_iter().filter(|(_, _, pictures)| *pictures >= least);
    enough.map(|(start, end, _)| (start, end + STEP)).collect()
}

/// Precision and recall.
fn compare(labels: &Labels, found: &[(f64, f64)]) -> (f64, f64) {
    let within = |list: &[(f64, f64)], at: f64| list.iter().any(|(start, end)| (*start..*end).contains(&at));
    let near_an_end = |at: f64| {
        let ends = labels.movements.iter().flat_map(|(start, end)| [*start, *end]);
        ends.into_iter().any(|end| (at - end).abs() < labels.margin)
    };
    let (mut right, mut wrong, mut missed) = (0_u32, 0_u32, 0_u32);
    for step in 0..(labels.seconds / STEP) as u32 {
        let at = (f64::from(step) + 0.5) * STEP;
        if at < labels.learning || near_an_end(at) {
            continue;
        }
        match (within(&labels.movements, at), within(found, at)) {
            (true, true) => right += 1,
            (false, true) => wrong += 1,
            (true, false) => missed += 1,
            (false, false) => {}
        }
    }
    let share = |part: u32, rest: u32| {
        let all = part + rest;
        if all == 0 {
            0.0
        } else {
            f64::from(part) / f64::from(all)
        }
    };
    (share(right, wrong), share(right, missed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels {
        Labels {
            seconds: 20.0,
            movements: vec![(5.0, 8.0), (12.0, 15.0)],
            margin: 0.2,
            learning: 1.0,
        }
    }

    fn frames(from: f64, to: f64) -> Vec<f64> {
        (0..((to - from) * 10.0) as usize)
            .map(|step| from + step as f64 / 10.0)
            .collect()
    }

    #[test]
    fn what_is_seen_as_labelled_is_perfect() {
        let times = [frames(5.1, 8.0), frames(12.0, 15.1)].concat();
        assert_eq!(compare(&labels(), &intervals(&times, 0.3, 1)), (1.0, 1.0));
    }

    #[test]
    fn precision_and_recall_are_shares_of_time() {
        // One movement of two, and as much again where nothing moves.
        let times = [frames(5.0, 8.0), frames(16.0, 18.6)].concat();
        let (precision, recall) = compare(&labels(), &intervals(&times, 0.3, 1));
        assert!((precision - 0.5).abs() < 0.02, "{precision}");
        assert!((recall - 0.5).abs() < 0.02, "{recall}");
    }

    #[test]
    fn holds_join_and_flashes_are_left_out() {
        assert_eq!(intervals(&[1.0, 1.5, 4.0], 0.6, 1).len(), 2);
        assert_eq!(intervals(&[1.0, 1.5, 4.0], 0.6, 2).len(), 1);
        assert!(intervals(&[], 0.6, 1).is_empty());
    }

    #[test]
    fn a_deficit_is_of_recall_at_no_less_precision() {
        let score = |precision, recall| Score {
            setting: String::new(),
            precision,
            recall,
        };
        let ours = [score(0.9, 0.8), score(1.0, 0.6)];
        assert!((deficit(&ours, &[score(0.9, 0.9)]) - 0.1).abs() < 1e-9);
        assert!((deficit(&ours, &[score(0.95, 0.5)]) + 0.1).abs() < 1e-9);
        assert_eq!(deficit(&ours, &[score(0.3, 1.0)]), f64::NEG_INFINITY);
        assert!((score(0.5, 1.0).f1() - 2.0 / 3.0).abs() < 1e-9);
    }
}
