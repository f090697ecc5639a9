//! Cameras to record: the project's own, and one that nobody here wrote.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::process::{Process, until};
use super::{mediagraph, repository};

/// How long a camera may take to listen.
const START: Duration = Duration::from_secs(30);

/// A running camera; killed when dropped.
#[derive(Debug)]
pub(crate) struct Camera {
    pub(crate) process: Process,
    pub(crate) url: String,
    ledger: Option<PathBuf>,
}

/// One access unit that our camera sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) kind: String,
    pub(crate) key: bool,
    pub(crate) sha256: String,
}

impl Camera {
    /// Our own camera, with further arguments.
    pub(crate) fn ours(clip: &Path, arguments: &[&str]) -> Self {
        Self::ours_at(clip, 0, arguments)
    }

    /// Our own camera at a port; 0 takes a free one.
    pub(crate) fn ours_at(clip: &Path, port: u16, arguments: &[&str]) -> Self {
        let mut command = mediagraph();
        command
            .arg("camera")
            .arg(clip)
            .args(["--port", &port.to_string()])
            .args(arguments);
        Self::of("our camera", &mut command)
    }

    /// Our own camera, keeping a ledger of what it sends.
    pub(crate) fn with_ledger(clip: &Path, ledger: &Path) -> Self {
        let mut camera = Self::ours(clip, &["--ledger", ledger.to_str().unwrap()]);
        camera.ledger = Some(ledger.to_owned());
        camera
    }

    /// `gst-rtsp-server` behind a few lines of Python; plays the clip once for each client.
    pub(crate) fn gstreamer(clip: &Path, arguments: &[&str]) -> Self {
        // Debian's own Python: another one in the path does not know Debian's `gi`.
        let mut command = Command::new("/usr/bin/python3");
        command
            .arg(repository("tests/fixtures/rtsp_server.py"))
            .arg(clip)
            .args(arguments);
        Self::of("gst-rtsp-server", &mut command)
    }

    fn of(name: &str, command: &mut Command) -> Self {
        let process = Process::start(name, command);
        let url = process.wait_stdout("address", START, |lines| {
            lines
                .iter()
                .find(|line| {
                    ["rtsp", "rtsps"]
                        .iter()
                        .any(|scheme| line.starts_with(&format!("{scheme}://127.0.0.1:")))
                })
                .cloned()
        });
        Self {
            process,
            url,
            ledger: None,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        let address = self.url.trim_start_matches("rtsp://127.0.0.1:");
        address.split('/').next().unwrap().parse().unwrap()
    }

    /// What the ledger says was sent.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        let text = std::fs::read_to_string(self.ledger.as_ref().unwrap()).unwrap();
        // The last line may be half written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let entry = |line: &str| {
            let value: Value = serde_json::from_str(line).unwrap();
            Sent {
                kind: value["kind"].as_str().unwrap().to_owned(),
                key: value["key"].as_bool().unwrap(),
                sha256: value["sha256"].as_str().unwrap().to_owned(),
            }
        };
        whole.lines().map(entry).collect()
    }

    /// Waits until this many pictures were sent.
    pub(crate) fn wait_sent(&self, pictures: usize) {
        until(&format!("{pictures} pictures sent"), super::graph::SOON, || {
            let sent = self.sent().iter().filter(|unit| unit.kind == "video").count();
            (sent >= pictures).then_some(())
        });
    }
}
