//! Figures that criterion has measured: runs a bench and compares two of its groups.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::Reading;
use crate::project;

/// One estimate: where it stands below criterion's folder, and its median in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
struct Estimate {
    path: Vec<String>,
    median_ns: f64,
}

/// Runs `cargo bench --bench NAME` and says how many times slower `ours` is than `theirs`.
///
/// A pair is two estimates whose paths are the same but for `ours` and `theirs`; of several pairs (such as frame
/// sizes), the worst counts.
///
/// # Errors
/// When the bench fails or has no such pair.
pub(super) fn ratio(bench: &str, ours: &str, theirs: &str) -> Result<Reading> {
    let begin = SystemTime::now();
    // Criterion's own lines go to standard error: standard output is for the result alone.
    let status = project::cargo()
        .args(["bench", "--bench", bench])
        .stdout(std::io::stderr())
        .status()?;
    if !status.success() {
        bail!("`cargo bench --bench {bench}` failed ({status})");
    }
    let folder = project::target_directory()?.join("criterion");
    let mut estimates = Vec::new();
    collect(&folder, &folder, begin, &mut estimates)?;
    compare(&estimates, ours, theirs).with_context(|| format!("the bench `{bench}` measured no pair"))
}

fn compare(estimates: &[Estimate], ours: &str, theirs: &str) -> Result<Reading> {
    let mut samples = Vec::new();
    let mut pairs = Vec::new();
    for estimate in estimates
        .iter()
        .filter(|estimate| estimate.path.iter().any(|part| part == ours))
    {
        let swap = |part: &String| {
            if part == ours {
                theirs.to_owned()
            } else {
                part.clone()
            }
        };
        let wanted: Vec<String> = estimate.path.iter().map(swap).collect();
        if let Some(other) = estimates.iter().find(|other| other.path == wanted) {
            samples.push(estimate.median_ns / other.median_ns);
            let name = estimate.path.join("/");
            pairs.push(format!(
                "{name} {:.0} ns to {:.0} ns",
                estimate.median_ns, other.median_ns
            ));
        }
    }
    if samples.is_empty() {
        bail!("criterion has no estimates for both `{ours}` and `{theirs}`");
    }
    Ok(Reading {
        value: samples.iter().copied().fold(0.0, f64::max),
        against: format!("{theirs}: {}", pairs.join("; ")),
        samples,
        ..Reading::default()
    })
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

fn read(path: &PathBuf, top: &Path) -> Result<Estimate> {
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

    #[test]
    fn the_worst_pair_counts() {
        let estimates = [
            estimate("motion/component/320x180", 30.0),
            estimate("motion/native/320x180", 20.0),
            estimate("motion/component/640x360", 40.0),
            estimate("motion/native/640x360", 20.0),
            estimate("motion/component/1x1", 900.0),
        ];
        let reading = compare(&estimates, "component", "native").unwrap();
        assert_eq!((reading.value, reading.samples), (2.0, vec![1.5, 2.0]));
        assert!(compare(&estimates, "component", "memcpy").is_err());
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
