//! What recording many cameras costs, beside a few `ffmpeg -c copy -f hls` that record the same camera at the same time.
//!
//! One host records 16 cameras, then 48 more. While it does, its CPU time is compared with that of the other recorders, stream by
//! stream. All streams are of one simulated camera, each with a session of its own.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::record_cost::{make_clip, start_ffmpeg};
use super::serve::{Host, until};
use super::usage::{self, resident_mb};
use super::{Besides, Context, Reading, median, recordings};
use crate::clip;
use crate::demo::{check_assets, start_camera_on};
use crate::process::Guard;
use crate::time::TICKS;

/// How many cameras there are, and then.
const STEPS: [usize; 2] = [16, 64];
/// Other recorders beside ours.
const PEERS: usize = 4;
const TOPOLOGY: &str = "xtask/src/measure/record-cost.topology.json";
const RECORDER: &str = "archive";
const FRAME_RATE: f64 = 30.0;
/// Pictures that a recorder must have seen before it is measured.
const ENOUGH_UNITS: u64 = 150;
/// How long the last camera may take to get there.
const STARTED: Duration = Duration::from_secs(120);
/// How long each step is measured: two segments.
const SECONDS: u64 = 60;
const LOOK: Duration = Duration::from_millis(500);
/// Resident memory, in units of 1,000,000 bytes, per camera that is added.
const MEMORY_GOAL_MB: f64 = 2.0;

/// What one step showed.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    cameras: usize,
    /// CPU seconds per stream and minute.
    ours: f64,
    theirs: f64,
    /// The highest resident memory while it was measured, in units of 1,000,000 bytes.
    memory_mb: f64,
}

/// What is missing in the end.
#[derive(Clone, Copy, Debug, Default)]
struct Missing {
    dropped: u64,
    pictures: u64,
    unsound: usize,
    recorded: u64,
}

/// Measures both steps in one run.
///
/// # Errors
/// When something does not run or did not record.
pub(super) fn run(context: &Context) -> Result<Reading> {
    let binary = context.host()?;
    let steps = STEPS.map(|cameras| context.rounds.map_or(cameras, |most| cameras.min(most)));
    let folder = super::fresh_folder("many-cameras")?;
    let clip = folder.join("camera.mp4");
    eprintln!("making a clip of 1080p30 and 4 Mbit/s");
    make_clip(&clip::file(), &clip)?;
    let (_camera, url) = start_camera_on(&binary, &clip)?;
    let peers = peers(&url, &folder)?;
    let state = folder.join("state");
    let mut host = Host::start(&binary, &state)?;
    let topology = host.set_topology(TOPOLOGY)?;
    let mut measured = Vec::new();
    let mut active = 0;
    for cameras in steps {
        for number in active..cameras {
            host.set_instance(&name(number), &topology, &[("rtspUrl", &url)])?;
            host.instance("GraphInstanceActivate", &name(number))?;
        }
        active = cameras;
        wait_for_all(&host, cameras)?;
        eprintln!("{cameras} cameras, for {SECONDS} s");
        measured.push(step(&host, &peers, cameras)?);
    }
    drop(peers);
    let dropped = (0..active).map(|number| dropped(&host, &name(number)));
    let dropped = dropped.sum::<Result<u64>>()?;
    host.stop()?;
    let missing = Missing {
        dropped,
        ..missing(&binary, &state, active)?
    };
    reading(&measured, &missing)
}

fn name(number: usize) -> String {
    format!("many{number}")
}

fn peers(url: &str, folder: &Path) -> Result<Vec<Guard>> {
    let start = |number: usize| {
        let folder = folder.join(format!("ffmpeg{number}"));
        std::fs::create_dir_all(&folder)?;
        start_ffmpeg(url, &folder)
    };
    (0..PEERS).map(start).collect()
}

fn wait_for_all(host: &Host, cameras: usize) -> Result<()> {
    until("recording of every camera", STARTED, || {
        for number in 0..cameras {
            let node = host.node(&name(number), RECORDER)?;
            if node.get("received").and_then(Value::as_u64).unwrap_or(0) < ENOUGH_UNITS {
                return Ok(None);
            }
        }
        Ok(Some(()))
    })
}

fn step(host: &Host, peers: &[Guard], cameras: usize) -> Result<Step> {
    let id = host.process.id();
    let all_peers = || -> Result<Vec<f64>> { peers.iter().map(|peer| usage::cpu_s(peer.id())).collect() };
    let (ours, theirs, began) = (usage::cpu_s(id)?, all_peers()?, Instant::now());
    let mut memory_mb = 0.0_f64;
    while began.elapsed() < Duration::from_secs(SECONDS) {
        memory_mb = memory_mb.max(resident_mb(id).context("the host has gone")?);
        std::thread::sleep(LOOK);
    }
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    let used: Vec<f64> = all_peers()?
        .iter()
        .zip(&theirs)
        .map(|(after, before)| (after - before) / minutes)
        .collect();
    Ok(Step {
        cameras,
        ours: (usage::cpu_s(id)? - ours) / minutes / cameras as f64,
        theirs: median(&used)?,
        memory_mb,
    })
}

