//! `cargo xtask measure NAME`: one figure that the project promises, measured here and now.
//!
//! Each measure ends with one JSON object: what was measured, the goal, whether it is met, and against what.

mod activation;
mod analysis;
mod azurite;
mod bench;
mod chance;
mod criterion;
mod drain;
mod hot_swap;
mod idle_instances;
mod inference;
mod kill9;
mod many_cameras;
mod method_latency;
mod motion_quality;
mod outage;
mod playback;
mod power_cut;
mod python;
mod recall;
mod record;
mod record_cost;
mod recordings;
mod replay_speed;
mod rounds;
mod serve;
mod table;
mod thirty_days;
mod trucks;
mod usage;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::Serialize;

use self::chance::Chance;
use self::table::{AT_LEAST, MEASURES};
use crate::project::{self, Profile};

/// Measure one of the figures that the project promises.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Which one; `list` names them all, `machine` describes this machine.
    name: String,
    /// Print the JSON object only.
    #[arg(long)]
    json: bool,
    /// Recordings from elsewhere; `MEDIAGRAPH_CORPUS` says the same.
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// Keep the result in `benches/RESULTS.md`, in the place of an earlier one.
    #[arg(long, conflicts_with_all = ["binary", "dev", "rounds"])]
    record: bool,
    /// Measure this binary instead of building a release: to try a measure out.
    #[arg(long, value_name = "FILE", conflicts_with = "dev")]
    binary: Option<PathBuf>,
    /// Measure a build for development, which says nothing of speed: `cargo xtask test` does some rounds so.
    #[arg(long)]
    dev: bool,
    /// End with an error when a goal is not met.
    #[arg(long)]
    must_meet: bool,
    /// Do so many rounds, where a measure has rounds: to try it out.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Do the same as a run before, where chance has a part: each run says its seed.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// What a measure may use.
#[derive(Debug, Default)]
struct Context {
    corpus: Option<PathBuf>,
    binary: Option<PathBuf>,
    dev: bool,
    rounds: Option<usize>,
    seed: Option<u64>,
}

impl Context {
    /// The host's binary.
    fn host(&self) -> Result<PathBuf> {
        match &self.binary {
            Some(binary) => binary
                .canonicalize()
                .with_context(|| format!("there is no binary {}", binary.display())),
            None if self.dev => project::build_host(Profile::Dev),
            None => project::build_host(Profile::Release),
        }
    }

    /// Chance for this run.
    fn chance(&self) -> Chance {
        let seed = self.seed.unwrap_or_else(chance::seed);
        eprintln!("seed {seed}: with `--seed {seed}` chance is the same again");
        Chance::new(seed)
    }

    /// A file of the corpus.
    fn corpus_file(&self, name: &str) -> Result<PathBuf> {
        let corpus = self.corpus.as_ref().context("no corpus was given")?;
        let path = corpus.join(name);
        if !path.is_file() {
            bail!("the corpus has no {name}: {} is no file", path.display());
        }
        Ok(path)
    }
}

/// What was measured.
#[derive(Debug, Default)]
struct Reading {
    value: f64,
    /// What it was compared with, in words and figures.
    against: String,
    /// The values that `value` was taken from.
    samples: Vec<f64>,
    /// Goals besides the main one: name, value, limit, unit.
    besides: Vec<Besides>,
}

/// A second figure with a limit of its own.
#[derive(Debug, Serialize)]
struct Besides {
    name: &'static str,
    value: f64,
    unit: &'static str,
    goal: f64,
    met: bool,
}

impl Besides {
    /// How many there are of something of which there should be none.
    fn none(name: &'static str, count: usize) -> Self {
        Self {
            name,
            value: count as f64,
            unit: "",
            goal: 0.0,
            met: count == 0,
        }
    }
}

struct Measure {
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    /// The value must not be above it, or not below it if the measure stands among [`AT_LEAST`].
    goal: f64,
    needs_corpus: bool,
    run: fn(&Context) -> Result<Reading>,
}

impl Measure {
    fn is_at_least(&self) -> bool {
        AT_LEAST.contains(&self.name)
    }

    fn bound(&self) -> &'static str {
        if self.is_at_least() { "at least" } else { "at most" }
    }

    fn is_met(&self, value: f64) -> bool {
        if self.is_at_least() {
            value >= self.goal
        } else {
            value <= self.goal
        }
    }
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    name: &'static str,
    value: f64,
    unit: &'static str,
    goal: f64,
    /// What the goal is: the value must be `at most` that, or `at least`.
    bound: &'static str,
    met: bool,
    against: String,
    samples: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    besides: Vec<Besides>,
    machine: String,
}

