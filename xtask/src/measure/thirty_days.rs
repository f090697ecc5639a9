//! Thirty days of recording with a clock that is moved by hand: the bench `thirty_days` does it, this reads what it found.

use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::{Besides, Context, Reading};
use crate::project;

const BENCH: &str = "thirty_days";

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
    let mut command = project::cargo();
    command.arg("bench");
    if context.dev {
        // With the workspace, as the tests: alone, its dependencies would have other features and be built again.
        command.args(["--profile", "dev", "--workspace"]);
    }
    command.args(["--bench", BENCH]);
    if let Some(days) = context.rounds {
        command.args(["--", "--days", &days.to_string()]);
    }
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run `cargo bench`")?;
    if !output.status.success() {
        bail!("`cargo bench --bench {BENCH}` failed ({})", output.status);
    }
    reading(&String::from_utf8_lossy(&output.stdout))
}

fn reading(printed: &str) -> Result<Reading> {
    let line = printed.lines().rfind(|line| line.starts_with('{'));
    let found: Found = serde_json::from_str(line.context("the simulation printed no result")?)?;
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
        let reading = reading(&format!("Running benches\n{line}\n")).unwrap();
        assert_eq!(reading.value, 1.0);
        let met: Vec<bool> = reading.besides.iter().map(|one| one.met).collect();
        assert_eq!(met, [false, true]);
    }

    #[test]
    fn a_simulation_that_recorded_nothing_is_no_result() {
        let line = LINE.replace('\n', "").replace("\"kept\":5", "\"kept\":0");
        assert!(reading(&line).is_err() && reading("").is_err());
    }
}
