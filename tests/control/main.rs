//! `mediagraph serve` from outside: crashes, restarts, and several hosts. The real binary, a real camera.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test crate: what goes wrong here is to fail loudly, and real time is what cameras live in"
)]

#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../common/mod.rs"]
mod common;
mod variants;

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use common::camera::Camera;
use common::graph::{DRAIN, SOON, START};
use common::process::{Process, until};
use common::{mediagraph, repository};

const CLIP: &str = "tests/fixtures/clips/yard.mp4";
const LISTENS: &str = "The host listens url=\"";

/// `mediagraph serve`; killed when dropped.
struct Host {
    process: Process,
    url: String,
}

impl Host {
    fn command(state: &Path) -> Command {
        let mut command = mediagraph();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--state-dir"])
            .arg(state);
        command
    }

    fn start(state: &Path) -> Self {
        let process = Process::start("the host", &mut Self::command(state));
        let url = process.wait_stderr_for("address", START, |lines| {
            let rest = lines.iter().find_map(|line| line.split(LISTENS).nth(1))?;
            Some(rest.split('"').next()?.to_owned())
        });
        Self { process, url }
    }

    fn ask(&self, arguments: &[&str]) -> String {
        common::run(mediagraph().args(arguments).args(["--server", &self.url]))
    }

    fn status(&self, instance: &str) -> Value {
        serde_json::from_str(&self.ask(&["instance", "status", instance, "--json"])).unwrap()
    }

    /// Waits until so many access units have reached the recorder.
    fn wait_recorded(&self, instance: &str, units: u64) {
        until("media is recorded", SOON, || {
            let status = self.status(instance);
            let nodes = status["nodes"].as_array()?;
            let recorder = nodes.iter().find(|node| node["node"] == "recorder")?;
            (recorder["received"].as_u64()? >= units).then_some(())
        });
    }

    fn stop(self) {
        self.process.signal("TERM");
        let ended = self.process.end(DRAIN);
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    }
}

#[test]
fn a_host_that_is_killed_finishes_its_recordings_and_runs_again_what_was_active() {
    let camera = Camera::ours(&repository(CLIP), &[]);
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let host = Host::start(&state);
    host.ask(&[
        "topology",
        "set",
        repository("topologies/cvr-asset").to_str().unwrap(),
    ]);
    for name in ["running", "resting"] {
        let url = format!("rtspUrl={}", camera.url);
        host.ask(&[
            "instance",
            "set",
            name,
            "--topology",
            "ContinuousRecording",
            "-p",
            &url,
        ]);
    }
    host.ask(&["instance", "activate", "running"]);
    host.ask(&["instance", "activate", "resting"]);
    host.ask(&["instance", "deactivate", "resting"]);
    host.wait_recorded("running", 100);
    host.process.kill();

    let host = Host::start(&state);
    until("it runs again", START, || {
        (host.status("running")["state"] == "Active").then_some(())
    });
    assert_eq!(host.status("resting")["state"], "Inactive");
    host.wait_recorded("running", 100);
    host.stop();
    let assets = std::fs::read_dir(state.join("assets")).unwrap();
    let assets: Vec<_> = assets.map(|entry| entry.unwrap().path()).collect();
    assert!(!assets.is_empty());
    // Fails when one is broken.
    common::run(mediagraph().arg("check").args(&assets));
}

#[test]
fn a_second_host_on_the_same_state_directory_names_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let host = Host::start(&state);
    let second = Process::start("the second host", &mut Host::command(&state)).end(START);
    assert_eq!(second.status.code(), Some(1), "{}", second.stderr);
    let holder = format!("in use by process {}", host.process.id());
    assert!(second.stderr.contains(&holder), "{}", second.stderr);
    assert!(second.stderr.contains("--state-dir"), "{}", second.stderr);
    host.stop();
}

#[test]
fn an_address_in_use_is_told_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = mediagraph();
    let state = folder.path().join("state");
    command
        .args([
            "serve",
            "--listen",
            &taken.local_addr().unwrap().to_string(),
            "--state-dir",
        ])
        .arg(&state);
    let ended = Process::start("the host", &mut command).end(START);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("hint: choose another address"),
        "{}",
        ended.stderr
    );
    assert!(!state.exists());
}

#[test]
fn a_wider_address_needs_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = mediagraph();
    command
        .args(["serve", "--listen", "0.0.0.0:0", "--state-dir"])
        .arg(folder.path().join("state"));
    let ended = Process::start("the host", &mut command).end(START);
    assert_eq!(ended.status.code(), Some(78), "{}", ended.stderr);
    assert!(ended.stderr.contains("token"), "{}", ended.stderr);
}