/// Runs one measure and prints it.
///
/// # Errors
/// When it could not be measured. A goal that is not met is a result, not an error.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.name.as_str() {
        "list" => return list(arguments.json),
        "machine" => {
            println!("{}", record::machine());
            return Ok(());
        }
        _ => {}
    }
    let measure = find(&arguments.name)?;
    let context = Context {
        corpus: project::corpus(arguments.corpus.as_deref())?,
        binary: arguments.binary.clone(),
        dev: arguments.dev,
        rounds: arguments.rounds,
        seed: arguments.seed,
    };
    if measure.needs_corpus && context.corpus.is_none() {
        bail!(
            "{} needs recordings\nhint: name their folder with `--corpus DIR`",
            measure.name
        );
    }
    let report = report(measure, (measure.run)(&context)?);
    if !arguments.json {
        eprintln!("{}: {}", measure.name, measure.what);
        let verdict = if report.met { "met" } else { "NOT met" };
        eprintln!(
            "{} {}, goal {} {}: {verdict}",
            report.value, report.unit, report.bound, report.goal
        );
    }
    println!("{}", serde_json::to_string(&report)?);
    if arguments.record {
        record::record(&report)?;
    }
    if arguments.must_meet && !report.met {
        bail!("{} does not meet its goals", measure.name);
    }
    Ok(())
}

fn find(name: &str) -> Result<&'static Measure> {
    MEASURES
        .iter()
        .find(|measure| measure.name == name)
        .with_context(|| {
            let names: Vec<&str> = MEASURES.iter().map(|measure| measure.name).collect();
            format!("there is no measure `{name}`\nhint: one of {}", names.join(", "))
        })
}

fn report(measure: &Measure, reading: Reading) -> Report {
    Report {
        name: measure.name,
        value: reading.value,
        unit: measure.unit,
        goal: measure.goal,
        bound: measure.bound(),
        met: measure.is_met(reading.value) && reading.besides.iter().all(|besides| besides.met),
        against: reading.against,
        samples: reading.samples,
        besides: reading.besides,
        machine: record::machine(),
    }
}

fn list(json: bool) -> Result<()> {
    for measure in &MEASURES {
        if json {
            let Measure {
                name,
                what,
                unit,
                goal,
                needs_corpus,
                ..
            } = measure;
            let value = serde_json::json!({"name": name, "what": what, "unit": unit, "goal": goal, "bound": measure.bound(), "corpus": needs_corpus});
            println!("{value}");
        } else {
            let corpus = if measure.needs_corpus {
                "; needs --corpus"
            } else {
                ""
            };
            println!(
                "{:<18} {} ({} {} {}{corpus})",
                measure.name,
                measure.what,
                measure.bound(),
                measure.goal,
                measure.unit
            );
        }
    }
    Ok(())
}

/// An empty folder for a measure, below the target directory.
///
/// # Errors
/// When it cannot be made.
fn fresh_folder(name: &str) -> Result<PathBuf> {
    let folder = project::target_directory()?.join("measure").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The middle value; of an even number of values, the mean of the two in the middle.
///
/// # Errors
/// When there is none.
fn median(values: &[f64]) -> Result<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle).context("nothing was measured")?;
    if sorted.len() % 2 == 1 {
        return Ok(*upper);
    }
    let lower = sorted
        .get(middle.saturating_sub(1))
        .context("nothing was measured")?;
    Ok(f64::midpoint(*lower, *upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]).unwrap(), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]).unwrap(), 2.5);
        assert!(median(&[]).is_err());
    }

    #[test]
    fn a_goal_is_met_only_with_everything_besides() {
        let reading = |value, met| Reading {
            value,
            besides: vec![Besides {
                name: "memory",
                value: 1.0,
                unit: "MB",
                goal: 1.0,
                met,
            }],
            ..Reading::default()
        };
        let measure = find("record-cost").unwrap();
        assert!(report(measure, reading(0.5, true)).met);
        assert!(!report(measure, reading(0.51, true)).met);
        assert!(!report(measure, reading(0.1, false)).met);
    }

    #[test]
    fn some_goals_are_to_be_reached_and_the_others_not_to_be_passed() {
        let (drain, cost) = (find("drain").unwrap(), find("record-cost").unwrap());
        assert!(drain.is_met(1.2) && !drain.is_met(0.89));
        assert!(cost.is_met(0.2) && !cost.is_met(0.6));
        assert!(AT_LEAST.iter().all(|name| find(name).is_ok()));
    }

    #[test]
    fn an_unknown_measure_is_answered_with_the_known_ones() {
        let error = find("speed").err().unwrap().to_string();
        assert!(
            error.contains("there is no measure `speed`") && error.contains("record-cost"),
            "{error}"
        );
    }
}
