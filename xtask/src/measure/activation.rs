//! How long it takes from the request to activate an instance to the first frame that is recorded.
//!
//! A recording begins with a keyframe, for which a camera may let us wait as long as its keyframe interval. Our camera
//! begins each session with one, so all of the time is ours, and nothing is taken off it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;

use super::serve::{Host, until};
use super::{Context, Reading};
use crate::clip;
use crate::demo::{Clip, check_assets, start_camera_on};
use crate::time;

const RUNS: usize = 10;
const TOPOLOGY: &str = "topologies/cvr-asset/topology.json";
/// What the topology calls its sink.
const RECORDER: &str = "recorder";
/// Units of media, so that there is a whole fragment to be read.
const ENOUGH_UNITS: u64 = 150;
/// How long that may take.
const RECORDED: Duration = Duration::from_secs(60);

/// Activates `RUNS` instances, one after the other.
///
/// # Errors
/// When something does not run or did not record.
pub(super) fn run(context: &Context) -> Result<Reading> {
    let folder = super::fresh_folder("activation")?;
    let binary = context.host()?;
    let (_camera, url) = start_camera_on(&binary, &clip::file())?;
    let state = folder.join("state");
    let host = Host::start(&binary, &state)?;
    let topology = host.set_topology(TOPOLOGY)?;
    let mut delays = Vec::new();
    for run in 1..=RUNS {
        let name = format!("run{run}");
        eprintln!("activating, run {run} of {RUNS}");
        host.set_instance(&name, &topology, &[("rtspUrl", &url)])?;
        let asked = time::now();
        host.instance("GraphInstanceActivate", &name)?;
        record(&host, &name)?;
        host.instance("GraphInstanceDeactivate", &name)?;
        delays.push(first_frame(&binary, &state, &name)? - asked);
    }
    reading(&delays)
}

/// Lets it record for a while.
fn record(host: &Host, name: &str) -> Result<()> {
    until("recorded media", RECORDED, || {
        let units = host.node(name, RECORDER)?.get("received").and_then(Value::as_u64);
        Ok(units.filter(|units| *units >= ENOUGH_UNITS).map(drop))
    })
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

fn reading(delays: &[f64]) -> Result<Reading> {
    let worst = delays.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !worst.is_finite() {
        bail!("nothing was measured");
    }
    let milliseconds = |seconds: f64| (seconds * 1000.0).round();
    let samples: Vec<f64> = delays.iter().map(|delay| milliseconds(*delay)).collect();
    Ok(Reading {
        value: milliseconds(worst),
        against: format!(
            "a camera that begins with a keyframe, so that none of its keyframe interval is taken off; median {} ms of {} \
             activations",
            super::median(&samples)?,
            samples.len()
        ),
        samples,
        ..Reading::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_the_worst_delay() {
        let reading = reading(&[0.005, 0.1, 0.02]).unwrap();
        assert_eq!((reading.value, reading.samples), (100.0, vec![5.0, 100.0, 20.0]));
        assert!(super::reading(&[]).is_err());
    }
}
