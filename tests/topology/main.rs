//! The commands about topologies, from outside: the real binary, its output and its exit codes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn mediagraph(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mediagraph"))
        .args(args)
        .current_dir(root())
        .output()
        .expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// Compares with a file of the repository; `UPDATE=1` writes it instead.
fn assert_file_is(path: &str, actual: &str) {
    let file = root().join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        expected == actual,
        "{path} is out of date: run this test with UPDATE=1. Now:\n{actual}"
    );
}

fn our_topologies() -> Vec<PathBuf> {
    let all: Vec<PathBuf> = std::fs::read_dir(root().join("topologies"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("topology.json").exists())
        .collect();
    assert!(all.len() >= 5, "{all:?}");
    all
}

#[test]
fn five_mistakes_are_reported_at_once_with_place_pointer_and_hint() {
    let output = mediagraph(&["validate", "tests/topology/five-mistakes.json"]);
    assert_eq!(output.status.code(), Some(78));
    assert_eq!(text(&output.stdout), "");
    assert_file_is("tests/topology/five-mistakes.stderr", &text(&output.stderr));
    assert_eq!(text(&output.stderr).matches(": error: ").count(), 5);
}

#[test]
fn the_json_report_holds_the_same_mistakes() {
    let output = mediagraph(&["validate", "--json", "tests/topology/five-mistakes.json"]);
    assert_eq!(output.status.code(), Some(78));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report[0]["errors"], 5);
    let codes: Vec<&str> = report[0]["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["code"].as_str())
        .collect();
    assert!(codes.contains(&"RtspEndpointUrlInvalidScheme"), "{codes:?}");
    assert!(
        report[0]["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["line"].is_u64())
    );
}

#[test]
fn our_own_topologies_are_valid_without_a_warning() {
    for path in our_topologies() {
        let output = mediagraph(&["validate", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "");
        assert!(
            text(&output.stdout).contains("to run it, set: "),
            "{}",
            text(&output.stdout)
        );
    }
}

#[test]
fn the_readme_of_each_topology_names_its_parameters_and_its_command() {
    for path in our_topologies() {
        let readme = std::fs::read_to_string(path.join("README.md")).unwrap();
        let topology = std::fs::read(path.join("topology.json")).unwrap();
        let topology: serde_json::Value = serde_json::from_slice(&topology).unwrap();
        for parameter in topology["properties"]["parameters"].as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            assert!(readme.contains(&format!("| `{name}` |")), "{path:?}: {name}");
        }
        assert!(readme.contains("mediagraph run topologies/"), "{path:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_exit_code_1_and_named() {
    for command in ["validate", "graph"] {
        let output = mediagraph(&[command, "no/such/topology.json"]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert!(
            text(&output.stderr).contains("no/such/topology.json"),
            "{command}"
        );
    }
}

#[test]
fn what_is_not_json_is_exit_code_78_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.json");
    std::fs::write(&file, "{\n  \"name\": \"a\",\n}").unwrap();
    for command in ["validate", "graph"] {
        let output = mediagraph(&[command, file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(78), "{command}");
        assert!(
            text(&output.stderr).contains("t.json:3:1: error: not valid JSON"),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn a_parameter_without_a_value_on_the_command_line_is_a_usage_error() {
    let output = mediagraph(&["validate", "topologies/cvr-asset", "-p", "hunter2"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!text(&output.stderr).contains("hunter2"), "it may be a password");
}

#[test]
fn a_wrong_value_on_the_command_line_is_found_where_it_is_used() {
    let output = mediagraph(&["validate", "topologies/cvr-asset", "-p", "rtspUrl=camera"]);
    assert_eq!(output.status.code(), Some(78));
    let errors = text(&output.stderr);
    assert!(errors.contains("/properties/sources/0/endpoint/url"), "{errors}");
}

#[test]
fn topologies_are_drawn_without_values_in_two_languages() {
    let mermaid = mediagraph(&["graph", "topologies/evr-motion-files"]);
    assert_eq!(mermaid.status.code(), Some(0), "{}", text(&mermaid.stderr));
    assert_file_is("tests/topology/evr-motion-files.mmd", &text(&mermaid.stdout));
    let dot = mediagraph(&["graph", "--format", "dot", "topologies/evr-motion-files"]);
    assert_file_is("tests/topology/evr-motion-files.dot", &text(&dot.stdout));
}

#[test]
fn every_node_type_is_listed_in_every_form() {
    let list: serde_json::Value =
        serde_json::from_slice(&mediagraph(&["list", "nodes", "--json"]).stdout).unwrap();
    let table = text(&mediagraph(&["list", "nodes"]).stdout);
    let page = text(&mediagraph(&["list", "nodes", "--markdown"]).stdout);
    let schema = text(&mediagraph(&["list", "nodes", "--schema"]).stdout);
    assert!(list.as_array().unwrap().len() >= 13);
    for node in list.as_array().unwrap() {
        let name = node["name"].as_str().unwrap();
        for form in [&table, &page, &schema] {
            assert!(form.contains(name), "{name}");
        }
    }
}

#[test]
fn the_generated_reference_is_up_to_date() {
    assert_file_is(
        "docs/reference/nodes.md",
        &text(&mediagraph(&["list", "nodes", "--markdown"]).stdout),
    );
    assert_file_is(
        "docs/reference/topology.schema.json",
        &text(&mediagraph(&["list", "nodes", "--schema"]).stdout),
    );
}

#[test]
fn the_schema_for_editors_takes_our_topologies_and_refuses_misspelt_members() {
    let schema = std::fs::read(root().join("docs/reference/topology.schema.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for path in our_topologies() {
        let topology = std::fs::read(path.join("topology.json")).unwrap();
        let mut topology: serde_json::Value = serde_json::from_slice(&topology).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&topology)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{path:?}: {errors:?}");
        topology["properties"]["sources"][0]["endpoint"]["ulr"] = "x".into();
        assert!(!validator.is_valid(&topology), "{path:?}");
    }
}
