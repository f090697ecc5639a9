//! Figures that criterion has measured: runs a bench several times and compares two of its sides.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{Reading, median};
use crate::project;

/// Runs of the whole bench. Both sides of a pair are of the same run, so that what slows the machine down for a
/// while slows both.
const RUNS: usize = 3;
/// Which bench it is.
const BENCH: &str = "components";

/// Which figures are compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comparison {
    /// The group whose worst pair is the figure. Pairs of other groups are told, and do not count.
    pub(super) group: &'static str,
    /// The side that is judged.
    pub(super) ours: &'static str,
    /// The side that it is compared with.
    pub(super) theirs: &'static str,
}

/// One estimate: where it stands below criterion's folder, and its median in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
struct Estimate {
    path: Vec<String>,
    median_ns: f64,
}

/// Nanoseconds of both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pair {
    ours: f64,
    theirs: f64,
}

/// The pairs of one name, one per run.
type Runs = BTreeMap<String, Vec<Pair>>;

/// Runs a bench several times and says how many times slower `ours` is than `theirs`.
///
/// A pair is two estimates whose paths are the same but for `ours` and `theirs`. Its figure is the median of the
/// runs' ratios; of several pairs (such as frame sizes), the worst counts.
///
/// # Errors
/// When the bench fails or has no such pair.
pub(super) fn ratio(comparison: &Comparison) -> Result<Reading> {
    let mut runs = Runs::new();
    for run in 1..=RUNS {
        eprintln!("the bench `{}`, run {run} of {RUNS}", comparison.group);
        add_pairs(&estimates(comparison.group)?, comparison, &mut runs);
    }
    reading(&runs, comparison)
}

/// One figure of a bench that is not compared with anything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figure {
    /// The name of the function that was measured.
    pub(super) function: &'static str,
    /// How many nanoseconds the unit of the figure has.
    pub(super) unit_ns: f64,
    /// What else is to be known of it.
    pub(super) note: &'static str,
}

/// Runs a bench several times and gives the median of one of its figures.
///
/// # Errors
/// When the bench fails or has no such figure.
pub(super) fn figure(figure: &Figure) -> Result<Reading> {
    let Figure {
        function,
        unit_ns,
        note,
    } = *figure;
    let mut samples = Vec::new();
    for run in 1..=RUNS {
        eprintln!("the bench `{function}`, run {run} of {RUNS}");
        samples.extend(of(&estimates(function)?, function).map(|ns| ns / unit_ns));
    }
    if samples.len() != RUNS {
        bail!("the bench `{BENCH}` has no figure `{function}`");
    }
    Ok(Reading {
        value: median(&samples)?,
        against: note.to_owned(),
        samples,
        ..Reading::default()
    })
}

/// Runs a group once, in these surroundings, and gives the medians of some of its functions in microseconds.
///
/// # Errors
/// When the bench fails or has no such functions.
pub(super) fn medians_us<const N: usize>(
    group: &str,
    functions: [&str; N],
    surroundings: &[(&str, &str)],
) -> Result<[f64; N]> {
    let found = estimates_in(group, surroundings)?;
    let mut medians = [0.0; N];
    for (median, function) in medians.iter_mut().zip(functions) {
        let one = found.iter().find(|one| one.path == [group, function]);
        *median = one
            .with_context(|| format!("the bench has no `{group}/{function}`"))?
            .median_ns
            / 1e3;
    }
    Ok(medians)
}

fn of(estimates: &[Estimate], function: &str) -> Option<f64> {
    let found = estimates.iter().find(|estimate| estimate.path == [function]);
    found.map(|estimate| estimate.median_ns)
}

/// Runs once what begins with this name.
fn estimates(name: &str) -> Result<Vec<Estimate>> {
    estimates_in(name, &[])
}

fn estimates_in(name: &str, surroundings: &[(&str, &str)]) -> Result<Vec<Estimate>> {
    let begin = SystemTime::now();
    // Criterion's own lines go to standard error: standard output is for the result alone.
    let status = project::cargo()
        .args(["bench", "--bench", BENCH, "--", &format!("^{name}")])
        .envs(surroundings.iter().copied())
        .stdout(std::io::stderr())
        .status()?;
    if !status.success() {
        bail!("`cargo bench --bench {BENCH}` failed ({status})");
    }
    let folder = project::target_directory()?.join("criterion");
    let mut estimates = Vec::new();
    collect(&folder, &folder, begin, &mut estimates)?;
    Ok(estimates)
}

fn add_pairs(estimates: &[Estimate], comparison: &Comparison, runs: &mut Runs) {
    let Comparison { ours, theirs, .. } = *comparison;
    for estimate in estimates {
        let swap = |part: &String| {
            if part == ours {
                theirs.to_owned()
            } else {
                part.clone()
            }
        };
        let wanted: Vec<String> = estimate.path.iter().map(swap).collect();
        let other = estimates.iter().find(|other| other.path == wanted);
        if let Some(other) = other.filter(|_| wanted != estimate.path) {
            let parts = estimate.path.iter().filter(|part| *part != ours).cloned();
            runs.entry(parts.collect::<Vec<_>>().join("/"))
                .or_default()
                .push(Pair {
                    ours: estimate.median_ns,
                    theirs: other.median_ns,
                });
        }
    }
}

