//! Detection inside the process, against the same graph with the same model in a container's place: Python behind HTTP, and
//! behind gRPC with shared memory.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::super::{Besides, Context, Reading, fresh_folder, median, usage};
use super::handover::{Handover, handover};
use super::peer::{Container, Peer};
use super::{CLIP, MODEL};
use crate::demo::start_camera_on;
use crate::process::{Guard, Line, next_line};
use crate::project;

/// How many times cheaper handing a frame to a component is than to a server over HTTP.
pub(in crate::measure) const GOAL: f64 = 30.0;
/// CPU time of a detection, against that with HTTP: 1 / 1.3.
const CHEAPER_THAN_HTTP: f64 = 1.0 / 1.3;
/// And against that with gRPC and shared memory.
const CHEAPER_THAN_GRPC: f64 = 1.0;
const ROUNDS: usize = 3;
/// A model is loaded, or a server found, and the first frames are looked at.
const SETTLE: Duration = Duration::from_secs(6);
const MEASURED: Duration = Duration::from_secs(30);
/// How long a graph may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// How long it may take to end.
const END: Duration = Duration::from_secs(30);
const TOPOLOGY: &str = "xtask/src/measure/inference/detection.topology.json";
/// The longer side of the pictures that servers are sent: that of what the model sees.
const SIDE: u32 = 416;
const SHARED_MEMORY_MIB: u32 = 16;

/// How a frame gets to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Component,
    Http,
    Grpc,
}

/// What a detection costs.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cost {
    /// Milliseconds of CPU time of all processes that have a part in it, without the camera.
    cpu_ms: f64,
    /// Milliseconds from a frame to its event.
    latency_ms: f64,
}

/// All that runs are made of.
struct Place<'a> {
    host: &'a Path,
    peer: &'a Peer,
    library: PathBuf,
    model: PathBuf,
    camera: String,
    folder: PathBuf,
}

/// Measures the hand-over alone, then whole graphs in turns.
///
/// # Errors
/// When something is missing or fails.
pub(in crate::measure) fn run(context: &Context) -> Result<Reading> {
    let (host, clip, peer) = (context.host()?, context.corpus_file(CLIP)?, Peer::ensure()?);
    let model = context.corpus_file(MODEL)?;
    let handover = handover(&peer, &model, &clip)?;
    let (_camera, url) = start_camera_on(&host, &clip)?;
    let place = Place {
        host: &host,
        library: peer.library()?,
        peer: &peer,
        model,
        camera: url,
        folder: fresh_folder("http-vs-extension")?,
    };
    let mut costs: [Vec<Cost>; 3] = Default::default();
    for round in 1..=context.rounds.unwrap_or(ROUNDS) {
        for (way, costs) in [Way::Component, Way::Http, Way::Grpc].into_iter().zip(&mut costs) {
            eprintln!("round {round}: {way:?}");
            costs.push(place.run(way)?);
        }
    }
    reading(&handover, &costs, frame_interval_ms(&clip)?)
}

fn reading(handover: &Handover, costs: &[Vec<Cost>; 3], interval_ms: f64) -> Result<Reading> {
    let middle = |costs: &[Cost], what: fn(&Cost) -> f64| median(&costs.iter().map(what).collect::<Vec<_>>());
    let [component, http, grpc] = costs;
    let cpu = |costs| middle(costs, |cost| cost.cpu_ms);
    let latency = |costs| middle(costs, |cost| cost.latency_ms);
    let (ours, over_http, over_grpc) = (cpu(component)?, cpu(http)?, cpu(grpc)?);
    let added = latency(component)?;
    Ok(Reading {
        value: handover.times(),
        against: format!(
            "{}; a detection: component {ours:.1} ms of CPU time and {added:.1} ms from frame to event, HTTP {over_http:.1} and {:.1}, \
             gRPC with shared memory {over_grpc:.1} and {:.1}",
            handover.told(),
            latency(http)?,
            latency(grpc)?
        ),
        samples: vec![handover.times()],
        besides: vec![
            at_most(
                "CPU time of a detection against HTTP",
                "ratio",
                ours / over_http,
                CHEAPER_THAN_HTTP,
            ),
            at_most(
                "the same against gRPC",
                "ratio",
                ours / over_grpc,
                CHEAPER_THAN_GRPC,
            ),
            at_most("from frame to event", "frame intervals", added / interval_ms, 1.0),
        ],
    })
}

