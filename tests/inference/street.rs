//! The project's model in the topology for trucks: the real binary replays the clip of the demo, whose truth is known.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::{Value, json};

/// Frames in a second that the detector is given: fewer than in the demo, to be done sooner.
const RATE: f64 = 4.0;
/// As in the demo.
const SURE: f64 = 0.6;
/// `replay` begins then, in ticks of 90 kHz since 1970.
const START: &str = "1970-01-01T00:00:00Z";
const TICKS: f64 = 90_000.0;

#[derive(Deserialize)]
struct Truth {
    passages: Vec<Passage>,
}

#[derive(Deserialize)]
struct Passage {
    class: String,
    what: String,
    start: f64,
    end: f64,
    best: f64,
    area: [f64; 4],
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn trucks() -> Vec<Passage> {
    let text = std::fs::read_to_string(root().join("tests/fixtures/clips/street.truth.json")).unwrap();
    let truth: Truth = serde_json::from_str(&text).unwrap();
    let trucks = truth.passages.into_iter().filter(|one| one.class == "truck");
    trucks.collect()
}

/// The topology for real cameras, with the names of the model's classes.
fn topology(folder: &Path) -> PathBuf {
    let text = std::fs::read_to_string(root().join("topologies/evr-trucks-only/topology.json")).unwrap();
    let mut topology: Value = serde_json::from_str(&text).unwrap();
    let processors = topology["properties"]["processors"].as_array_mut().unwrap();
    let detector = processors
        .iter_mut()
        .find(|one| one["name"] == "detector")
        .unwrap();
    detector["config"]["classes"] = json!(["car", "van", "bus", "truck", "person", "bicycle"]);
    let path = folder.join("topology.json");
    std::fs::write(&path, topology.to_string()).unwrap();
    path
}

fn events(folder: &Path) -> Vec<Value> {
    let model = root().join("extensions/object-detector/street/street.onnx");
    let output = Command::new(env!("CARGO_BIN_EXE_mediagraph"))
        .current_dir(folder)
        .arg("replay")
        .arg(topology(folder))
        .arg("--input")
        .arg(format!(
            "camera={}",
            root().join("tests/fixtures/clips/street.mp4").display()
        ))
        .args(["--start", START])
        .args([
            "-p",
            &format!("modelPath={}", model.display()),
            "-p",
            "modelFamily=yolov8",
        ])
        .args([
            "-p",
            &format!("framesPerSecond={RATE}"),
            "-p",
            &format!("minimumConfidence={SURE}"),
        ])
        .args(["-p", "preRoll=-PT2S", "-p", "minimumClip=PT3S"])
        .env("MEDIAGRAPH_ONNXRUNTIME", "off")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// When a truck was seen in seconds of the clip, how sure the model was, and where.
fn sights(events: &[Value]) -> Vec<(f64, f64, [f64; 4])> {
    let seen = events.iter().flat_map(|event| {
        let at = event["data"]["timestamp"].as_f64().unwrap_or_default() / TICKS;
        let all = event["data"]["inferences"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        all.into_iter().map(move |one| (at, one))
    });
    seen.map(|(at, one)| {
        assert_eq!(one["entity"]["tag"]["value"], "truck");
        let side = |name: &str| one["entity"]["box"][name].as_f64().unwrap();
        let area = ["l", "t", "w", "h"].map(side);
        (at, one["entity"]["tag"]["confidence"].as_f64().unwrap(), area)
    })
    .collect()
}

/// What both cover, as a share of what either does.
fn overlap(one: [f64; 4], other: [f64; 4]) -> f64 {
    let common = |from: usize, long: usize| {
        let to = (one[from] + one[long]).min(other[from] + other[long]);
        (to - one[from].max(other[from])).max(0.0)
    };
    let both = common(0, 2) * common(1, 3);
    both / (one[2] * one[3] + other[2] * other[3] - both)
}

#[test]
fn a_clip_is_recorded_of_each_truck_and_of_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let events = events(folder.path());
    let (trucks, sights) = (trucks(), sights(&events));
    for truck in &trucks {
        // Trucks move: the nearest frame that was looked at is up to half a step away.
        let near = sights
            .iter()
            .filter(|(at, ..)| (at - truck.best).abs() <= 0.5 / RATE + 0.05);
        let best = near
            .map(|(_, _, area)| overlap(*area, truck.area))
            .fold(0.0, f64::max);
        assert!(best > 0.5, "{} at {} s: {best}", truck.what, truck.best);
    }
    let started = events.iter().filter(|event| {
        event["eventType"]
            .as_str()
            .unwrap()
            .ends_with(".RecordingStarted")
    });
    assert_eq!(started.count(), trucks.len());
    let strays = sights.iter().filter(|(at, confidence, _)| {
        let passing = |truck: &Passage| (truck.start - 0.1..truck.end + 0.1).contains(at);
        *confidence >= SURE && !trucks.iter().any(passing)
    });
    assert_eq!(strays.count(), 0);
}
