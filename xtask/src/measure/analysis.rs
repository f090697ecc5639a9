//! What analysis costs beside recording: one camera of 1080p30, several hosts at the same time, and the CPU time of each.
//!
//! Every host records the camera; what it costs more than a host that does nothing else is the cost of its analysis. The
//! detector is the smallest that there is (`tests/detectors/brightness`, shown 16x16 pixels), so that the cost is that of
//! getting pictures, not of looking at them. All hosts run at once: what slows the machine down slows all of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::record_cost::make_clip;
use super::serve::{Host, until};
use super::usage;
use super::{Context, Reading, median};
use crate::clip;
use crate::demo::start_camera_on;
use crate::project;

/// How often each cost is measured; a host goes on from one to the next.
const RUNS: usize = 3;
/// How long each is measured.
const SECONDS: u64 = 60;
/// The rate of whoever is content with keyframes, which come every 2 s.
const SLOW: f64 = 0.5;
/// Components are compiled, and keyframes must have come in time three times before they suffice.
const SETTLED: Duration = Duration::from_secs(120);
/// Pictures that every host must have seen before it is measured.
const ENOUGH_UNITS: u64 = 600;
const INSTANCE: &str = "analysis";
const CAMERA: &str = "camera";

/// One host with one graph.
struct Analyst {
    host: Host,
    /// How many detectors look, and how often at most.
    detectors: usize,
}

/// Decoding keyframes for somebody who wants a picture every 2 s, compared with decoding everything for somebody who wants
/// all of them.
///
/// # Errors
/// When something does not run, or does not decode what it should.
pub(super) fn keyframes(context: &Context) -> Result<Reading> {
    let graphs = [graph(0, None), graph(1, Some(SLOW)), graph(1, None)];
    let setting = Setting::new(context, "keyframe-analysis", graphs)?;
    setting.decodes([None, Some("keyframes"), Some("everything")])?;
    let costs = setting.costs(context)?;
    let samples: Vec<f64> = costs
        .iter()
        .map(|[base, slow, all]| (slow - base) / (all - base))
        .collect();
    reading(
        samples,
        &costs,
        ["recording", "and a picture every 2 s", "and every picture"],
    )
}

/// Three detectors that answer at once, compared with one: in units of what it costs to decode and scale.
///
/// # Errors
/// As [`keyframes`].
pub(super) fn shared(context: &Context) -> Result<Reading> {
    let graphs = [graph(0, None), graph(1, None), graph(3, None)];
    let setting = Setting::new(context, "shared-decode", graphs)?;
    setting.decodes([None, Some("everything"), Some("everything")])?;
    let costs = setting.costs(context)?;
    // A detector's own part is taken off the one that the three are compared with.
    let decode = |[base, one, three]: &[f64; 3]| (one - base) - (three - one) / 2.0;
    let samples: Vec<f64> = costs
        .iter()
        .map(|cost| (cost[2] - cost[0]) / decode(cost))
        .collect();
    reading(
        samples,
        &costs,
        ["recording", "and one detector", "and three detectors"],
    )
}

fn reading(samples: Vec<f64>, costs: &[[f64; 3]], names: [&str; 3]) -> Result<Reading> {
    if samples.iter().any(|sample| !sample.is_finite() || *sample < 0.0) {
        bail!("the costs say nothing: {costs:?}");
    }
    let mut told = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let all: Vec<f64> = costs.iter().filter_map(|cost| cost.get(index)).copied().collect();
        told.push(format!("{name}: {:.2} CPU s", median(&all)?));
    }
    Ok(Reading {
        value: median(&samples)?,
        against: format!(
            "in {SECONDS} s of 1080p30 with keyframes every 2 s; {}",
            told.join("; ")
        ),
        samples,
        ..Reading::default()
    })
}

/// What runs.
struct Setting {
    hosts: [Analyst; 3],
    _camera: crate::process::Guard,
}

