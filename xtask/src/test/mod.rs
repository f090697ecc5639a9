//! `cargo xtask test`: everything that must hold before a change goes in.
//!
//! Invariant: nothing is skipped in silence. A step that cannot run has failed.

mod authors;
pub(crate) mod azurite;
mod browser;
mod packages;
mod servers;
mod steps;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use self::steps::{Area, Step};
use crate::project;

/// Install what the tests need, then run them all.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Run only the tests against the recordings in this folder; `MEDIAGRAPH_CORPUS` says the same.
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// Run only these steps.
    #[arg(long, value_enum, value_name = "AREA")]
    only: Vec<Area>,
}

/// How one step ended.
#[derive(Debug)]
struct Done {
    name: String,
    took: Duration,
    failed: Option<String>,
}

/// Runs the steps, all of them even if some fail, and prints a summary.
///
/// # Errors
/// When any step failed.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let steps = match project::corpus(arguments.corpus.as_deref())? {
        Some(folder) => vec![steps::corpus(&folder)?],
        None => steps::all()?,
    };
    let wanted = |step: &Step| arguments.only.is_empty() || arguments.only.contains(&step.area);
    let chosen: Vec<Step> = steps.into_iter().filter(wanted).collect();
    if chosen.is_empty() {
        bail!("no step is left to run\nhint: `--only` and `--corpus` do not go together");
    }
    if chosen.iter().any(|step| step.area.needs_packages()) {
        packages::ensure()?;
    }
    if chosen.iter().any(|step| step.area == Area::Test) {
        azurite::ensure()?;
        authors::ensure()?;
        browser::ensure()?;
    }
    if chosen
        .iter()
        .any(|step| matches!(step.area, Area::Test | Area::Corpus))
    {
        servers::ensure()?;
    }
    project::ensure_component_target()?;
    let done: Vec<Done> = chosen.into_iter().map(perform).collect();
    println!("\n{}", summary(&done));
    let failed = done.iter().filter(|done| done.failed.is_some()).count();
    if failed > 0 {
        bail!("{failed} of {} steps failed", done.len());
    }
    Ok(())
}

fn perform(mut step: Step) -> Done {
    println!("\n==> {}", step.name);
    let start = Instant::now();
    let failed = attempt(&mut step.command).err();
    Done {
        name: step.name,
        took: start.elapsed(),
        failed: failed.map(|error| format!("{error:#}")),
    }
}

fn attempt(command: &mut Command) -> Result<()> {
    if let Some(folder) = command.get_current_dir().filter(|folder| !folder.is_dir()) {
        bail!("there is no folder {}", folder.display());
    }
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !status.success() {
        bail!("{status}");
    }
    Ok(())
}

fn summary(done: &[Done]) -> String {
    let width = done
        .iter()
        .map(|done| done.name.chars().count())
        .max()
        .unwrap_or(0);
    let line = |done: &Done| {
        let verdict = done
            .failed
            .as_ref()
            .map_or_else(|| "ok".to_owned(), |why| format!("FAILED: {why}"));
        format!(
            "{:width$}  {:>6.1} s  {verdict}",
            done.name,
            done.took.as_secs_f64()
        )
    };
    done.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(program: &str) -> Step {
        Step {
            area: Area::Test,
            name: program.to_owned(),
            command: Command::new(program),
        }
    }

    #[test]
    fn a_step_that_fails_or_cannot_run_is_named_in_the_summary() {
        let done = ["true", "false", "no-such-program-anywhere"].map(|program| perform(step(program)));
        assert_eq!(done.iter().filter(|done| done.failed.is_some()).count(), 2);
        let summary = summary(&done);
        let lines: Vec<&str> = summary.lines().collect();
        assert!(lines[0].ends_with("ok"), "{summary}");
        assert!(lines[1].contains("FAILED: exit status: 1"), "{summary}");
        assert!(
            lines[2].contains("FAILED: cannot run no-such-program-anywhere"),
            "{summary}"
        );
    }
}
