//! What a component says stands with the recording, and is found.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::common::clip::{cut, yard};
use crate::common::{mediagraph, topology};
use crate::{component, replay};

/// One truck in the middle of each picture, three quarters certain. The layout is that of the canonical ABI: variant, class
/// (pointer, length), confidence, attributes, box, name.
const TRUCK: &str = r#"
    (data (i32.const 3400) "truck")
    (data (i32.const 2560) "\01\00\00\00\00\00\00\00" "\48\0d\00\00" "\05\00\00\00" "\00\00\40\3f"
        "\00\00\00\00\00\00\00\00" "\00\00\80\3e" "\00\00\80\3e" "\00\00\00\3f" "\00\00\00\3f" "\00\00\00\00")
"#;

/// A graph that records a camera, beside a component that says `truck` and a tracker that names the truck.
fn trucks(folder: &Path) -> PathBuf {
    let mut fixture = component::detector();
    fixture.extra = TRUCK.to_owned();
    let path = folder.join("component.wasm");
    std::fs::write(&path, fixture.bytes()).unwrap();
    let tracker = json!({
        "@type": "#MediaGraph.ExtensionProcessor",
        "name": "tracker",
        "extension": {"name": "object-tracker"},
        "inputs": [{"nodeName": "detector"}],
    });
    let document = topology::document(
        "2.0",
        &[topology::extension(&path, "camera"), tracker],
        &[topology::asset_sink("camera")],
    );
    topology::write(&document, folder)
}

/// Without sound: one init segment then makes a file of all segments.
fn silent(clip: &Path, folder: &Path) -> PathBuf {
    let to = folder.join("clip.mp4");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(clip);
    crate::common::run(command.args(["-an", "-c", "copy"]).arg(&to));
    to
}

fn run(arguments: &[&str]) -> String {
    let output = mediagraph().args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn found(state: &str, more: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["find", "--json", "--state-dir", state, "--since", "2026-11-20"];
    arguments.extend(more);
    let answer: Value = serde_json::from_str(&run(&arguments)).unwrap();
    answer["value"].as_array().unwrap().clone()
}

/// Every file below a folder with this ending, in order.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            all.push(path);
        }
    }
    all.sort();
    all
}

/// A player that is given the init segment and the segments as one file has nothing to say of them.
fn plays(state: &Path) {
    let mut media = std::fs::read(&files(state, ".video.mp4")[0]).unwrap();
    let segments = files(state, ".m4s");
    assert!(!segments.is_empty());
    for segment in &segments {
        let bytes = std::fs::read(segment).unwrap();
        assert!(
            bytes.windows(4).any(|word| word == b"uuid"),
            "{}",
            segment.display()
        );
        media.extend(bytes);
    }
    let whole = state.join("whole.mp4");
    std::fs::write(&whole, media).unwrap();
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "warning",
            "-count_frames",
            "-show_entries",
            "stream=nb_read_frames",
            "-of",
            "csv=p=0",
        ])
        .arg(&whole)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let pictures: u32 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    assert!(pictures > 100, "{pictures}");
}

#[test]
fn a_truck_is_found_by_its_class_also_in_an_index_that_is_made_anew_from_the_media() {
    let folder = tempfile::tempdir().unwrap();
    let clip = silent(
        &cut(&yard(), 0, 40, &folder.path().join("cut.mp4")),
        folder.path(),
    );
    let input = format!("camera={}", clip.display());
    let topology = trucks(folder.path());
    let state = folder.path().join("record");
    let dir = state.to_str().unwrap();
    let start = [
        "--start",
        "2026-11-20T12:00:00Z",
        "--input",
        &input,
        "--record",
        dir,
    ];
    replay(topology.to_str().unwrap(), folder.path(), &start);

    let seen = found(dir, &["--label", "Truck"]);
    let [truck] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    assert_eq!(truck["label"], "truck");
    assert!(truck["id"].is_string(), "the tracker has named it: {truck}");
    assert_eq!(truck["confidence"], 0.75);
    assert_eq!(truck["box"], json!({"l": 0.25, "t": 0.25, "w": 0.5, "h": 0.5}));
    assert_eq!(truck["first"], "2026-11-20T12:00:00.000Z");
    let seconds = truck["seconds"].as_f64().unwrap();
    assert!((39.0..=40.5).contains(&seconds), "over both segments: {truck}");

    assert!(found(dir, &["--label", "dog"]).is_empty());
    assert!(found(dir, &["--label", "truck", "--min-confidence", "0.8"]).is_empty());
    assert!(found(dir, &["--label", "truck", "--until", "2026-11-20T12:00:00Z"]).is_empty());
    assert!(found(dir, &["--label", "truck", "--asset", "other"]).is_empty());
    let table = run(&[
        "find",
        "--label",
        "truck",
        "--state-dir",
        dir,
        "--since",
        "2026-11-20",
    ]);
    assert!(table.contains("2026-11-20 12:00:00+00:00"), "{table}");

    plays(&state);
    run(&["check", "--state-dir", dir, "--depth", "content"]);
    std::fs::remove_file(state.join("index.db")).unwrap();
    let caches = files(&state, ".mediagraph-volume");
    let mut rebuild = vec!["check", "--state-dir", dir, "--rebuild"];
    for cache in &caches {
        rebuild.extend(["--cache", cache.parent().unwrap().to_str().unwrap()]);
    }
    run(&rebuild);
    let again = found(dir, &["--label", "truck"]);
    let facts = |one: &Value| {
        let mut one = one.clone();
        // Who recorded is not in the media.
        for member in ["instance", "node"] {
            one[member] = Value::Null;
        }
        one
    };
    assert_eq!(again.iter().map(facts).collect::<Vec<_>>(), [facts(truck)]);
}
