//! Thirty days of recording with a clock that is moved by hand: the bench `recordings` does it, this reads what it found.

use anyhow::{Result, bail};
use serde::Deserialize;

use super::{Besides, Context, Reading, bench};

const PART: &str = "thirty-days";

/// The line that the bench prints.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    disagreements: u64,
    days: u64,
    restarts: u64,
    fragments: u64,
    kept: u64,
    dropped: u64,
    crashed: u64,
    recordings: u64,
    memory_growth_mb: f64,
    memory_goal_mb: f64,
    index_growth_percent: f64,
    index_goal_percent: f64,
    memory_mb: f64,
    index_mb: f64,
}

/// Simulates once.
///
/// # Errors
/// When the simulation does not come to its end.
pub(super) fn run(context: &Context) -> Result<Reading> {
    let days = context
        .rounds
        .map(|days| ["--days".into(), days.to_string().into()]);
    reading(&bench::run(context, PART, days.into_iter().flatten())?)
}

fn reading(found: &Found) -> Result<Reading> {
    if found.kept == 0 || found.fragments < found.kept {
        bail!("the simulation recorded nothing: {found:?}");
    }
    Ok(Reading {
        value: found.disagreements as f64,
        against: format!(
            "{} days of four simulated cameras, {} restarts, every other one a crash; of {} fragments {} are there, {} went for \
             their age, crashes cost {}; {} recordings were read back; in the end {:.1} MB of memory, an index of {:.1} MB",
            found.days,
            found.restarts,
            found.fragments,
            found.kept,
            found.dropped,
            found.crashed,
            found.recordings,
            found.memory_mb,
            found.index_mb
        ),
        samples: vec![found.disagreements as f64],
        besides: vec![
            Besides {
                name: "memory grown since the tenth day",
                value: found.memory_growth_mb,
                unit: "MB",
                goal: found.memory_goal_mb,
                met: found.memory_growth_mb <= found.memory_goal_mb,
            },
            Besides {
                name: "index grown since the tenth day",
                value: found.index_growth_percent,
                unit: "percent",
                goal: found.index_goal_percent,
                met: found.index_growth_percent <= found.index_goal_percent,
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"disagreements":1,"days":30,"restarts":20,"fragments":9,"kept":5,"dropped":3,"crashed":1,
        "recordings":4,"memoryGrowthMb":9.0,"memoryGoalMb":8.0,"indexGrowthPercent":3,"indexGoalPercent":10,"memoryMb":30.0,
        "indexMb":2.0}"#;

    #[test]
    fn the_figure_is_the_number_of_disagreements_and_growth_counts() {
        let line = LINE.replace('\n', "");
        let found = bench::found(&format!("Running benches\n{line}\n"));
        let reading = reading(&found.unwrap()).unwrap();
        assert_eq!(reading.value, 1.0);
        let met: Vec<bool> = reading.besides.iter().map(|one| one.met).collect();
        assert_eq!(met, [false, true]);
    }

    #[test]
    fn a_simulation_that_recorded_nothing_is_no_result() {
        let line = LINE.replace('\n', "").replace("\"kept\":5", "\"kept\":0");
        assert!(reading(&bench::found(&line).unwrap()).is_err() && bench::found::<Found>("").is_err());
    }
}
