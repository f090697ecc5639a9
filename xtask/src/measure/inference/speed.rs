//! Time of one run on one thread, against Python's onnxruntime with the same file, in turns with it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::super::{Besides, Context, Reading, median};
use super::MODEL;
use super::peer::{Peer, output};

const ROUNDS: usize = 5;
const RUNS: &str = "60";
/// With the library that Python uses.
pub(in crate::measure) const GOAL: f64 = 1.05;
/// With what is built in.
const BUILT_IN_GOAL: f64 = 4.0;

/// Measures in rounds; each has all three.
///
/// # Errors
/// When something is missing or fails.
pub(in crate::measure) fn run(context: &Context) -> Result<Reading> {
    let (host, model, peer) = (context.host()?, context.corpus_file(MODEL)?, Peer::ensure()?);
    let library = peer.library()?;
    let (mut fast, mut built_in, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..context.rounds.unwrap_or(ROUNDS) {
        theirs.push(python(&peer, &model)?);
        fast.push(ours(&host, &model, &library, "onnx")?);
        built_in.push(ours(&host, &model, &library, "tract")?);
    }
    let ratios = |ours: &[f64]| -> Vec<f64> {
        ours.iter()
            .zip(&theirs)
            .map(|(ours, theirs)| ours / theirs)
            .collect()
    };
    let (samples, slower) = (ratios(&fast), median(&ratios(&built_in))?);
    Ok(Reading {
        value: median(&samples)?,
        against: format!(
            "onnxruntime in Python, one thread, YOLOX-Nano: {:.1} ms; with the same library {:.1} ms, with what is built in {:.1} ms",
            median(&theirs)?,
            median(&fast)?,
            median(&built_in)?
        ),
        samples,
        besides: vec![Besides {
            name: "with what is built in",
            value: slower,
            unit: "ratio of times",
            goal: BUILT_IN_GOAL,
            met: slower <= BUILT_IN_GOAL,
        }],
    })
}

fn python(peer: &Peer, model: &Path) -> Result<f64> {
    let model = model.to_str().context("the path of the model is no text")?;
    let times: Vec<f64> = serde_json::from_str(&peer.run(&["time", model, RUNS])?)?;
    median(&times)
}

fn ours(host: &Path, model: &Path, library: &Path, backend: &str) -> Result<f64> {
    let mut command = Command::new(host);
    command.env("MEDIAGRAPH_ONNXRUNTIME", library);
    command
        .args(["model", "run", "--json", "--runs", RUNS, "--backend", backend])
        .arg(model);
    let told: Value = serde_json::from_str(&output(&mut command)?)?;
    told.pointer("/milliseconds/median")
        .and_then(Value::as_f64)
        .context("the host told no time")
}