fn at_most(name: &'static str, unit: &'static str, value: f64, goal: f64) -> Besides {
    Besides {
        name,
        value,
        unit,
        goal,
        met: value <= goal,
    }
}

/// Milliseconds between two frames of a clip.
fn frame_interval_ms(clip: &Path) -> Result<f64> {
    let asked = [
        "-v",
        "error",
        "-select_streams",
        "v:0",
        "-show_entries",
        "stream=avg_frame_rate",
        "-of",
        "csv=p=0",
    ];
    let told = super::peer::output(std::process::Command::new("ffprobe").args(asked).arg(clip))?;
    let (frames, seconds) = told
        .trim()
        .split_once('/')
        .context("ffprobe told no frame rate")?;
    Ok(1e3 * seconds.parse::<f64>()? / frames.parse::<f64>()?)
}

impl Place<'_> {
    /// Runs one graph for a while.
    fn run(&self, way: Way) -> Result<Cost> {
        let mut container = self.container(way)?;
        let url = container
            .as_ref()
            .map(|container| container.url.clone())
            .unwrap_or_default();
        let topology = self.folder.join("topology.json");
        std::fs::write(&topology, graph(way, &url)?.to_string())?;
        let mut graph = self.start(&topology)?;
        let cost = self.measured(
            &mut graph,
            container.as_ref().map(|container| container.guard.id()),
        );
        graph.interrupt()?;
        graph.wait(END)?;
        if let Some(container) = &mut container {
            container.guard.interrupt()?;
            container.guard.wait(END)?;
        }
        cost
    }

    fn container(&self, way: Way) -> Result<Option<Container>> {
        let kind = match way {
            Way::Component => return Ok(None),
            Way::Http => "http",
            Way::Grpc => "grpc",
        };
        Container::start(self.peer, kind, &self.model).map(Some)
    }

    fn start(&self, topology: &Path) -> Result<Guard> {
        let mut command = std::process::Command::new(self.host);
        project::configure(&mut command).env("MEDIAGRAPH_ONNXRUNTIME", &self.library);
        command
            .arg("run")
            .arg(topology)
            .arg("--state-dir")
            .arg(self.folder.join("state"));
        command.args(["-p", &format!("rtspUrl={}", self.camera)]);
        command.args(["-p", &format!("model={}", self.model.display())]);
        let log = std::fs::File::create(self.folder.join("host.log"))?;
        command.stdout(std::process::Stdio::piped()).stderr(log);
        Guard::spawn("the host", &mut command)
    }

    fn measured(&self, graph: &mut Guard, container: Option<u32>) -> Result<Cost> {
        let lines = graph.lines()?;
        let spent = || -> Result<f64> {
            let server = container.map_or(Ok(0.0), usage::cpu_s)?;
            Ok(usage::cpu_s(graph.id())? + server)
        };
        let mut latencies = Vec::new();
        let (mut begun, mut before) = (None::<Instant>, 0.0);
        let mut first = None::<Instant>;
        loop {
            let Line::Text(line) = next_line(&lines, SILENCE) else {
                bail!(
                    "the graph told nothing; see {}",
                    self.folder.join("host.log").display()
                );
            };
            let Some(latency) = latency_ms(&line)? else {
                continue;
            };
            let now = Instant::now();
            match begun {
                None if now - *first.get_or_insert(now) >= SETTLE => (begun, before) = (Some(now), spent()?),
                Some(begun) if now - begun >= MEASURED => break,
                Some(_) => latencies.push(latency),
                None => {}
            }
        }
        Ok(Cost {
            cpu_ms: 1e3 * (spent()? - before) / latencies.len() as f64,
            latency_ms: median(&latencies)?,
        })
    }
}

