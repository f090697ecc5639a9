//! The Python that the host is compared with: packages of PyPI in the versions of `benches/peers/requirements.txt`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::{IOU, THRESHOLD};
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
pub(super) struct Peer {
    venv: PathBuf,
}

impl Peer {
    /// Installs what is not there in these versions.
    ///
    /// # Errors
    /// When it cannot be installed.
    pub(super) fn ensure() -> Result<Self> {
        let root = project::root();
        let (venv, stamp) = (
            root.join(FOLDER).join("venv"),
            root.join(FOLDER).join("installed"),
        );
        let wanted = std::fs::read_to_string(root.join(REQUIREMENTS))?;
        let peer = Self { venv };
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(peer);
        }
        eprintln!("installing what is compared with:\n{wanted}");
        std::fs::create_dir_all(root.join(FOLDER))?;
        let make = ["-m", "venv"];
        output(Command::new("python3").args(make).arg(&peer.venv))
            .context("hint: apt-get install python3 python3-venv")?;
        let pip = peer.venv.join("bin/pip");
        output(
            Command::new(pip)
                .args(["install", "--quiet", "-r"])
                .arg(root.join(REQUIREMENTS)),
        )?;
        std::fs::write(stamp, wanted)?;
        Ok(peer)
    }

    /// Runs the script; gives what it prints.
    ///
    /// # Errors
    /// When it fails.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<String> {
        let python = self.venv.join("bin/python");
        output(
            Command::new(python)
                .arg(project::root().join(SCRIPT))
                .args(arguments),
        )
    }

    /// The library of ONNX Runtime that Python has.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn library(&self) -> Result<PathBuf> {
        let lib = self.venv.join("lib");
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
        let mut command = Command::new(peer.venv.join("bin/python"));
        command.arg(project::root().join(SERVERS)).arg(kind).arg(model);
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

/// Runs a program to its end; gives what it prints.
///
/// # Errors
/// When it fails, with what it says.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let shown = command.get_program().display().to_string();
    let output = command
        .output()
        .with_context(|| format!("cannot run `{shown}`"))?;
    if !output.status.success() {
        bail!(
            "`{shown}` failed ({}):\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).context("it prints no text")
}
