//! The steps of `cargo xtask test`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use serde_json::Value;

use crate::project;

/// The test target that needs recordings from elsewhere.
const CORPUS_TARGET: &str = "corpus";

/// Where the console's own tests are, below the project's root.
const CONSOLE_TESTS: &str = "tests/console";

/// How often the host is killed, and how many disks are looked at after a power cut.
const KILLS: &str = "8";
const CUTS: &str = "40";

/// What a step is about; for `--only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Area {
    /// `cargo fmt --check`, both workspaces.
    Format,
    /// `cargo clippy`, both workspaces.
    Lint,
    /// The tests of the host and of this tool.
    Test,
    /// A few rounds of the measures that kill the host and cut its power; the measures themselves do hundreds.
    Survival,
    /// The native tests of the components.
    Extensions,
    /// The tests against recordings from elsewhere.
    Corpus,
}

impl Area {
    /// Whether its steps hold the host against programs of other people.
    pub(super) fn needs_packages(self) -> bool {
        matches!(self, Self::Test | Self::Corpus | Self::Survival)
    }
}

/// One command to run.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) area: Area,
    pub(super) name: String,
    pub(super) command: Command,
}

/// Everything but the corpus.
///
/// # Errors
/// When the workspace cannot be read.
pub(super) fn all() -> Result<Vec<Step>> {
    // One failure must not hide the next.
    let mut test = vec!["test", "--no-fail-fast", "--workspace", "--lib", "--bins"];
    let names = test_targets()?;
    for name in names.iter().filter(|name| *name != CORPUS_TARGET) {
        test.extend(["--test", name.as_str()]);
    }
    const LINT: [&str; 6] = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    const COMPONENT_LINT: [&str; 7] = [
        "clippy",
        "--workspace",
        "--target",
        project::COMPONENT_TARGET,
        "--",
        "-D",
        "warnings",
    ];
    Ok(vec![
        step(Area::Format, "format", &["fmt", "--all", "--check"]),
        within(Area::Format, "format, extensions", &["fmt", "--all", "--check"]),
        step(Area::Lint, "lint", &LINT),
        within(Area::Lint, "lint, extensions", &LINT),
        // What is only there in a component is not seen by a native build.
        within(Area::Lint, "lint, components", &COMPONENT_LINT),
        within(Area::Extensions, "test, extensions", &["test", "--workspace"]),
        step(Area::Test, "test", &test),
        console()?,
        measured("kill9", KILLS),
        measured("power-cut", CUTS),
    ])
}

/// Only the corpus.
///
/// # Errors
/// When there is no such test target.
pub(super) fn corpus(folder: &Path) -> Result<Step> {
    if !test_targets()?.iter().any(|name| name == CORPUS_TARGET) {
        bail!("the test target `{CORPUS_TARGET}` does not exist");
    }
    let mut step = step(
        Area::Corpus,
        "test, corpus",
        // With the workspace, as the other tests: alone, its dependencies would have other features and be built again.
        &["test", "--workspace", "--test", CORPUS_TARGET],
    );
    step.command.env("MEDIAGRAPH_CORPUS", folder);
    Ok(step)
}

/// The tests of those modules of the console that need no page, in Node.
///
/// # Errors
/// When there are none.
fn console() -> Result<Step> {
    let folder = project::root().join(CONSOLE_TESTS);
    let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read {CONSOLE_TESTS}"))?;
    let paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    // By name: what Node makes of a folder has changed between its versions.
    let mut tests: Vec<_> = paths
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    if tests.is_empty() {
        bail!("there are no tests in {CONSOLE_TESTS}");
    }
    tests.sort();
    let mut command = Command::new("node");
    command.arg("--test").args(tests);
    Ok(Step {
        area: Area::Test,
        name: "test, console".to_owned(),
        command,
    })
}

/// A few rounds of a measure with the build that the tests use.
fn measured(name: &str, rounds: &str) -> Step {
    let arguments = ["run", "--quiet", "--package", "xtask", "--", "measure", name];
    let mut step = step(Area::Survival, name, &arguments);
    step.command
        .args(["--dev", "--must-meet", "--json", "--rounds", rounds]);
    step
}

fn step(area: Area, name: &str, arguments: &[&str]) -> Step {
    let mut command = project::cargo();
    command.args(arguments);
    Step {
        area,
        name: name.to_owned(),
        command,
    }
}

/// In the workspace of the components. Its algorithms are tested natively.
fn within(area: Area, name: &str, arguments: &[&str]) -> Step {
    let mut step = step(area, name, arguments);
    step.command.current_dir(project::root().join("extensions"));
    step
}

fn test_targets() -> Result<Vec<String>> {
    Ok(targets_in(&project::metadata()?))
}

fn targets_in(metadata: &Value) -> Vec<String> {
    fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
        value.get(name).and_then(Value::as_array).into_iter().flatten()
    }
    let targets = list(metadata, "packages").flat_map(|package| list(package, "targets"));
    let tests = targets.filter(|target| list(target, "kind").any(|kind| kind == "test"));
    tests
        .filter_map(|target| target.get("name")?.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_test_targets_are_those_that_cargo_names() {
        let metadata = json!({"packages": [{"targets": [
            {"name": "mediagraph", "kind": ["lib"]}, {"name": "record", "kind": ["test"]},
            {"name": "motion", "kind": ["bench"]}, {"name": "corpus", "kind": ["test"]}]}]});
        assert_eq!(targets_in(&metadata), ["record", "corpus"]);
    }

    #[test]
    fn the_corpus_is_no_part_of_the_ordinary_run() {
        for step in all().unwrap() {
            assert!(
                !step.command.get_args().any(|argument| argument == CORPUS_TARGET),
                "{}",
                step.name
            );
        }
    }
}
