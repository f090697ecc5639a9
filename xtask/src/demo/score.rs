//! How many of the clip's movements were caught, and how many events had no movement behind them.
//!
//! The camera plays the file from its beginning at each session's start and repeats it: movement `k` of loop `n` is
//! expected at `T0 + n * length + start`, where `T0` is the session's first moment. All times are seconds since the
//! Unix epoch on the media timeline.

use serde::Serialize;

use crate::clip::truth::Truth;

/// An event may come this much before its movement: the camera's first frame and the session's event are not one.
const EARLY_S: f64 = 0.2;
/// An event may come this much after its movement: the background that a detector learned decays.
pub(super) const LATE_S: f64 = 1.0;

/// What was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    /// When each camera session began.
    pub(crate) sessions: Vec<f64>,
    /// When watching ended.
    pub(crate) end: f64,
    /// The media times of the inference events.
    pub(crate) inferences: Vec<f64>,
    /// From when to when each clip runs.
    pub(crate) clips: Vec<(f64, f64)>,
}

/// What became of one movement.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub(crate) struct Seen {
    what: String,
    /// Seconds of the clip.
    start: f64,
    end: f64,
    /// An inference event fell into it.
    detected: bool,
    /// A clip shows some of it.
    recorded: bool,
}

/// The result.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub(crate) struct Score {
    /// Movements that lay fully within the time observed.
    pub(crate) expected: usize,
    /// Those that were detected and recorded.
    pub(crate) caught: usize,
    /// The others.
    pub(crate) missed: usize,
    /// Inference events outside of every movement.
    #[serde(rename = "false")]
    pub(crate) false_events: usize,
    pub(crate) list: Vec<Seen>,
}

impl Score {
    /// One line about each movement that was not caught.
    pub(crate) fn missed_ones(&self) -> impl Iterator<Item = String> {
        let missed = self.list.iter().filter(|seen| !(seen.detected && seen.recorded));
        missed.map(|seen| {
            let why = if seen.detected {
                "detected, but in no clip"
            } else {
                "not detected"
            };
            format!(
                "{} ({:.1} s to {:.1} s of the clip; {why})",
                seen.what, seen.start, seen.end
            )
        })
    }
}

/// Compares what was seen with what the clip shows.
pub(crate) fn score(truth: &Truth, observed: &Observed) -> Score {
    let passes = passes(truth.seconds, &observed.sessions, observed.end);
    let mut list = Vec::new();
    for (offset, until) in &passes {
        for movement in &truth.movements {
            let (start, end) = (offset + movement.start, offset + movement.end);
            if end + LATE_S > *until {
                continue;
            }
            list.push(Seen {
                what: movement.what.clone(),
                start: movement.start,
                end: movement.end,
                detected: observed.inferences.iter().any(|&at| near(at, start, end)),
                recorded: observed.clips.iter().any(|&(from, to)| from < end && to > start),
            });
        }
    }
    let caught = list.iter().filter(|seen| seen.detected && seen.recorded).count();
    Score {
        expected: list.len(),
        caught,
        missed: list.len() - caught,
        false_events: observed
            .inferences
            .iter()
            .filter(|&&at| !explained(truth, &passes, at))
            .count(),
        list,
    }
}

/// When each pass of a clip of so many seconds began, and when watching it ended.
pub(super) fn passes(seconds: f64, sessions: &[f64], end: f64) -> Vec<(f64, f64)> {
    let mut passes = Vec::new();
    for (index, &begin) in sessions.iter().enumerate() {
        // A session that follows has cut this one short.
        let until = sessions.get(index + 1).copied().unwrap_or(end).min(end);
        let mut offset = begin;
        while seconds > 0.0 && offset < until {
            passes.push((offset, until));
            offset += seconds;
        }
    }
    passes
}

fn explained(truth: &Truth, passes: &[(f64, f64)], at: f64) -> bool {
    passes.iter().any(|(offset, _)| {
        let mut movements = truth.movements.iter();
        movements.any(|movement| near(at, offset + movement.start, offset + movement.end))
    })
}

fn near(at: f64, start: f64, end: f64) -> bool {
    at >= start - EARLY_S && at <= end + LATE_S
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::truth::Movement;

    fn truth() -> Truth {
        let movement = |start, end| Movement {
            start,
            end,
            what: format!("at {start}"),
        };
        Truth {
            fps: 25,
            frames: 1000,
            seconds: 40.0,
            movements: vec![movement(10.0, 13.0), movement(20.0, 23.0)],
        }
    }

    fn observed(inferences: &[f64], end: f64) -> Observed {
        Observed {
            sessions: vec![1000.0],
            end,
            inferences: inferences.to_vec(),
            clips: vec![(1008.0, 1018.0), (1018.0, 1060.0)],
        }
    }

    #[test]
    fn a_movement_with_an_event_and_a_clip_is_caught() {
        let score = score(&truth(), &observed(&[1010.5, 1021.0], 1040.0));
        assert_eq!(
            (score.expected, score.caught, score.missed, score.false_events),
            (2, 2, 0, 0)
        );
    }

    #[test]
    fn a_movement_without_an_event_is_missed() {
        let score = score(&truth(), &observed(&[1010.5], 1040.0));
        assert_eq!((score.expected, score.caught, score.missed), (2, 1, 1));
    }

    #[test]
    fn a_movement_that_no_clip_shows_is_missed() {
        let mut observed = observed(&[1010.5, 1021.0], 1040.0);
        observed.clips.truncate(1);
        let score = score(&truth(), &observed);
        assert_eq!((score.caught, score.missed), (1, 1));
        assert!(score.list[1].detected && !score.list[1].recorded);
    }

    #[test]
    fn an_event_in_the_stillness_is_false_and_one_just_after_a_movement_is_not() {
        let score = score(&truth(), &observed(&[1009.7, 1013.9, 1014.1, 1021.0], 1040.0));
        assert_eq!(score.false_events, 2);
    }

    #[test]
    fn the_clip_repeats_and_what_was_not_watched_to_its_end_does_not_count() {
        let score = score(&truth(), &observed(&[1010.5, 1021.0, 1051.0], 1062.0));
        assert_eq!((score.expected, score.caught, score.false_events), (3, 3, 0));
    }

    #[test]
    fn a_new_session_starts_the_clip_anew() {
        let mut observed = observed(&[1010.5, 1027.0], 1040.0);
        observed.sessions.push(1017.0);
        let score = score(&truth(), &observed);
        assert_eq!((score.expected, score.caught, score.false_events), (2, 2, 0));
    }

    #[test]
    fn without_a_session_every_event_is_false() {
        let mut observed = observed(&[1010.5], 1040.0);
        observed.sessions.clear();
        let score = score(&truth(), &observed);
        assert_eq!((score.expected, score.false_events), (0, 1));
    }
}
