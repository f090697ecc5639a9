//! How long it takes from the request to activate an instance to the first frame that is recorded. A recording begins
//! with a keyframe, so a camera's keyframe interval is the share of the camera; the rest is ours.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::serve::{Host, until};
use super::{Context, Reading};
use crate::clip;
use crate::demo::{Clip, check_assets, start_camera_on};
use crate::project::{self, Profile};
use crate::time;

const RUNS: usize = 10;
const TOPOLOGY: &str = "topologies/cvr-asset/topology.json";
/// What the topology calls its source and its sink.
const CAMERA: &str = "camera";
const RECORDER: &str = "recorder";
/// Units that make sure that something was recorded: more than one keyframe interval of the camera.
const ENOUGH_UNITS: u64 = 150;
/// How long that may take.
const RECORDED: Duration = Duration::from_secs(60);

/// Activates `RUNS` instances, one after the other.
///
/// # Errors
/// When something does not run or did not record.
pub(super) fn run(_: &Context) -> Result<Reading> {
    let folder = super::fresh_folder("activation")?;
    let binary = project::build_host(Profile::Release)?;
    let (_camera, url) = start_camera_on(&binary, &clip::file())?;
    let state = folder.join("state");
    let host = Host::start(&binary, &state)?;
    let topology = host.set_topology(TOPOLOGY)?;
    let (mut delays, mut interval) = (Vec::new(), 0.0_f64);
    for run in 1..=RUNS {
        let name = format!("run{run}");
        eprintln!("activating, run {run} of {RUNS}");
        host.set_instance(&name, &topology, &[("rtspUrl", &url)])?;
        let asked = time::now();
        host.instance("GraphInstanceActivate", &name)?;
        interval = interval.max(record(&host, &name)?);
        host.instance("GraphInstanceDeactivate", &name)?;
        let delay = first_frame(&binary, &state, &name)? - asked;
        delays.push(delay);
    }
    reading(&delays, interval)
}

/// Lets it record for a while; gives the camera's keyframe interval in seconds.
fn record(host: &Host, name: &str) -> Result<f64> {
    until("recorded media", RECORDED, || {
        let units = host.node(name, RECORDER)?.get("received").and_then(Value::as_u64);
        Ok(units.filter(|units| *units >= ENOUGH_UNITS))
    })?;
    let interval = host
        .node(name, CAMERA)?
        .get("keyframeInterval")
        .and_then(Value::as_f64);
    interval.context("the camera's keyframe interval is not known")
}

/// The moment of the first frame of an instance's asset, in seconds since the Unix epoch.
fn first_frame(binary: &Path, state: &Path, name: &str) -> Result<f64> {
    let all = check_assets(binary, state)?;
    let ours: Vec<&Clip> = all
        .iter()
        .filter(|clip| clip.name.ends_with(&format!("-{name}")))
        .collect();
    let [clip] = ours.as_slice() else {
        bail!("{} assets of {name}, not one", ours.len());
    };
    if let Some(problem) = clip.problems.first() {
        bail!("the recording of {name} is broken: {problem}");
    }
    Ok(clip.start)
}

fn reading(delays: &[f64], interval: f64) -> Result<Reading> {
    let worst = delays.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !worst.is_finite() {
        bail!("nothing was measured");
    }
    let milliseconds = |seconds: f64| (seconds * 1000.0).round();
    Ok(Reading {
        value: milliseconds(worst - interval),
        against: format!(
            "keyframe interval of the camera: {:.0} ms; from the request to the first recorded frame: at most {:.0} ms, \
             {RUNS} times",
            milliseconds(interval),
            milliseconds(worst)
        ),
        samples: delays
            .iter()
            .map(|delay| milliseconds(delay - interval))
            .collect(),
        ..Reading::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_the_worst_delay_without_the_cameras_share() {
        let reading = reading(&[0.5, 2.1, 1.0], 2.0).unwrap();
        assert_eq!(
            (reading.value, reading.samples),
            (100.0, vec![-1500.0, 100.0, -1000.0])
        );
        assert!(super::reading(&[], 2.0).is_err());
    }
}
