//! The Python that the host is compared with: packages of PyPI in the versions of `benches/peers/requirements.txt`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::{IOU, THRESHOLD};
use crate::measure::python::Python;
pub(super) use crate::measure::python::output;
use crate::process::{Guard, Line, next_line};
use crate::project;

/// Below the project's root.
const FOLDER: &str = "target/peers";
const REQUIREMENTS: &str = "benches/peers/requirements.txt";
const SCRIPT: &str = "benches/peers/yolox.py";
const SERVERS: &str = "benches/peers/servers.py";
/// How long a server may take to listen.
const START: Duration = Duration::from_secs(60);
/// Of COCO.
const CLASSES: usize = 80;

/// Python with onnxruntime and OpenCV.
pub(super) struct Peer(Python);

impl Peer {
    /// Installs what is not there in these versions.
    ///
    /// # Errors
    /// When it cannot be installed.
    pub(super) fn ensure() -> Result<Self> {
        Python::ensure(FOLDER, REQUIREMENTS).map(Self)
    }

    /// Runs the script; gives what it prints.
    ///
    /// # Errors
    /// When it fails.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<String> {
        output(self.0.script(&project::root().join(SCRIPT)).args(arguments))
    }

    /// The library of ONNX Runtime that Python has.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn library(&self) -> Result<PathBuf> {
        let lib = self.0.venv.join("lib");
        let pythons = std::fs::read_dir(&lib)?.flatten();
        let capi = pythons.map(|python| python.path().join("site-packages/onnxruntime/capi"));
        let files = capi
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flatten()
            .flatten();
        let is = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("libonnxruntime.so")
        };
        let mut found = files.map(|file| file.path()).filter(|path| is(path));
        found.next().context("the package onnxruntime has no library")
    }
}

/// A server with a model, in the place of a container.
pub(super) struct Container {
    pub(super) guard: Guard,
    /// Where it listens.
    pub(super) url: String,
    /// What else it prints.
    pub(super) lines: Receiver<String>,
}

impl Container {
    /// Starts one, `http` or `grpc`.
    ///
    /// # Errors
    /// When it does not listen in time.
    pub(super) fn start(peer: &Peer, kind: &str, model: &Path) -> Result<Self> {
        let classes: Vec<String> = (0..CLASSES).map(|class| class.to_string()).collect();
        let mut command = peer.0.script(&project::root().join(SERVERS));
        command.arg(kind).arg(model);
        command.args([
            THRESHOLD.to_string(),
            IOU.to_string(),
            serde_json::to_string(&classes)?,
        ]);
        command.stdout(Stdio::piped());
        let mut guard = Guard::spawn("the server in Python", &mut command)?;
        let lines = guard.lines()?;
        match next_line(&lines, START) {
            Line::Text(url) => Ok(Self { guard, url, lines }),
            Line::Nothing | Line::End => {
                bail!("the server in Python does not listen; its message stands above")
            }
        }
    }
}