/// Media that the nodes of an instance say they left out.
fn dropped(host: &Host, instance: &str) -> Result<u64> {
    let status = host.get(&format!("/api/GraphInstance/{instance}/status"))?;
    let nodes = status.get("nodes").and_then(Value::as_array);
    let nodes = nodes.with_context(|| format!("the instance {instance} has no nodes"))?;
    let of = |node: &Value, member: &str| node.get(member).and_then(Value::as_u64).unwrap_or(0);
    Ok(nodes
        .iter()
        .map(|node| of(node, "dropped") + of(node, "reconnects"))
        .sum())
}

/// Pictures that should be between the first and the last of each recording, and are not.
fn missing(binary: &Path, state: &Path, cameras: usize) -> Result<Missing> {
    let clips = check_assets(binary, state)?;
    if clips.len() != cameras {
        bail!("{} recordings of {cameras} cameras", clips.len());
    }
    let mut missing = Missing::default();
    for clip in &clips {
        if let Some(problem) = clip.problems.first() {
            eprintln!("{}: {problem}", clip.name);
            missing.unsound += 1;
        }
        let samples = recordings::samples(binary, &state.join(recordings::STORE).join(&clip.name))?;
        let times: Vec<i64> = samples
            .iter()
            .filter(|sample| sample.track == "video")
            .map(|sample| sample.time)
            .collect();
        missing.recorded += times.len() as u64;
        missing.pictures += holes(&times);
    }
    Ok(missing)
}

/// How many pictures are missing between these: an interval may differ from the others by less than half a picture, since the
/// host's clock is not the camera's.
fn holes(times: &[i64]) -> u64 {
    let pictures = |pair: &[i64]| {
        let [before, after] = pair else { return 0 };
        ((after - before) as f64 / TICKS * FRAME_RATE).round() as u64
    };
    times
        .windows(2)
        .map(|pair| pictures(pair).saturating_sub(1))
        .sum()
}

fn reading(steps: &[Step], missing: &Missing) -> Result<Reading> {
    let samples: Vec<f64> = steps.iter().map(|step| step.ours / step.theirs).collect();
    if samples.iter().any(|sample| !sample.is_finite()) {
        bail!("`ffmpeg` used no CPU time: it cannot have recorded");
    }
    let (first, last) = (
        steps.first().context("nothing was measured")?,
        steps.last().context("nothing was measured")?,
    );
    let added = last.cameras.saturating_sub(first.cameras).max(1);
    let memory = (last.memory_mb - first.memory_mb) / added as f64;
    let told: Vec<String> = steps
        .iter()
        .map(|step| {
            format!(
                "{} cameras: {:.3} CPU s per stream and minute to ffmpeg's {:.3}, {:.0} MB",
                step.cameras, step.ours, step.theirs, step.memory_mb
            )
        })
        .collect();
    let lost = missing.dropped + missing.pictures;
    Ok(Reading {
        value: samples.iter().copied().fold(0.0, f64::max),
        against: format!(
            "{PEERS} times ffmpeg -c copy -f hls in the same run; {}; {} pictures were recorded",
            told.join("; "),
            missing.recorded
        ),
        samples,
        besides: vec![
            Besides {
                name: "memory per added stream",
                value: memory,
                unit: "MB",
                goal: MEMORY_GOAL_MB,
                met: memory < MEMORY_GOAL_MB,
            },
            Besides::none("pictures lost", lost as usize),
            Besides::none("recordings unsound", missing.unsound),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(cameras: usize, ours: f64, memory_mb: f64) -> Step {
        Step {
            cameras,
            ours,
            theirs: 0.4,
            memory_mb,
        }
    }

    #[test]
    fn the_figure_is_the_worse_ratio_and_memory_counts_per_added_stream() {
        let steps = [step(16, 0.16, 40.0), step(64, 0.12, 88.0)];
        let reading = reading(&steps, &Missing::default()).unwrap();
        assert!((reading.value - 0.4).abs() < 1e-9);
        assert!((reading.besides[0].value - 1.0).abs() < 1e-9);
        assert!(reading.besides.iter().all(|one| one.met));
    }

    #[test]
    fn a_picture_that_is_missing_leaves_a_hole_and_a_clock_that_drifts_does_not() {
        assert_eq!(holes(&[0, 3000, 6042, 9000]), 0);
        assert_eq!(holes(&[0, 3000, 12_000]), 2);
        assert_eq!(holes(&[]), 0);
    }

    #[test]
    fn whatever_was_lost_counts_against_it() {
        let missing = Missing {
            dropped: 1,
            unsound: 1,
            ..Missing::default()
        };
        let steps = [step(16, 0.1, 40.0), step(64, 0.1, 200.0)];
        let reading = reading(&steps, &missing).unwrap();
        assert!(reading.besides.iter().all(|one| !one.met));
    }
}
