//! How fast a backlog goes up, beside a plain loop of PUTs: the bench `recordings` does it, with an Azurite that this starts.
//!
//! Azurite keeps what it gets in memory, so that the disk of this machine is the recorder's own: what would be far away shall not
//! compete with it.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::azurite::Azurite;
use super::{Besides, Context, Reading, bench, median};

const PART: &str = "drain";
/// In memory.
const MEMORY: &str = "/dev/shm";

/// The line that the bench prints.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    segments: u64,
    segment_mb: f64,
    ratios: Vec<f64>,
    ours_mb_per_s: Vec<f64>,
    plain_mb_per_s: Vec<f64>,
    commits: u64,
    playlists: u64,
    playlists_goal: u64,
}

/// Drains and loops in turns.
///
/// # Errors
/// When something does not run.
pub(super) fn run(context: &Context) -> Result<Reading> {
    let cloud = Cloud::new()?;
    let azurite = Azurite::start(&cloud.0)?;
    let mut arguments = vec!["--container".into(), azurite.signed().into()];
    arguments.extend(["--folder".into(), super::fresh_folder(PART)?.into()]);
    if let Some(rounds) = context.rounds {
        arguments.extend(["--rounds".into(), rounds.to_string().into()]);
    }
    reading(bench::run(context, PART, arguments)?)
}

/// Gone in the end.
#[derive(Debug)]
struct Cloud(PathBuf);

impl Cloud {
    fn new() -> Result<Self> {
        let path = PathBuf::from(MEMORY).join(format!("mediagraph-azurite-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} is left: {error}", self.0.display());
        }
    }
}

fn reading(found: Found) -> Result<Reading> {
    Ok(Reading {
        value: median(&found.ratios)?,
        against: format!(
            "{} segments of {:.1} MB in Azurite, {:.0} MB/s; a plain loop of PUTs with the same crate, in turns with it: {:.0} MB/s; \
             {} commits in the index",
            found.segments,
            found.segment_mb,
            median(&found.ours_mb_per_s)?,
            median(&found.plain_mb_per_s)?,
            found.commits
        ),
        samples: found.ratios,
        besides: vec![Besides {
            name: "playlists written while draining",
            value: found.playlists as f64,
            unit: "",
            goal: found.playlists_goal as f64,
            met: found.playlists <= found.playlists_goal,
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"segments":20,"segmentMb":15.0,"ratios":[0.8,0.95,1.0],"oursMbPerS":[1,2,3],
        "plainMbPerS":[2,3,4],"commits":3,"playlists":7,"playlistsGoal":6}"#;

    #[test]
    fn the_figure_is_the_median_of_the_ratios_and_playlists_count() {
        let line = LINE.replace('\n', "");
        let found = bench::found(&format!("Running benches\n{line}\n"));
        let reading = reading(found.unwrap()).unwrap();
        assert_eq!(reading.value, 0.95);
        assert!(!reading.besides[0].met);
    }

    #[test]
    fn a_bench_that_measured_nothing_is_no_result() {
        assert!(bench::found::<Found>("").is_err());
        let line = LINE.replace('\n', "").replace("[0.8,0.95,1.0]", "[]");
        assert!(reading(bench::found(&line).unwrap()).is_err());
    }
}