impl Setting {
    fn new(context: &Context, name: &str, graphs: [(usize, Value); 3]) -> Result<Self> {
        let binary = context.host()?;
        let component = component()?;
        let folder = super::fresh_folder(name)?;
        let clip = folder.join("camera.mp4");
        eprintln!("making a clip of 1080p30 and 4 Mbit/s");
        make_clip(&clip::file(), &clip)?;
        let (camera, url) = start_camera_on(&binary, &clip)?;
        let mut hosts = Vec::new();
        for (number, (detectors, graph)) in graphs.into_iter().enumerate() {
            let state = folder.join(format!("state{number}"));
            hosts.push(Analyst {
                host: started(&binary, &state, &graph, &component, &url)?,
                detectors,
            });
        }
        let hosts = hosts.try_into().ok().context("three hosts")?;
        let setting = Self {
            hosts,
            _camera: camera,
        };
        for host in &setting.hosts {
            until("pictures from the camera", SETTLED, || {
                Ok((host.count(CAMERA, "received")? >= ENOUGH_UNITS).then_some(()))
            })?;
        }
        Ok(setting)
    }

    /// Makes sure that what is measured is what it is called.
    fn decodes(&self, modes: [Option<&str>; 3]) -> Result<()> {
        for (host, mode) in self.hosts.iter().zip(modes) {
            until("settled analysis", SETTLED, || {
                let node = host.host.node(INSTANCE, CAMERA)?;
                let now = node.get("decoding").and_then(Value::as_str);
                Ok((now == mode).then_some(()))
            })?;
        }
        Ok(())
    }

    /// CPU seconds of each host, in each run.
    fn costs(&self, context: &Context) -> Result<Vec<[f64; 3]>> {
        let runs = context.rounds.unwrap_or(RUNS).clamp(1, RUNS);
        let mut costs = Vec::new();
        for run in 1..=runs {
            eprintln!("for {SECONDS} s, run {run} of {runs}");
            let (before, answered, began) = (self.cpu()?, self.answered()?, Instant::now());
            std::thread::sleep(Duration::from_secs(SECONDS));
            let (after, seconds) = (self.cpu()?, began.elapsed().as_secs_f64());
            self.check(&answered, &self.answered()?)?;
            let mut cost = [0.0; 3];
            for (cost, (before, after)) in cost.iter_mut().zip(before.iter().zip(after)) {
                *cost = (after - before) * SECONDS as f64 / seconds;
            }
            costs.push(cost);
        }
        Ok(costs)
    }

    fn cpu(&self) -> Result<[f64; 3]> {
        let mut cpu = [0.0; 3];
        for (cpu, host) in cpu.iter_mut().zip(&self.hosts) {
            *cpu = usage::cpu_s(host.host.process.id())?;
        }
        Ok(cpu)
    }

    /// Frames that each detector has answered.
    fn answered(&self) -> Result<Vec<u64>> {
        let mut all = Vec::new();
        for host in &self.hosts {
            for number in 0..host.detectors {
                all.push(host.count(&detector_name(number), "processed")?);
            }
        }
        Ok(all)
    }

    /// Every detector must have worked while it was measured.
    fn check(&self, before: &[u64], after: &[u64]) -> Result<()> {
        for (before, after) in before.iter().zip(after) {
            let answers = after - before;
            if (answers as f64) < SLOW * SECONDS as f64 * 0.8 {
                bail!(
                    "a detector answered {answers} frames in {SECONDS} s: the machine is too slow for this measure"
                );
            }
        }
        Ok(())
    }
}

impl Analyst {
    fn count(&self, node: &str, member: &str) -> Result<u64> {
        let node = self.host.node(INSTANCE, node)?;
        Ok(node.get(member).and_then(Value::as_u64).unwrap_or(0))
    }
}

