//! How many frames a detector does not answer while its component is exchanged, again and again.
//!
//! The host runs with a camera of 25 frames a second. Each version is new to it: it is sent, checked, compiled and started
//! beside the one that runs, and the next is sent when it answers.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::serve::{Host, until};
use super::{Besides, Context, Reading};
use crate::clip;
use crate::demo::start_camera_on;
use crate::project;

const SWAPS: usize = 200;
const NAME: &str = "look";
const INSTANCE: &str = "swaps";
const DETECTOR: &str = "detector";
/// How long a version may take from its answer to the request to its first frame.
const TAKEN_OVER: Duration = Duration::from_secs(30);
/// Frames that one swap may cost.
const MAX_LOST_EACH: u64 = 1;

/// What the detector counted.
#[derive(Clone, Copy, Debug)]
struct Counts {
    received: u64,
    answered: u64,
    left_out: u64,
}

impl Counts {
    fn of(host: &Host) -> Result<Self> {
        let node = host.node(INSTANCE, DETECTOR)?;
        let count = |name: &str| node.get(name).and_then(Value::as_u64).unwrap_or(0);
        Ok(Self {
            received: count("received"),
            answered: count("processed"),
            left_out: count("dropped"),
        })
    }

    /// Frames that came since and have no answer; one may be on its way at either end.
    fn lost_since(self, before: Self) -> u64 {
        let received = self.received.saturating_sub(before.received);
        let answered = self.answered.saturating_sub(before.answered);
        let left_out = self.left_out.saturating_sub(before.left_out);
        received.saturating_sub(answered + 1).max(left_out)
    }
}

/// Swaps [`SWAPS`] times, or as often as asked.
///
/// # Errors
/// When something does not run, or a version is not taken over.
pub(super) fn run(context: &Context) -> Result<Reading> {
    let swaps = context.rounds.unwrap_or(SWAPS);
    let component = component()?;
    let folder = super::fresh_folder("hot-swap")?;
    let binary = context.host()?;
    let (_camera, url) = start_camera_on(&binary, &clip::file())?;
    let host = Host::start(&binary, &folder.join("state"))?;
    host.set_extension(NAME, &version(&component, 0))?;
    host.method("GraphTopologySet", &topology())?;
    host.set_instance(INSTANCE, "Swaps", &[("rtspUrl", &url)])?;
    host.instance("GraphInstanceActivate", INSTANCE)?;
    answers(&host, 0)?;
    let begin = Counts::of(&host)?;
    let mut samples = Vec::new();
    for number in 1..=swaps {
        let before = Counts::of(&host)?;
        let set = host.set_extension(NAME, &version(&component, number))?;
        let taken = set.get("swapped").and_then(Value::as_array).map_or(0, Vec::len);
        if taken != 1 {
            bail!("swap {number}: {taken} nodes take the version over, not one");
        }
        answers(&host, Counts::of(&host)?.answered)?;
        samples.push(Counts::of(&host)?.lost_since(before));
        if number % 20 == 0 {
            eprintln!("{number} of {swaps} swaps");
        }
    }
    let end = Counts::of(&host)?;
    reading(&samples, end.lost_since(begin), end.received - begin.received)
}

fn reading(samples: &[u64], lost: u64, frames: u64) -> Result<Reading> {
    let most = samples.iter().copied().max().context("nothing was measured")?;
    let figure = |count: u64| count as f64;
    Ok(Reading {
        value: figure(lost),
        against: format!(
            "{frames} frames that came to the detector during {} swaps",
            samples.len()
        ),
        samples: samples.iter().copied().map(figure).collect(),
        besides: vec![Besides {
            name: "most in one swap",
            value: figure(most),
            unit: "frames",
            goal: figure(MAX_LOST_EACH),
            met: most <= MAX_LOST_EACH,
        }],
    })
}

/// Waits until more frames are answered than before.
fn answers(host: &Host, before: u64) -> Result<()> {
    until("answer of the new version", TAKEN_OVER, || {
        Ok((Counts::of(host)?.answered > before).then_some(()))
    })
}

/// The motion detector, as the host's own build makes it.
fn component() -> Result<Vec<u8>> {
    project::ensure_component_target()?;
    let target: PathBuf = project::target_directory()?.join("measure/extensions");
    let status = project::cargo()
        .current_dir(project::root().join("extensions"))
        .args(["build", "--release", "--locked", "--package", "motion-detector"])
        .args(["--target", project::COMPONENT_TARGET, "--target-dir"])
        .arg(&target)
        .status()?;
    if !status.success() {
        bail!("the motion detector does not build");
    }
    let file = target
        .join(project::COMPONENT_TARGET)
        .join("release/motion_detector.wasm");
    std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
}

/// The same with a section behind it that means nothing: another hash, so another version.
fn version(component: &[u8], number: usize) -> Vec<u8> {
    const CUSTOM_SECTION: u8 = 0;
    let number = format!("{number:06}");
    let mut bytes = component.to_vec();
    // Its length, the length of its name, the name, the number.
    bytes.extend([CUSTOM_SECTION, 8, 1, b'n']);
    bytes.extend(number.as_bytes());
    bytes
}

fn topology() -> Value {
    let lva = |kind: &str| format!("#Microsoft.Media.MediaGraph{kind}");
    json!({"@apiVersion": "2.0", "name": "Swaps", "properties": {
        "parameters": [{"name": "rtspUrl", "type": "String"}],
        "sources": [{"@type": lva("RtspSource"), "name": "camera", "endpoint": {
            "@type": lva("UnsecuredEndpoint"), "url": "${rtspUrl}"}}],
        "processors": [{"@type": "#MediaGraph.ExtensionProcessor", "name": DETECTOR,
            "extension": {"name": NAME}, "inputs": [{"nodeName": "camera"}]}],
        "sinks": [{"@type": lva("IoTHubMessageSink"), "name": "events", "hubOutputName": "out",
            "inputs": [{"nodeName": DETECTOR}]}]}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(received: u64, answered: u64, left_out: u64) -> Counts {
        Counts {
            received,
            answered,
            left_out,
        }
    }

    #[test]
    fn a_frame_that_is_being_looked_at_is_not_lost() {
        let before = counts(10, 10, 0);
        assert_eq!(counts(20, 20, 0).lost_since(before), 0);
        assert_eq!(counts(20, 19, 0).lost_since(before), 0);
        assert_eq!(counts(20, 17, 0).lost_since(before), 2);
        assert_eq!(counts(20, 19, 3).lost_since(before), 3);
    }

    #[test]
    fn the_most_of_one_swap_counts_beside_the_sum() {
        let lost = reading(&[0, 2, 0], 2, 100).unwrap();
        assert_eq!((lost.value, lost.besides[0].met), (2.0, false));
        assert!(reading(&[1, 1], 2, 100).unwrap().besides[0].met);
        assert!(reading(&[], 0, 0).is_err());
    }

    #[test]
    fn versions_differ_and_are_as_long_as_they_say() {
        let (one, other) = (version(b"x", 1), version(b"x", 2));
        assert_ne!(one, other);
        assert_eq!(one.len(), 1 + 2 + 8);
    }
}
