//! One node changes from a container to a component, and the graph does the same.

use std::process::Command;

use serde_json::{Value, json};

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Graph, START};
use crate::common::{mediagraph, topology};
use crate::server::{http, sink};

fn convert(arguments: &[&str], folder: &std::path::Path) -> std::process::Output {
    let mut command: Command = mediagraph();
    command.arg("convert").args(arguments).current_dir(folder);
    command.output().unwrap()
}

#[test]
fn a_converted_topology_runs_a_component_in_the_place_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = http("look", "http://127.0.0.1:9/score");
    node["samplingOptions"] = json!({"maximumSamplesPerSecond": "5"});
    let document = topology::document("2.0", &[node], &[sink("look")]);
    topology::write(&document, folder.path());
    let arguments = [
        "--http-to-extension",
        "topology.json",
        "--extension",
        "motion-detector",
        "-o",
        "new.json",
    ];
    let done = convert(&arguments, folder.path());
    let told = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(0), "{told}");
    assert!(told.contains("note: `image` is left out"), "{told}");

    let text = std::fs::read(folder.path().join("new.json")).unwrap();
    let changed: Value = serde_json::from_slice(&text).unwrap();
    let mut wanted = document.clone();
    wanted["properties"]["processors"][0] = json!({
        "@type": "#MediaGraph.ExtensionProcessor", "name": "look", "extension": {"name": "motion-detector"},
        "samplingOptions": {"maximumSamplesPerSecond": "5"}, "inputs": [{"nodeName": "camera"}],
    });
    assert_eq!(changed, wanted);

    let camera = Camera::ours(&yard(), &[]);
    let (path, state) = (folder.path().join("new.json"), folder.path().join("state"));
    let graph = Graph::start(path.to_str().unwrap(), &[("rtspUrl", &camera.url)], &state);
    let found = graph.event("Inference", START);
    assert_eq!(
        (found.node(), &found.data("inferences")[0]["type"]),
        ("look", &json!("motion"))
    );
    graph.stop();
}

#[test]
fn what_cannot_be_converted_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let document = topology::document("2.0", &[], &[topology::asset_sink("camera")]);
    topology::write(&document, folder.path());
    for (arguments, code, says) in [
        (
            &["--http-to-extension", "topology.json", "--extension", "x"][..],
            1,
            "has no HTTP extension",
        ),
        (&["--http-to-extension", "topology.json"], 2, "--extension"),
        (&["topology.json", "--extension", "x"], 2, "--http-to-extension"),
        (
            &["--http-to-extension", "none.json", "--extension", "x"],
            1,
            "cannot read the topology",
        ),
    ] {
        let done = convert(arguments, folder.path());
        let told = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(says), "{arguments:?}: {told}");
    }
}
