//! A store that is away until three times as much was recorded as the cache holds: the gap that is shown must be what was
//! dropped, to the fragment.
//!
//! A host records three cameras into Azurite, which is behind a wire that first freezes and then is cut. Two are recorded
//! all the time, one of them with a cache so small that segments are sealed early; the third is switched on and off and has an asset
//! each time. This process keeps its own ledger: every sealed segment that it sees in the cache, with its bytes and
//! the fragments that it reads from them, and what the cameras say that they have sent. What is in the ledger and not in
//! the container in the end was dropped. With that are compared what `mediagraph coverage` shows, and the rows of the
//! index, which Python's `sqlite3` reads.

mod boxes;
mod compare;
mod judge;
mod ledger;
mod trial;
mod wire;

use anyhow::Result;

use self::judge::Verdict;
use self::trial::Trial;
use super::{Besides, Context, Reading};

/// The outage is so many times as long as the cache lasts.
const CACHES: usize = 3;
/// Seconds between a camera's ledger and the recorder: sockets, and what the camera sends until it notices.
const ON_ITS_WAY_S: f64 = 0.5;
/// As much of a cache may be empty in the end: a segment that has just gone, in a cache that holds no three of them.
const EMPTY_GOAL: f64 = 0.55;

/// One outage.
///
/// # Errors
/// When something does not run.
pub(super) fn run(context: &Context) -> Result<Reading> {
    let binary = context.host()?;
    let caches = context.rounds.unwrap_or(CACHES);
    let mut trial = Trial::start(&binary, &super::fresh_folder("outage")?)?;
    trial.record_with_a_store()?;
    trial.record_without(caches)?;
    trial.record_until_drained()?;
    let verdict = trial.finish()?;
    verdict.findings.iter().for_each(|finding| eprintln!("{finding}"));
    Ok(reading(&verdict))
}

fn reading(verdict: &Verdict) -> Reading {
    Reading {
        value: verdict.differing as f64,
        against: format!(
            "an outage of {:.0} s, {:.1} times what the caches hold; of {} fragments that three cameras were recorded to, {} were dropped \
             with {} segments and lie in {} gaps; up to {:.0} s until the backlog was in the store",
            verdict.outage_s,
            verdict.times,
            verdict.fragments,
            verdict.dropped,
            verdict.dropped_segments,
            verdict.gaps,
            verdict.drained_s
        ),
        samples: vec![verdict.differing as f64],
        besides: vec![
            Besides::none(
                "fragments counted by the index and not dropped, or the reverse",
                verdict.miscounted as usize,
            ),
            Besides::none(
                "segments in the store that are not what was sealed",
                verdict.changed as usize,
            ),
            Besides::none(
                "playlist entries without a segment, or the reverse",
                verdict.unlisted as usize,
            ),
            Besides::none(
                "pictures neither recorded nor on their way",
                verdict.missing as usize,
            ),
            Besides::none("bytes in a cache beyond its size", verdict.beyond as usize),
            Besides {
                name: "part of a cache that was empty at the end of the outage",
                value: verdict.empty,
                unit: "",
                goal: EMPTY_GOAL,
                met: verdict.empty <= EMPTY_GOAL,
            },
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_counts_against_it() {
        let bad = Verdict {
            differing: 1,
            miscounted: 1,
            changed: 1,
            unlisted: 1,
            missing: 1,
            beyond: 1,
            empty: 0.9,
            ..Verdict::default()
        };
        let reading = reading(&bad);
        assert!(reading.value > 0.0 && reading.besides.iter().all(|one| !one.met));
        assert!(
            super::reading(&Verdict::default())
                .besides
                .iter()
                .all(|one| one.met)
        );
    }
}
