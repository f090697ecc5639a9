//! The project's own folder, `cargo`, and the host's binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The target that components are built for.
pub(crate) const COMPONENT_TARGET: &str = "wasm32-wasip2";

/// The top of the checkout.
pub(crate) fn root() -> PathBuf {
    // `cargo run` sets the variable; the constant serves the binary when it is started by hand.
    let own = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let own = PathBuf::from(own);
    own.parent().map_or_else(|| own.clone(), Path::to_path_buf)
}

/// Where cargo puts what it builds.
///
/// # Errors
/// When `cargo metadata` does not say.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let folder = metadata()?
        .get("target_directory")
        .and_then(Value::as_str)
        .map(PathBuf::from);
    folder.context("`cargo metadata` names no target directory")
}

/// What cargo knows of the workspace, without its dependencies.
///
/// # Errors
/// When `cargo metadata` fails, such as with a lock file that is out of date.
pub(crate) fn metadata() -> Result<Value> {
    let mut command = cargo();
    command.args(["metadata", "--no-deps", "--format-version", "1", "--locked"]);
    let output = command.output().context("cannot run `cargo metadata`")?;
    if !output.status.success() {
        bail!(
            "`cargo metadata` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The folder with recordings from elsewhere: as asked for, or else from `MEDIAGRAPH_CORPUS`; absolute.
///
/// # Errors
/// When a folder is named that does not exist.
pub(crate) fn corpus(asked: Option<&Path>) -> Result<Option<PathBuf>> {
    let named = || {
        std::env::var_os("MEDIAGRAPH_CORPUS")
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
    };
    let Some(folder) = asked.map(Path::to_path_buf).or_else(named) else {
        return Ok(None);
    };
    let found = folder.canonicalize();
    found
        .map(Some)
        .with_context(|| format!("there is no folder {} with recordings", folder.display()))
}

/// `cargo`, at the top of the checkout.
pub(crate) fn cargo() -> Command {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(program);
    command.current_dir(root());
    // What describes this crate must not leak into the builds that it starts: build scripts look at it.
    for (name, _) in std::env::vars_os() {
        let told_by_cargo = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_BIN_NAME"
        });
        if told_by_cargo {
            command.env_remove(&name);
        }
    }
    command
}

/// Adds the component target to the toolchain when it is missing.
///
/// # Errors
/// Without `rustup`, or when the target cannot be fetched.
pub(crate) fn ensure_component_target() -> Result<()> {
    let listed = Command::new("rustup")
        .args(["target", "list", "--installed"])
        .current_dir(root())
        .output()
        .context("cannot run `rustup`\nhint: install it from https://rustup.rs, or add the target by hand")?;
    let installed = String::from_utf8_lossy(&listed.stdout);
    if installed.lines().any(|line| line.trim() == COMPONENT_TARGET) {
        return Ok(());
    }
    eprintln!("adding the target {COMPONENT_TARGET} to the toolchain");
    let status = Command::new("rustup")
        .args(["target", "add", COMPONENT_TARGET])
        .current_dir(root())
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("`rustup target add {COMPONENT_TARGET}` failed ({status})");
    }
    Ok(())
}

/// Which optimisation the host is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

/// With a test crate beside it the host has the features of dependencies that it has in the tests: without, cargo would build
/// it, and much of what it uses, a second time.
const AS_THE_TESTS: [&str; 3] = ["--workspace", "--test", "flaps"];

/// Builds the host, with cargo's progress on standard error, and says where its binary is.
///
/// # Errors
/// When it does not build.
pub(crate) fn build_host(profile: Profile) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--bin", "mediagraph"]);
    command.arg("--message-format=json-render-diagnostics");
    match profile {
        Profile::Dev => command.args(AS_THE_TESTS),
        Profile::Release => command.args(["--package", "mediagraph", "--release"]),
    };
    let built = command
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run `cargo build`")?;
    if !built.status.success() {
        bail!(
            "`cargo build` failed ({}); its own messages stand above",
            built.status
        );
    }
    String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| host_binary(&message))
        .context("`cargo build` did not say where it put the binary `mediagraph`")
}

/// What every host is told that the project starts, below the project's root.
const CONFIGURATION: &str = "tests/common/mediagraph.toml";

/// Tells a host that, unless it is given a configuration of its own.
pub(crate) fn configure(host: &mut Command) -> &mut Command {
    host.env("MEDIAGRAPH_CONFIG", root().join(CONFIGURATION))
}

/// A configuration of its own: that, and then this.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn configuration(own: &str) -> Result<String> {
    let all = std::fs::read_to_string(root().join(CONFIGURATION));
    Ok(all.with_context(|| format!("cannot read {CONFIGURATION}"))? + own)
}

fn host_binary(message: &Value) -> Option<PathBuf> {
    let is_host = message.get("reason")?.as_str()? == "compiler-artifact"
        && message.pointer("/target/name")?.as_str()? == "mediagraph";
    is_host.then(|| message.get("executable")?.as_str().map(PathBuf::from))?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_binary_is_found_among_the_messages_of_cargo() {
        let library =
            json!({"reason": "compiler-artifact", "target": {"name": "mediagraph"}, "executable": null});
        let binary = json!({"reason": "compiler-artifact", "target": {"name": "mediagraph"},
                            "executable": "/t/debug/mediagraph"});
        let other = json!({"reason": "build-script-executed", "package_id": "x"});
        assert_eq!(host_binary(&library), None);
        assert_eq!(host_binary(&other), None);
        assert_eq!(host_binary(&binary), Some(PathBuf::from("/t/debug/mediagraph")));
    }
}
