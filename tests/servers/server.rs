//! A server in Python as a process, a camera whose picture stands still, and the nodes between them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::camera::Camera;
use crate::common::graph::{Graph, SOON};
use crate::common::process::Process;
use crate::common::{repository, run, topology};

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(60);
/// The size of the still picture.
pub(crate) const SIZE: [u32; 2] = [320, 180];

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    process: Process,
    /// Scheme, host and port.
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn http(arguments: &[&str]) -> Self {
        Self::start("http_server.py", arguments)
    }

    pub(crate) fn start(program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(repository("target/servers/venv/bin/python3"));
        command
            .arg(repository("tests/servers").join(program))
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let process = Process::start(program, &mut command);
        let url = process.wait_stdout("address", START, |lines| {
            lines.iter().find(|line| line.contains("://127.0.0.1:")).cloned()
        });
        Self { process, url }
    }

    pub(crate) fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// What it told of requests of this name so far.
    pub(crate) fn requests(&self, name: &str) -> Vec<Value> {
        of_name(&self.process.stdout(), name)
    }

    /// Waits until there are so many requests of this name, and gives them.
    pub(crate) fn wait(&self, name: &str, count: usize) -> Vec<Value> {
        self.process
            .wait_stdout(&format!("{count} requests `{name}`"), SOON, |lines| {
                let found = of_name(lines, name);
                (found.len() >= count).then_some(found)
            })
    }
}

fn of_name(lines: &[String], name: &str) -> Vec<Value> {
    let told = lines.iter().filter(|line| line.starts_with('{'));
    let told = told.map(|line| serde_json::from_str::<Value>(line).unwrap());
    told.filter(|line| line["name"] == name).collect()
}

/// A camera that shows one colourful picture for ever, and that picture.
pub(crate) struct Still {
    pub(crate) camera: Camera,
    pub(crate) truth: PathBuf,
}

impl Still {
    pub(crate) fn new(folder: &Path) -> Self {
        let (clip, truth) = (folder.join("still.mp4"), folder.join("still.png"));
        let [width, height] = SIZE;
        let drawn = folder.join("drawn.png");
        // Without edges, at which each way to scale differs from the next.
        let colours = format!(
            "gradients=size={width}x{height}:nb_colors=4:c0=red:c1=yellow:c2=blue:c3=green:x0=0:y0=0:x1={width}:y1={height}:seed=1"
        );
        let mut draw = Command::new("ffmpeg");
        draw.args([
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            &colours,
            "-frames:v",
            "1",
        ]);
        run(draw.arg(&drawn));
        let mut film = Command::new("ffmpeg");
        film.args(["-v", "error", "-y", "-loop", "1", "-framerate", "10", "-i"])
            .arg(&drawn);
        film.args([
            "-t",
            "20",
            "-vf",
            "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
        ]);
        film.args(["-colorspace", "bt709", "-color_range", "tv"]);
        film.args([
            "-c:v", "libx264", "-preset", "veryfast", "-crf", "10", "-g", "10", "-bf", "0",
        ]);
        run(film.arg(&clip));
        let mut show = Command::new("ffmpeg");
        show.args(["-v", "error", "-y", "-i"]).arg(&clip);
        run(show.args(["-frames:v", "1"]).arg(&truth));
        let camera = Camera::ours(&clip, &[]);
        Self { camera, truth }
    }
}

/// `#Microsoft.Media.MediaGraph…`
pub(crate) fn lva(kind: &str) -> String {
    format!("#Microsoft.Media.MediaGraph{kind}")
}

/// An HTTP extension behind the camera, which sends a JPEG to this URL.
pub(crate) fn http(name: &str, url: &str) -> Value {
    json!({
        "@type": lva("HttpExtension"),
        "name": name,
        "endpoint": {"@type": lva("UnsecuredEndpoint"), "url": url},
        "image": {
            "scale": {"mode": "Stretch", "width": "160", "height": "90"},
            "format": {"@type": lva("ImageFormatJpeg"), "quality": "90"},
        },
        "inputs": [{"nodeName": "camera"}],
    })
}

/// Publishes what a node says.
pub(crate) fn sink(node: &str) -> Value {
    json!({
        "@type": lva("IoTHubMessageSink"), "name": format!("{node}-out"), "hubOutputName": format!("{node}-out"),
        "inputs": [{"nodeName": node}],
    })
}

/// Runs nodes behind a camera, with a sink for what each of them says, and these sinks besides.
pub(crate) fn start(nodes: &[Value], more: &[Value], camera: &Camera, folder: &Path) -> Graph {
    let named = nodes.iter().map(|node| sink(node["name"].as_str().unwrap()));
    let sinks: Vec<Value> = named.chain(more.iter().cloned()).collect();
    let document = topology::document("2.0", nodes, &sinks);
    let path = topology::write(&document, folder);
    let state = folder.join("state");
    Graph::start(path.to_str().unwrap(), &[("rtspUrl", &camera.url)], &state)
}
