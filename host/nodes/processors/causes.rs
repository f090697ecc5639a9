//! In which order a gate or a processor is told of what happened: its `wake` and the observations of all inputs, by
//! media time.

use crate::extension::Cause;
use crate::media::MediaTime;
use crate::nodes::io::signals::Merge;

/// What a component is to be called for next: its `wake` or an observation, whichever was earlier. `until` is how far
/// everything that it is fed with has come.
pub fn next(merge: &mut Merge, wake: &mut Option<MediaTime>, until: MediaTime) -> Option<Cause> {
    let observed = merge.next_time();
    let elapsed = wake.filter(|wake| {
        // It has passed, and nothing that was observed up to it is still to be told.
        *wake < until && observed.is_none_or(|time| time > *wake)
    });
    if let Some(at) = elapsed {
        *wake = None;
        return Some(Cause::Elapsed(at));
    }
    let observation = merge.pop()?;
    Some(Cause::Observed((*observation).clone()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::media::inference::Observation;
    use crate::nodes::io::signals::Signal;
    use crate::nodes::testing::at;

    fn observed(seconds: f64) -> Signal {
        Signal::Observed(Arc::new(Observation {
            time: at(seconds),
            origin: "motion".into(),
            inferences: Vec::new(),
        }))
    }

    #[test]
    fn a_wake_comes_behind_what_was_observed_up_to_it_and_before_what_came_later() {
        let mut merge = Merge::new(1);
        let mut wake = Some(at(2.0));
        for seconds in [1.0, 2.0, 3.0] {
            merge.signal(0, observed(seconds));
        }
        merge.signal(0, Signal::Watermark(at(4.0)));
        let told: Vec<(bool, MediaTime)> = std::iter::from_fn(|| {
            let cause = next(&mut merge, &mut wake, at(4.0))?;
            Some((matches!(cause, Cause::Elapsed(_)), cause.time()))
        })
        .collect();
        let expected = [(false, 1.0), (false, 2.0), (true, 2.0), (false, 3.0)];
        assert_eq!(told, expected.map(|(elapsed, seconds)| (elapsed, at(seconds))));
    }

    #[test]
    fn a_wake_that_has_not_passed_waits() {
        let (mut merge, mut wake) = (Merge::new(1), Some(at(2.0)));
        assert!(next(&mut merge, &mut wake, at(2.0)).is_none());
        assert_eq!(wake, Some(at(2.0)));
    }
}
