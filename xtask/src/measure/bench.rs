//! Figures that the bench `recordings` finds out: runs a part of it and reads the line that it prints.

use std::ffi::OsString;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;

use super::Context;
use crate::project;

const BENCH: &str = "recordings";

/// Runs one part and gives what it found.
///
/// # Errors
/// When it does not come to its end, or finds nothing.
pub(super) fn run<T: DeserializeOwned>(
    context: &Context,
    part: &str,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<T> {
    let mut command = project::cargo();
    command.arg("bench");
    if context.dev {
        // With the workspace, as the tests: alone, its dependencies would have other features and be built again.
        command.args(["--profile", "dev", "--workspace"]);
    }
    command.args(["--bench", BENCH, "--", part]).args(arguments);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run `cargo bench`")?;
    if !output.status.success() {
        bail!(
            "`cargo bench --bench {BENCH} -- {part}` failed ({})",
            output.status
        );
    }
    found(&String::from_utf8_lossy(&output.stdout))
}

/// The last line that is an object; cargo prints lines of its own.
pub(super) fn found<T: DeserializeOwned>(printed: &str) -> Result<T> {
    let line = printed.lines().rfind(|line| line.starts_with('{'));
    Ok(serde_json::from_str(
        line.context("the bench printed no result")?,
    )?)
}