fn started(binary: &Path, state: &Path, graph: &Value, component: &Path, url: &str) -> Result<Host> {
    let folder = component.parent().context("the component stands in no folder")?;
    let config = format!("[paths]\nload_roots = [{:?}]\n", folder.display().to_string());
    let host = Host::start_with(binary, state, &config)?;
    host.method("GraphTopologySet", graph)?;
    let component = component
        .to_str()
        .context("the path of the component is no text")?;
    host.set_instance(
        INSTANCE,
        "Analysis",
        &[("rtspUrl", url), ("component", component)],
    )?;
    host.instance("GraphInstanceActivate", INSTANCE)?;
    Ok(host)
}

fn detector_name(number: usize) -> String {
    format!("detector{number}")
}

/// A graph that records, and so many detectors beside.
fn graph(detectors: usize, rate: Option<f64>) -> (usize, Value) {
    let sampling = rate.map_or(
        json!({}),
        |rate| json!({"maximumSamplesPerSecond": rate.to_string()}),
    );
    let from = |node: &str| json!([{"nodeName": node}]);
    let processor = |number: usize| {
        json!({
            "@type": "#MediaGraph.ExtensionProcessor",
            "name": detector_name(number),
            "extension": {"path": "${component}"},
            "image": {"scale": {"mode": "Stretch", "width": "16", "height": "16"}},
            "samplingOptions": sampling,
            "inputs": from(CAMERA),
        })
    };
    let graph = json!({
        "@apiVersion": "2.0",
        "name": "Analysis",
        "properties": {
            "parameters": [{"name": "rtspUrl", "type": "String"}, {"name": "component", "type": "String", "default": "none"}],
            "sources": [{
                "@type": "#Microsoft.Media.MediaGraphRtspSource",
                "name": CAMERA,
                "endpoint": {"@type": "#Microsoft.Media.MediaGraphUnsecuredEndpoint", "url": "${rtspUrl}"},
            }],
            "processors": (0..detectors).map(processor).collect::<Vec<_>>(),
            "sinks": [{
                "@type": "#Microsoft.Media.MediaGraphAssetSink",
                "name": "archive",
                "assetNamePattern": "asset-${System.GraphInstanceName}",
                "segmentLength": "PT30S",
                "localMediaCachePath": "/var/lib/cache",
                "localMediaCacheMaximumSizeMiB": "1024",
                "inputs": from(CAMERA),
            }],
        }
    });
    (detectors, graph)
}

/// Builds the smallest detector, as somebody else would.
fn component() -> Result<PathBuf> {
    project::ensure_component_target()?;
    let target = project::target_directory()?.join("measure-detectors");
    let status = project::cargo()
        .current_dir(project::root().join("tests/detectors/brightness"))
        .args([
            "build",
            "--locked",
            "--release",
            "--target",
            project::COMPONENT_TARGET,
        ])
        .env("CARGO_TARGET_DIR", &target)
        .status()?;
    if !status.success() {
        bail!("the detector `brightness` does not build ({status})");
    }
    Ok(target
        .join(project::COMPONENT_TARGET)
        .join("release/brightness.wasm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_says_nothing_is_an_error() {
        let costs = [[1.0, 1.1, 2.0]];
        let names = ["a", "b", "c"];
        assert!(reading(vec![f64::NAN], &costs, names).is_err());
        assert!(reading(vec![-0.1], &costs, names).is_err());
        let reading = reading(vec![0.1], &costs, names).unwrap();
        assert!((reading.value - 0.1).abs() < 1e-9);
        assert!(reading.against.contains("c: 2.00 CPU s"), "{}", reading.against);
    }

    #[test]
    fn the_graphs_have_as_many_detectors_as_they_say() {
        let (count, graph) = graph(3, Some(SLOW));
        let processors = graph
            .pointer("/properties/processors")
            .and_then(Value::as_array)
            .unwrap();
        assert_eq!((count, processors.len()), (3, 3));
        assert_eq!(
            graph.pointer("/properties/processors/2/samplingOptions/maximumSamplesPerSecond"),
            Some(&json!("0.5"))
        );
    }
}
