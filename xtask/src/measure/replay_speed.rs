//! How fast recorded media goes through motion detection and a gate, on one core.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{Besides, Context, Reading, median};
use crate::project;

const RUNS: usize = 5;
/// The clip of the demo, enlarged.
const CLIP: &str = "tests/fixtures/clips/yard.mp4";
const SIZE: &str = "768:432";
/// A real camera's clip of that size, played so many times, so that starting the program does not count for much.
const REAL: &str = "media/parking-lot-cars.mp4";
const ROUNDS: u32 = 6;
const TOPOLOGY: &str = "topologies/evr-motion-assets/topology.json";
/// Seconds per second of media.
pub(super) const GOAL: f64 = 1.0 / 20.0;

/// Measures `RUNS` times.
///
/// # Errors
/// When something is missing, does not run, or did not look at every picture.
pub(super) fn run(context: &Context) -> Result<Reading> {
    let folder = project::target_directory()?.join("measure/replay-speed");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(folder.join("state"))?;
    let host = context.host()?;
    let drawn = folder.join("drawn.mp4");
    let scale = format!("scale={SIZE}:flags=bicubic");
    let encode = [
        "-an", "-vf", &scale, "-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-bf", "0",
    ];
    ffmpeg(&[], &project::root().join(CLIP), &encode, &drawn)?;
    let samples = speeds(&host, &drawn, &folder, context.rounds.unwrap_or(RUNS))?;
    let mut besides = Vec::new();
    if context.corpus.is_some() {
        let real = folder.join("real.mp4");
        let again = (ROUNDS - 1).to_string();
        ffmpeg(
            &["-stream_loop", &again],
            &context.corpus_file(REAL)?,
            &["-an", "-c", "copy"],
            &real,
        )?;
        let value = median(&speeds(&host, &real, &folder, 1)?)?;
        besides.push(Besides {
            name: "a real camera's clip of that size",
            value,
            unit: "seconds per second of media",
            goal: GOAL,
            met: value <= GOAL,
        });
    }
    let value = median(&samples)?;
    Ok(Reading {
        value,
        against: format!(
            "real time; {:.1} times as fast, the start of the program included",
            1.0 / value
        ),
        samples,
        besides,
    })
}

/// Seconds per second of media, of each run. The first run, which compiles the components, does not count.
fn speeds(host: &Path, clip: &Path, folder: &Path, runs: usize) -> Result<Vec<f64>> {
    let all = (0..=runs).map(|_| replay(host, clip, folder));
    let all: Vec<f64> = all.collect::<Result<_>>()?;
    Ok(all.into_iter().skip(1).collect())
}

fn replay(host: &Path, clip: &Path, folder: &Path) -> Result<f64> {
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(host).arg("replay").arg(topology());
    command.arg("--input").arg(format!("camera={}", clip.display()));
    command.arg("--json").arg("--state-dir").arg(folder.join("state"));
    command.stdin(Stdio::null()).current_dir(folder);
    let began = Instant::now();
    let output = command
        .output()
        .context("cannot run `taskset`\nhint: apt-get install util-linux")?;
    let took = began.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("the replay ended with {}:\n{said}", output.status);
    }
    let line = said.lines().rev().find(|line| line.starts_with('{'));
    let totals: Value = serde_json::from_str(line.context("the replay told no totals")?)?;
    Ok(took / media_seconds(&totals)?)
}

/// How much media it was; every picture must have been looked at.
fn media_seconds(totals: &Value) -> Result<f64> {
    let nodes = totals["nodes"]
        .as_array()
        .context("there are no nodes in the totals")?;
    let of = |name: &str| nodes.iter().find(|node| node["node"] == name);
    let (camera, motion) = (
        of("camera").context("no camera")?,
        of("motion").context("no detector")?,
    );
    if camera["sent"] != motion["processed"] {
        bail!(
            "the camera sent {} pictures, the detector saw {}",
            camera["sent"],
            motion["processed"]
        );
    }
    let seconds = totals["mediaSeconds"].as_f64().unwrap_or_default();
    if seconds <= 0.0 {
        bail!("nothing was replayed");
    }
    Ok(seconds)
}

fn topology() -> PathBuf {
    project::root().join(TOPOLOGY)
}

fn ffmpeg(before: &[&str], source: &Path, arguments: &[&str], to: &Path) -> Result<()> {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]);
    command.args(before).arg("-i").arg(source).args(arguments).arg(to);
    let status = command
        .status()
        .context("cannot run `ffmpeg`\nhint: apt-get install ffmpeg")?;
    if !status.success() {
        bail!("`ffmpeg` could not make {} ({status})", to.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_replay_that_left_pictures_out_is_no_replay() {
        let totals = |seen: u64| {
            json!({"mediaSeconds": 93.0, "nodes": [
                {"node": "camera", "sent": 2325, "processed": 2325},
                {"node": "motion", "processed": seen},
            ]})
        };
        assert_eq!(media_seconds(&totals(2325)).unwrap(), 93.0);
        assert!(media_seconds(&totals(2324)).is_err());
    }
}
