//! What several test crates need: processes, graphs, cameras, judges.
//!
//! Invariants: a process ends with the value that started it, however the test ends; nothing waits for a duration,
//! only for a condition within a bound; every server listens on the loopback alone.

pub(crate) mod camera;
pub(crate) mod clip;
pub(crate) mod graph;
pub(crate) mod host;
pub(crate) mod judge;
pub(crate) mod process;
pub(crate) mod topology;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The binary under test.
pub(crate) fn mediagraph() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mediagraph"));
    command.env("MEDIAGRAPH_CONFIG", repository("tests/common/mediagraph.toml"));
    command
}

/// Writes a configuration to a folder: that of all hosts of the tests, and then this.
pub(crate) fn configuration(folder: &Path, text: &str) -> PathBuf {
    let all = std::fs::read_to_string(repository("tests/common/mediagraph.toml")).unwrap();
    let file = folder.join("mediagraph.toml");
    std::fs::write(&file, format!("{all}{text}")).unwrap();
    file
}

/// A path of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a program to its end and gives its standard output.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{errors}",
        output.status
    );
    String::from_utf8(output.stdout).unwrap()
}
