//! Topologies and components that cannot run: said at once, with exit code 78, before any camera is asked.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::common::graph::command;
use crate::common::topology;
use crate::component;

/// Nobody is asked: the topology is wrong.
const URL: (&str, &str) = ("rtspUrl", "rtsp://127.0.0.1:9/never");

fn refusal(topology: &Path) -> String {
    refusal_with(topology, &[URL])
}

fn refusal_with(topology: &Path, parameters: &[(&str, &str)]) -> String {
    let state = tempfile::tempdir().unwrap();
    let output = command(topology.to_str().unwrap(), parameters, state.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{text}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    text
}

#[test]
fn five_mistakes_are_told_at_once_with_pointer_line_and_hint() {
    let text = refusal_with(Path::new("tests/topology/five-mistakes.json"), &[]);
    assert_eq!(text.matches(": error: ").count(), 5, "{text}");
    assert!(text.contains("hint: ") && text.contains("/properties/"), "{text}");
    for line in text.lines().filter(|line| line.contains(": error: ")) {
        let place = line.split("five-mistakes.json:").nth(1).unwrap_or_default();
        assert!(place.starts_with(|digit: char| digit.is_ascii_digit()), "{line}");
    }
}

fn with_component(path: &Path) -> String {
    let folder = tempfile::tempdir().unwrap();
    let document = topology::recording_beside(topology::extension(path, "camera"));
    refusal(&topology::write(&document, folder.path()))
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_file_that_is_no_component_is_named_with_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = |wat: &str| wat::parse_str(wat).unwrap();
    let unknown = r#"(component (import "acme:gpu/device" (instance)))"#;
    for (path, says) in [
        (folder.path().join("missing.wasm"), "cannot read the component"),
        (folder.path().to_owned(), "it is not a file"),
        (file(folder.path(), "text.wasm", b"hello"), "found text"),
        (
            file(folder.path(), "core.wasm", &text("(module)")),
            "found a core module\nhint: build for wasm32-wasip2",
        ),
        (
            file(folder.path(), "empty.wasm", &text("(component)")),
            "exports none of",
        ),
        (
            file(folder.path(), "greedy.wasm", &text(unknown)),
            "imports `acme:gpu/device`, which is not offered",
        ),
        (
            file(folder.path(), "gate.wasm", &component::gate().bytes()),
            "is a gate, and this node runs a detector",
        ),
    ] {
        let told = with_component(&path);
        assert!(told.contains(says), "{says}: {told}");
        assert!(told.contains("node `detector`"), "{told}");
        let named = path.file_name().unwrap().to_str().unwrap();
        // A component that loads is called by its own name.
        assert!(told.contains(named) || told.contains("`test`"), "{named}: {told}");
    }
}

#[test]
fn a_constructor_that_refuses_its_configuration_stops_the_graph_with_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut picky = component::detector();
    picky.constructor = "(i32.const 3072)".into();
    let told = with_component(&file(folder.path(), "picky.wasm", &picky.bytes()));
    assert!(
        told.contains("node `detector`") && told.contains("not this one"),
        "{told}"
    );
}

#[test]
fn problems_of_several_nodes_are_told_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = topology::extension(Path::new("nowhere.wasm"), "camera");
    first["name"] = json!("first");
    let mut second = topology::extension(Path::new("nor-here.wasm"), "camera");
    second["name"] = json!("second");
    let sinks = [topology::message_sink("first"), topology::message_sink("second")];
    let mut document = topology::document("2.0", &[first, second], &sinks);
    document["properties"]["sinks"][1]["name"] = json!("others");
    let told = refusal(&topology::write(&document, folder.path()));
    assert!(
        told.contains("nowhere.wasm") && told.contains("nor-here.wasm"),
        "{told}"
    );
}

#[test]
fn rtsp_through_http_is_understood_and_refused_with_what_to_use_instead() {
    let folder = tempfile::tempdir().unwrap();
    let mut document = topology::document("2.0", &[], &[topology::asset_sink("camera")]);
    document["properties"]["sources"][0]["transport"] = json!("Http");
    let path = topology::write(&document, folder.path());
    let told = refusal(&path);
    assert!(
        told.contains("the transport `Http` is not available yet") && told.contains("hint: use `Tcp`"),
        "{told}"
    );
    // As a topology it is valid: it only cannot run here.
    let validated = crate::common::mediagraph()
        .args(["validate", "-p", "rtspUrl=rtsp://127.0.0.1:9/never"])
        .arg(&path)
        .output()
        .unwrap();
    let text = String::from_utf8(validated.stderr).unwrap();
    assert_eq!(validated.status.code(), Some(0), "{text}");
    assert!(text.contains("warning: ") && text.contains("`Http`"), "{text}");
}
