//! `mediagraph replay` from outside: the real binary, real clips, and what a live graph recorded of a real camera.

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
#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../common/component.rs"]
mod component;
mod ending;
mod found;
mod inputs;
mod live;
mod refused;
mod same;

use std::path::Path;
use std::process::{Command, Output};

use common::graph::Event;
use common::{mediagraph, repository};

const MOTION_TO_ASSETS: &str = "topologies/evr-motion-assets/topology.json";
const SCREEN: &str = "topologies/evr-motion-files/topology.json";

/// The command that replays a topology of the repository, or one with an absolute path, in an empty folder.
fn command(topology: &str, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = mediagraph();
    command
        .current_dir(folder)
        .arg("replay")
        .arg(repository(topology))
        .args(arguments);
    command
}

/// A replay that has ended well.
#[derive(Debug)]
struct Replayed {
    stdout: String,
    stderr: String,
    events: Vec<Event>,
}

impl Replayed {
    fn named(&self, name: &str) -> Vec<&Event> {
        self.events.iter().filter(|event| event.name() == name).collect()
    }
}

/// Replays to the end.
fn replay(topology: &str, folder: &Path, arguments: &[&str]) -> Replayed {
    let output = command(topology, folder, arguments).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    let event = |line: &str| Event(serde_json::from_str(line).unwrap());
    Replayed {
        events: stdout.lines().map(event).collect(),
        stdout,
        stderr: said(&output),
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