/// How old the frame is whose inferences an event tells; none for other events.
fn latency_ms(line: &str) -> Result<Option<f64>> {
    let event: Value = serde_json::from_str(line).with_context(|| format!("this is no event: {line}"))?;
    let kind = event.get("eventType").and_then(Value::as_str).unwrap_or_default();
    if !kind.ends_with("Inference") {
        return Ok(None);
    }
    let ticks = event.pointer("/data/timestamp").and_then(Value::as_u64);
    let ticks = ticks.context("an inference has no timestamp")?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64();
    Ok(Some((now - ticks as f64 / 90_000.0) * 1e3))
}

/// The topology, with a server in the place of the component if it is a server's turn.
fn graph(way: Way, url: &str) -> Result<Value> {
    let text = std::fs::read_to_string(project::root().join(TOPOLOGY))?;
    let mut graph: Value = serde_json::from_str(&text)?;
    let detector = graph
        .pointer_mut("/properties/processors/1")
        .context("the topology has no second processor")?;
    let inputs = detector.get("inputs").cloned();
    let scale = json!({"mode": "PreserveAspectRatio", "width": SIDE, "height": SIDE});
    let endpoint = |url: &str| json!({"@type": "#Microsoft.Media.MediaGraphUnsecuredEndpoint", "url": url});
    match way {
        Way::Component => {}
        Way::Http => {
            *detector = json!({
                "@type": "#Microsoft.Media.MediaGraphHttpExtension", "name": "detector", "inputs": inputs,
                "endpoint": endpoint(&format!("{url}/detect")),
                "image": {"scale": scale, "format": {"@type": "#Microsoft.Media.MediaGraphImageFormatJpeg"}},
            });
        }
        Way::Grpc => {
            let format =
                json!({"@type": "#Microsoft.Media.MediaGraphImageFormatRaw", "pixelFormat": "bgr24"});
            *detector = json!({
                "@type": "#Microsoft.Media.MediaGraphGrpcExtension", "name": "detector", "inputs": inputs,
                "endpoint": endpoint(url), "image": {"scale": scale, "format": format},
                "dataTransfer": {"mode": "SharedMemory", "sharedMemorySizeMiB": SHARED_MEMORY_MIB},
            });
        }
    }
    Ok(graph)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_graphs_differ_in_one_node() {
        let [component, http, grpc] =
            [Way::Component, Way::Http, Way::Grpc].map(|way| graph(way, "x").unwrap());
        for other in [&http, &grpc] {
            let mut same = component.clone();
            same["properties"]["processors"][1] = other["properties"]["processors"][1].clone();
            assert_eq!(&same, other);
            assert_ne!(&component, other);
        }
    }

    #[test]
    fn figures_are_medians_and_each_goal_is_judged() {
        let handover = Handover {
            component_us: 50.0,
            host_us: 1500.0,
            server_us: 500.0,
        };
        let costs = [20.0, 40.0, 19.0].map(|ms| {
            [1.0, 1.1, 9.0].map(|factor| Cost {
                cpu_ms: ms * factor,
                latency_ms: ms,
            })
        });
        let reading = reading(&handover, &costs.map(Vec::from), 33.3).unwrap();
        assert_eq!(reading.value, 40.0);
        let met: Vec<bool> = reading.besides.iter().map(|besides| besides.met).collect();
        assert_eq!(met, [true, false, true]);
        assert!((reading.besides[0].value - 0.5).abs() < 1e-9);
    }

    #[test]
    fn only_inferences_tell_a_latency() {
        assert_eq!(latency_ms("{\"eventType\": \"X\"}").unwrap(), None);
        assert!(latency_ms("no event").is_err());
    }
}
