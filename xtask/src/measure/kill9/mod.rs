//! Kills a host outright, again and again, while it records four cameras, and looks what is left.
//!
//! What the host has acknowledged is noted by this process, which is not killed: every sealed segment that was seen, with its
//! size and SHA-256. What the cameras sent stands in their own ledgers. Three kinds of rounds:
//! - at any instant: up to some seconds after the start, also while the host still puts its recordings in order;
//! - while something is sealed: an instance is deactivated and the host is killed meanwhile;
//! - at the turn of a segment, which is 30 s long.
//!
//! Two cameras are recorded to one asset each, across all kills; the other two begin a new asset with each activation.

mod media;
mod trial;

use anyhow::Result;

pub(super) use self::media::pictures;
use self::trial::{Outcome, Trial};
use super::chance::Chance;
use super::rounds::Rounds;
use super::{Besides, Context, Reading};

/// Kills.
const ROUNDS: usize = 200;
/// One of so many rounds lasts until segments end by themselves.
const TURN_EVERY: usize = 20;
/// A fragment of our camera's video: its keyframe interval.
const FRAGMENT_S: f64 = 2.0;
/// What is on its way between the camera's ledger and the recorder at any moment: sockets, and what the camera sends until
/// it notices.
const ON_ITS_WAY_S: f64 = 0.5;
/// The same with a build for development, which is several times slower, on a machine that runs other tests: what is lost then says
/// nothing of the recorder's speed, but still whether fragments are written as they come.
const ON_ITS_WAY_DEV_S: f64 = 2.0;

/// When the host is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kill {
    /// So long after the start of the process.
    Any(f64),
    /// It records for so long, then something is sealed, and the kill comes so much later.
    Sealing(f64, f64),
    /// It records for so long.
    Turn(f64),
}

impl Kill {
    fn choose(round: usize, chance: &mut Chance) -> Self {
        if round.is_multiple_of(TURN_EVERY) {
            Self::Turn(chance.between(29.0, 32.0))
        } else if chance.part() < 0.5 {
            Self::Any(chance.between(0.0, 6.0))
        } else {
            Self::Sealing(chance.between(2.2, 3.2), chance.between(0.0, 0.15))
        }
    }
}

/// Kills and looks.
///
/// # Errors
/// When something does not run.
pub(super) fn run(context: &Context) -> Result<Reading> {
    let binary = context.host()?;
    let rounds = context.rounds.unwrap_or(ROUNDS);
    let mut chance = context.chance();
    let on_its_way = if context.dev {
        ON_ITS_WAY_DEV_S
    } else {
        ON_ITS_WAY_S
    };
    let mut trial = Trial::start(&binary, &super::fresh_folder("kill9")?, on_its_way)?;
    let line = Rounds::new(rounds);
    for round in 1..=rounds {
        trial.round(Kill::choose(round, &mut chance))?;
        line.show(round, "kills");
    }
    let outcome = trial.finish()?;
    outcome.findings.iter().for_each(|finding| eprintln!("{finding}"));
    Ok(reading(rounds, on_its_way, &outcome))
}

fn reading(rounds: usize, on_its_way: f64, outcome: &Outcome) -> Reading {
    let limit = FRAGMENT_S + on_its_way;
    Reading {
        value: outcome.lost as f64,
        against: format!(
            "{rounds} kills; {} segments were acknowledged; {} pictures were recorded by four cameras; a fragment is {FRAGMENT_S} s, \
             and {on_its_way} s may be on their way; median loss at a kill {:.2} s",
            outcome.acknowledged, outcome.pictures, outcome.median_loss_s
        ),
        samples: vec![outcome.lost as f64],
        besides: vec![
            Besides {
                name: "longest media lost at a kill",
                value: outcome.longest_loss_s,
                unit: "s",
                goal: limit,
                met: outcome.longest_loss_s <= limit,
            },
            Besides::none("pictures missing elsewhere", outcome.missing),
            Besides::none("recordings unsound or not played by ffprobe", outcome.broken),
            Besides::none("files left over", outcome.left_over),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_counts_against_it() {
        let met = |outcome: &Outcome| {
            let reading = reading(2, ON_ITS_WAY_S, outcome);
            let besides = reading.besides.iter().map(|one| one.met);
            std::iter::once(reading.value == 0.0)
                .chain(besides)
                .collect::<Vec<_>>()
        };
        let good = Outcome {
            longest_loss_s: FRAGMENT_S,
            ..Outcome::default()
        };
        assert_eq!(met(&good), [true; 5]);
        let bad = Outcome {
            lost: 1,
            longest_loss_s: 2.6,
            missing: 1,
            broken: 1,
            left_over: 1,
            ..Outcome::default()
        };
        assert_eq!(met(&bad), [false; 5]);
    }

    #[test]
    fn every_kind_of_kill_comes_and_a_few_wait_for_the_turn_of_a_segment() {
        let mut chance = Chance::new(1);
        let kills: Vec<Kill> = (1..=ROUNDS)
            .map(|round| Kill::choose(round, &mut chance))
            .collect();
        let count = |wanted: fn(&Kill) -> bool| kills.iter().filter(|kill| wanted(kill)).count();
        assert_eq!(count(|kill| matches!(kill, Kill::Turn(_))), 10);
        assert!(count(|kill| matches!(kill, Kill::Any(_))) > 60);
        assert!(count(|kill| matches!(kill, Kill::Sealing(..))) > 60);
    }
}
