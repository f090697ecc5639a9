//! A detector written by somebody else: a crate of its own that knows only the published interface, built by plain
//! `cargo build`, and loaded by its path.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Event, Graph, START, command};
use crate::common::{repository, run};
use crate::topology;

/// Luma may differ by so much between our decoder's first pictures and ffmpeg's first picture.
const LUMA: f64 = 2.0;

/// The component, built once for all tests here.
static COMPONENT: LazyLock<PathBuf> = LazyLock::new(build);

/// As its author would: in its own folder, with nothing of this build in the environment.
fn build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("detectors");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(repository("tests/detectors/brightness"));
    cargo.args(["build", "--locked", "--release", "--target", "wasm32-wasip2"]);
    for (name, _) in std::env::vars() {
        let ours = name.starts_with("RUST") && name != "RUSTUP_HOME" && name != "RUSTUP_TOOLCHAIN";
        let told_by_cargo =
            name.starts_with("CARGO") && name != "CARGO_HOME" && !name.starts_with("CARGO_NET_");
        if ours || told_by_cargo {
            cargo.env_remove(name);
        }
    }
    run(cargo.env("CARGO_TARGET_DIR", &target));
    target.join("wasm32-wasip2/release/brightness.wasm")
}

fn first_inference(topology: &str, parameters: &[(&str, &str)]) -> Event {
    let folder = tempfile::tempdir().unwrap();
    let camera = Camera::ours(&yard(), &[]);
    let mut all = vec![("rtspUrl", camera.url.as_str())];
    all.extend(parameters);
    let graph = Graph::start(topology, &all, folder.path());
    let inference = graph.event("Inference", START);
    graph.stop();
    inference
}

fn extension_of<'a>(inference: &'a Value, name: &str) -> &'a str {
    inference["extensions"][name]
        .as_str()
        .unwrap_or_else(|| panic!("{inference}"))
}

/// The mean luma of the clip's first picture, by ffmpeg.
fn luma() -> f64 {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(yard())
        .args(["-frames:v", "1", "-vf", "extractplanes=y", "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert_eq!(output.stdout.len(), 640 * 360);
    output.stdout.iter().map(|pixel| f64::from(*pixel)).sum::<f64>() / (640.0 * 360.0)
}

#[test]
fn a_detector_built_by_an_outsider_sees_the_camera_s_pictures() {
    let parameters = [("component", COMPONENT.to_str().unwrap())];
    let event = first_inference("topologies/component-by-path", &parameters);
    assert_eq!(event.node(), "detector");
    let inference = &event.data("inferences")[0];
    assert_eq!(inference["type"], "classification");
    let mean: f64 = extension_of(inference, "mean").parse().unwrap();
    assert!((mean - luma()).abs() < LUMA, "{mean}, ffmpeg says {}", luma());
    let word = if mean >= 128.0 { "bright" } else { "dark" };
    assert_eq!(inference["classification"]["tag"]["value"], word);
    assert_eq!(extension_of(inference, "size"), "640x360");
}

/// A topology with the component and what else stands in its node.
fn with(changes: Value, folder: &Path) -> PathBuf {
    let mut node = topology::extension(&COMPONENT, "camera");
    for (name, value) in changes.as_object().unwrap() {
        node[name] = value.clone();
    }
    topology::write(&topology::recording_beside(node), folder)
}

fn refusal(changes: Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = with(changes, folder.path());
    let state = folder.path().join("state");
    let parameters = [("rtspUrl", "rtsp://127.0.0.1:9/never")];
    let output = command(path.to_str().unwrap(), &parameters, &state)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{text}");
    text
}

#[test]
fn its_configuration_reaches_it_and_its_pin_holds() {
    let folder = tempfile::tempdir().unwrap();
    let hash = Sha256::digest(std::fs::read(&*COMPONENT).unwrap());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    for (threshold, word) in [(0, "bright"), (255, "dark")] {
        let changes = json!({
            "config": {"threshold": threshold},
            "extension": {"path": &*COMPONENT, "sha256": hash},
        });
        let path = with(changes, folder.path());
        let event = first_inference(path.to_str().unwrap(), &[]);
        let tag = &event.data("inferences")[0]["classification"]["tag"];
        assert_eq!(tag["value"], word, "{threshold}");
    }
}

#[test]
fn a_configuration_that_its_schema_forbids_is_refused_with_a_pointer() {
    let text = refusal(json!({"config": {"threshold": 300}}));
    assert!(
        text.contains("/config/threshold") && text.contains("255"),
        "{text}"
    );
    let text = refusal(json!({"config": {"treshold": 3}}));
    assert!(text.contains("/config") && text.contains("treshold"), "{text}");
}

#[test]
fn another_component_than_the_pinned_one_is_refused() {
    let pin = "0".repeat(64);
    let text = refusal(json!({"extension": {"path": &*COMPONENT, "sha256": pin}}));
    assert!(text.contains("has the SHA-256") && text.contains(&pin), "{text}");
    assert!(text.contains("example.org/brightness"), "{text}");
}
