//! Scripts in Node: they are told what to do as JSON, and tell what they saw as JSON.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::common::process::Process;
use crate::common::repository;

/// Much longer than a script takes by itself; each has bounds of its own for what it waits for.
const LIMIT: Duration = Duration::from_secs(300);
/// Where `cargo xtask test` installs what the scripts use.
const FOLDER: &str = "target/browser";
/// Where screenshots go, below it.
const SHOTS: &str = "shots";

/// Runs a script of this folder.
pub(crate) fn node(script: &str, input: &Value) -> Value {
    let folder = repository(FOLDER);
    assert!(
        folder.join("installed").exists(),
        "`cargo xtask test` installs what the tests in a browser use into {FOLDER}"
    );
    let mut command = Command::new("node");
    command
        .arg(repository("tests/browser").join(script))
        .arg(input.to_string())
        .env("BROWSER_TOOLS", &folder);
    let ended = Process::start(script, &mut command).end(LIMIT);
    assert!(
        ended.status.success(),
        "{script}: {}\n{}",
        ended.status,
        ended.stderr
    );
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{script}: {error}: {}", ended.stdout))
}

/// A folder for screenshots, which stays for whoever wants to look.
pub(crate) fn shots() -> String {
    let folder = repository(FOLDER).join(SHOTS);
    std::fs::create_dir_all(&folder).unwrap();
    folder.to_str().unwrap().to_owned()
}

/// A value that must be a number.
#[track_caller]
pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("`{value}` is no number"))
}

/// A value that must be a list.
#[track_caller]
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("`{value}` is no list"))
}
