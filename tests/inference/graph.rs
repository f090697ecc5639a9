//! Models in topologies: the real binary replays a clip.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::onnx;

/// A folder with a topology and its model.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(models: Value, extension: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = match extension {
            "object-detector" => json!({"classes": ["car", "truck"], "threshold": 0.05}),
            _ => json!({}),
        };
        let topology = json!({
            "@apiVersion": "2.0",
            "name": "Objects",
            "properties": {
                "sources": [{
                    "@type": "#Microsoft.Media.MediaGraphRtspSource",
                    "name": "camera",
                    "endpoint": {"@type": "#Microsoft.Media.MediaGraphUnsecuredEndpoint", "url": "rtsp://127.0.0.1:1/none"},
                }],
                "processors": [{
                    "@type": "#MediaGraph.ExtensionProcessor",
                    "name": "detector",
                    "extension": {"name": extension},
                    "models": models,
                    "config": config,
                    "samplingOptions": {"maximumSamplesPerSecond": 1},
                    "limits": {"timeout": "PT30S"},
                    "inputs": [{"nodeName": "camera"}],
                }],
                "sinks": [{
                    "@type": "#Microsoft.Media.MediaGraphIoTHubMessageSink",
                    "name": "events",
                    "hubOutputName": "found",
                    "inputs": [{"nodeName": "detector"}],
                }],
            },
        });
        std::fs::write(folder.path().join("topology.json"), topology.to_string()).unwrap();
        std::fs::write(folder.path().join("objects.onnx"), onnx::truck_in_white().file()).unwrap();
        Self { folder }
    }

    fn replay(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_mediagraph"))
            .current_dir(self.folder.path())
            .args(["replay", "topology.json", "--input"])
            .arg(format!("camera={}", clip().display()))
            .args(arguments)
            .env("MEDIAGRAPH_ONNXRUNTIME", "off")
            .output()
            .unwrap()
    }
}

fn clip() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/clips/yard.mp4")
}

/// Labels of what was found, one for each inference.
fn labels(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let events = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = events.flat_map(|event| {
        event["data"]["inferences"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    });
    found
        .map(|one| one["entity"]["tag"]["value"].as_str().unwrap().to_owned())
        .collect()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_graph_finds_with_the_model_beside_its_topology_and_always_the_same() {
    let place = Place::new(
        json!([{"name": "objects", "path": "objects.onnx"}]),
        "object-detector",
    );
    let (first, second) = (place.replay(&[]), place.replay(&[]));
    assert!(first.status.success(), "{}", errors(&first));
    let found = labels(&first);
    assert!(
        found.len() >= 20 && found.iter().all(|label| label == "truck"),
        "{found:?}"
    );
    assert_eq!(first.stdout, second.stdout);
}

#[test]
fn a_name_of_the_configuration_is_there_without_the_topology() {
    let place = Place::new(json!([]), "object-detector");
    let model = place.folder.path().join("objects.onnx");
    let config = format!(
        "[models]\nonnxruntime = \"off\"\n[models.files]\nobjects = {:?}\n",
        model.display().to_string()
    );
    std::fs::write(place.folder.path().join("mediagraph.toml"), config).unwrap();
    let output = place.replay(&["--config", "mediagraph.toml"]);
    assert!(output.status.success(), "{}", errors(&output));
    assert!(!labels(&output).is_empty());
}

#[test]
fn what_is_wrong_with_a_model_is_told_before_anything_runs() {
    let wrong = |models: Value, extension: &str| {
        let output = Place::new(models, extension).replay(&[]);
        assert!(!output.status.success() && output.stdout.is_empty());
        errors(&output)
    };
    let told = wrong(
        json!([{"name": "objects", "path": "none.onnx"}]),
        "object-detector",
    );
    assert!(
        told.contains("node `detector`: the model") && told.contains("cannot be read"),
        "{told}"
    );
    assert!(
        told.contains("a relative path begins at the folder of the topology"),
        "{told}"
    );
    let told = wrong(
        json!([{"name": "objects", "path": "topology.json"}]),
        "object-detector",
    );
    assert!(told.contains("is not an ONNX model: it is text"), "{told}");
    let told = wrong(json!([]), "object-detector");
    assert!(
        told.contains("there is no model `objects`; this node has none"),
        "{told}"
    );
    let told = wrong(
        json!([{"name": "objects", "path": "objects.onnx"}]),
        "motion-detector",
    );
    assert!(told.contains("it runs no models"), "{told}");
    let twice = json!([{"name": "a", "path": "objects.onnx"}, {"name": "a", "path": "objects.onnx"}]);
    let told = wrong(twice, "object-detector");
    assert!(told.contains("`a` is given to two models"), "{told}");
}
