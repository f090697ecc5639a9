//! What a component is shown, and where the boxes are that it answers.

use std::path::Path;

use serde_json::{Value, json};

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Graph, START, command};
use crate::common::topology;
use crate::component;

/// A detector that leaves its size open, wants this format, and says of each frame that something moves in its middle half.
fn open_sized(format: u8) -> Vec<u8> {
    let mut detector = component::detector();
    let input = format!("\\{format:02x}\\00\\00\\00\\00\\00\\00\\00");
    detector.extra = format!("(data (i32.const 2304) \"{input}\")");
    detector.bytes()
}

const GRAY: u8 = 0;
const RGB: u8 = 1;

fn graph(folder: &Path, wasm: &[u8], image: Value) -> std::path::PathBuf {
    let path = folder.join("component.wasm");
    std::fs::write(&path, wasm).unwrap();
    let mut extension = topology::extension(&path, "camera");
    extension["image"] = image;
    let document = topology::document("2.0", &[extension], &[topology::message_sink("detector")]);
    topology::write(&document, folder)
}

/// The box of the first inference.
fn found(image: Value) -> [f64; 4] {
    let folder = tempfile::tempdir().unwrap();
    let path = graph(folder.path(), &open_sized(GRAY), image);
    let camera = Camera::ours(&yard(), &[]);
    let state = folder.path().join("state");
    let graph = Graph::start(path.to_str().unwrap(), &[("rtspUrl", &camera.url)], &state);
    let event = graph.event("Inference", START);
    graph.stop();
    let area = &event.data("inferences")[0]["motion"]["box"];
    ["l", "t", "w", "h"].map(|side| area[side].as_f64().unwrap())
}

fn near(found: [f64; 4], wanted: [f64; 4]) {
    let far = found
        .iter()
        .zip(wanted)
        .any(|(found, wanted)| (found - wanted).abs() > 0.001);
    assert!(!far, "{found:?}, not {wanted:?}");
}

#[test]
fn boxes_are_mapped_back_from_an_image_with_a_border_and_are_as_they_are_in_others() {
    let scale = |mode: &str| json!({"scale": {"mode": mode, "width": "64", "height": "64"}});
    // 640x360 fitted into 64x64 is 64x36, 14 rows from the top.
    let rows = |row: f64| (row - 14.0) / 36.0;
    near(
        found(scale("Pad")),
        [0.25, rows(16.0), 0.5, rows(48.0) - rows(16.0)],
    );
    for same in [scale("Stretch"), scale("PreserveAspectRatio"), json!({})] {
        near(found(same), [0.25, 0.25, 0.5, 0.5]);
    }
}

fn refusal(wasm: &[u8], image: Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = graph(folder.path(), wasm, image);
    let never = [("rtspUrl", "rtsp://127.0.0.1:9/never")];
    let output = command(path.to_str().unwrap(), &never, &folder.path().join("state"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{text}");
    text
}

#[test]
fn a_topology_that_wants_something_else_than_its_component_does_not_start() {
    let raw = |format: &str| json!({"format": {"@type": "#Microsoft.Media.MediaGraphImageFormatRaw", "pixelFormat": format}});
    let fixed = component::detector().bytes();
    let width = json!({"scale": {"width": "8", "height": "4"}});
    let mode = json!({"scale": {"mode": "Pad", "width": "4", "height": "4"}});
    let jpeg = json!({"format": {"@type": "#Microsoft.Media.MediaGraphImageFormatJpeg", "quality": "90"}});
    for (wasm, image, says) in [
        (
            &fixed,
            width,
            "wants 4, and `image.scale.width` of the topology says 8",
        ),
        (
            &fixed,
            mode,
            "wants stretch, and `image.scale.mode` of the topology says Pad",
        ),
        (
            &open_sized(RGB),
            raw("Bgra"),
            "wants rgb24, and `image.format` of the topology says bgra",
        ),
        (
            &open_sized(GRAY),
            raw("Yuv420p"),
            "wants gray8, and `image.format` of the topology says i420",
        ),
        (
            &open_sized(RGB),
            jpeg,
            "a component is given pixels, not an encoded image",
        ),
    ] {
        let told = refusal(wasm, image);
        assert!(
            told.contains("node `detector`") && told.contains(says),
            "{says}:\n{told}"
        );
        assert!(told.contains("hint: "), "{told}");
    }
}