/// The worst pair of the group; its ratios are the samples.
fn reading(runs: &Runs, comparison: &Comparison) -> Result<Reading> {
    let Comparison { group, ours, theirs } = *comparison;
    let mut worst = Reading::default();
    let mut told = Vec::new();
    for (name, pairs) in runs {
        let ratios: Vec<f64> = pairs.iter().map(|pair| pair.ours / pair.theirs).collect();
        let figure = median(&ratios)?;
        let counts = name.split('/').next() == Some(group);
        told.push(describe(name, pairs, figure, counts)?);
        if counts && figure > worst.value {
            (worst.value, worst.samples) = (figure, ratios);
        }
    }
    if worst.samples.is_empty() {
        bail!("the bench `{BENCH}` has no pair of `{ours}` and `{theirs}` in the group `{group}`");
    }
    worst.against = format!("{theirs}: {}", told.join("; "));
    Ok(worst)
}

fn describe(name: &str, pairs: &[Pair], figure: f64, counts: bool) -> Result<String> {
    let middle = |side: fn(&Pair) -> f64| median(&pairs.iter().map(side).collect::<Vec<_>>());
    let (ours, theirs) = (middle(|pair| pair.ours)?, middle(|pair| pair.theirs)?);
    let note = if counts { "" } else { ", does not count" };
    Ok(format!(
        "{name} {:.2} us to {:.2} us ({figure:.3}{note})",
        ours / 1e3,
        theirs / 1e3
    ))
}

/// Gathers `new/estimates.json` of this run: what an older one has left behind does not count.
fn collect(folder: &Path, top: &Path, begin: SystemTime, found: &mut Vec<Estimate>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, top, begin, found)?;
        } else if path.ends_with("new/estimates.json") && std::fs::metadata(&path)?.modified()? >= begin {
            found.push(read(&path, top)?);
        }
    }
    Ok(())
}

fn read(path: &Path, top: &Path) -> Result<Estimate> {
    let value: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let median_ns = value.pointer("/median/point_estimate").and_then(Value::as_f64);
    let below = path
        .strip_prefix(top)?
        .parent()
        .and_then(Path::parent)
        .context("no benchmark's folder")?;
    Ok(Estimate {
        path: below
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect(),
        median_ns: median_ns.with_context(|| format!("{} has no median", path.display()))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(path: &str, median_ns: f64) -> Estimate {
        Estimate {
            path: path.split('/').map(str::to_owned).collect(),
            median_ns,
        }
    }

    const COMPARISON: Comparison = Comparison {
        group: "motion",
        ours: "component",
        theirs: "native",
    };

    #[test]
    fn the_worst_pair_of_the_group_counts_with_the_median_of_its_runs() {
        let mut runs = Runs::new();
        for slower in [1.0, 5.0, 1.2] {
            let estimates = [
                estimate("motion/component/320x180", 30.0),
                estimate("motion/native/320x180", 20.0),
                estimate("motion/component/640x360", 40.0 * slower),
                estimate("motion/native/640x360", 20.0),
                estimate("motion/component/alone", 900.0),
                estimate("other/component/1x1", 900.0),
                estimate("other/native/1x1", 1.0),
            ];
            add_pairs(&estimates, &COMPARISON, &mut runs);
        }
        let reading = reading(&runs, &COMPARISON).unwrap();
        assert_eq!((reading.value, reading.samples), (2.4, vec![2.0, 10.0, 2.4]));
        assert_eq!(
            reading.against,
            "native: motion/320x180 0.03 us to 0.02 us (1.500); motion/640x360 0.05 us to 0.02 us (2.400); \
             other/1x1 0.90 us to 0.00 us (900.000, does not count)"
        );
    }

    #[test]
    fn a_figure_is_found_by_the_whole_name_of_its_function() {
        let estimates = [estimate("group/guest-call", 1.0), estimate("guest-call", 130.0)];
        assert_eq!(of(&estimates, "guest-call"), Some(130.0));
        assert_eq!(of(&estimates, "group"), None);
    }

    #[test]
    fn a_group_without_a_pair_is_an_error() {
        let mut runs = Runs::new();
        let estimates = [
            estimate("other/component/1x1", 2.0),
            estimate("other/native/1x1", 1.0),
            estimate("motion/component/1x1", 2.0),
        ];
        add_pairs(&estimates, &COMPARISON, &mut runs);
        assert!(reading(&runs, &COMPARISON).is_err());
    }

    #[test]
    fn estimates_are_found_below_criterions_folder_and_old_ones_are_not() {
        let top = std::env::temp_dir().join(format!("xtask-criterion-{}", std::process::id()));
        let folder = top.join("motion/native/new");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(
            folder.join("estimates.json"),
            r#"{"median":{"point_estimate":12.5}}"#,
        )
        .unwrap();
        let mut found = Vec::new();
        collect(&top, &top, SystemTime::UNIX_EPOCH, &mut found).unwrap();
        assert_eq!(found, [estimate("motion/native", 12.5)]);
        found.clear();
        let later = SystemTime::now() + std::time::Duration::from_secs(3600);
        collect(&top, &top, later, &mut found).unwrap();
        assert!(found.is_empty());
        std::fs::remove_dir_all(&top).unwrap();
    }
}
