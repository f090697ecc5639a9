//! Chromium, driven by scripts in Python: what they print is one line of JSON.

use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;

use crate::measure::bench::found;
use crate::measure::python::Python;
use crate::project;

/// Below the project's root; what the tests in a browser use stands in a folder of its own.
const FOLDER: &str = "target/chromium";
const REQUIREMENTS: &str = "benches/browser/requirements.txt";
const SCRIPTS: &str = "benches/browser";

/// Runs a script, whose progress is shown.
///
/// # Errors
/// When it cannot be installed, or does not come to its end.
pub(super) fn run<T: DeserializeOwned>(script: &str, arguments: &[String]) -> Result<T> {
    let python = Python::ensure(FOLDER, REQUIREMENTS)?;
    let mut command = python.script(&project::root().join(SCRIPTS).join(script));
    // Its folder is of the sources: nothing is left there.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command.args(arguments).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot run {SCRIPTS}/{script}"))?;
    if !output.status.success() {
        bail!(
            "{SCRIPTS}/{script} failed ({}); its own message stands above",
            output.status
        );
    }
    found(&String::from_utf8_lossy(&output.stdout))
}
