//! Continuous recording to files: a file sink directly behind a camera; and a second stream of a camera for analysis.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::common::camera::Camera;
use crate::common::clip::{cut, yard};
use crate::common::graph::{Graph, SOON, START, assets, files};
use crate::common::judge::{self, Recording};
use crate::common::process::until;
use crate::common::{mediagraph, topology};
use crate::drawn::{Clip, Codec};
use crate::quirks::{file_sink, is_what_was_sent};
use crate::scripted::{Script, Scripted};

/// Pictures from keyframe to keyframe of the demo's clip.
const GROUP: usize = 50;

fn graph(sink: Value, url: &str, folder: &Path) -> Graph {
    let path = topology::write(&topology::document("2.0", &[], &[sink]), folder);
    Graph::start(path.to_str().unwrap(), &[("rtspUrl", url)], &folder.join("state"))
}

#[test]
fn a_camera_is_recorded_to_files_of_bounded_length_that_together_hold_every_picture_and_sound() {
    let folder = tempfile::tempdir().unwrap();
    let camera = Camera::with_ledger(&yard(), &folder.path().join("ledger"));
    let mut sink = file_sink("camera", "door");
    // Cut every 10 s; the name says nothing of when, so that is appended.
    sink["segmentLength"] = "PT10S".into();
    sink["fileNamePattern"] = "door".into();
    let graph = graph(sink, &camera.url, folder.path());
    graph.nth("RecordingStarted", 3, START);
    let finished = graph.stop();
    let paths = files(&folder.path().join("state"), "/var/media");
    let recordings: Vec<Recording> = paths.iter().map(|path| judge::judged(path)).collect();
    assert_eq!(recordings.len(), 3, "{paths:?}");
    for (path, recording) in paths.iter().zip(&recordings) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(name.starts_with("door-20") && name.ends_with('Z'), "{name}");
        assert!(recording.video()[0].sync, "{name} begins with a keyframe");
        let bound = 250 + GROUP;
        assert!(
            recording.video().len() <= bound,
            "{name}: {}",
            recording.video().len()
        );
        assert_eq!(recording.gaps(), 0, "{name}");
    }
    let sent = camera.sent();
    let of_kind = |kind: &str| -> Vec<String> {
        let units = sent.iter().filter(|unit| unit.kind == kind);
        units.map(|unit| unit.sha256.clone()).collect()
    };
    let pictures: Vec<&str> = recordings.iter().flat_map(Recording::hashes).collect();
    is_what_was_sent(&pictures, &of_kind("video"));
    let sound: Vec<&str> = recordings
        .iter()
        .flat_map(Recording::audio)
        .map(|sample| sample.sha256.as_str())
        .collect();
    let early = finished.totals("door").dropped;
    is_what_was_sent(&sound, &of_kind("audio")[early..]);
    let ended = finished.named("RecordingStopped");
    assert_eq!((ended.len(), finished.named("RecordingAvailable").len()), (3, 3));
}

#[test]
fn the_clip_of_a_camera_that_dies_is_closed_at_once_and_the_next_is_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let clip = cut(&yard(), 4, 16, &folder.path().join("clip.mp4"));
    let camera = Camera::ours(&clip, &[]);
    let port = camera.port();
    let graph = graph(file_sink("camera", "door"), &camera.url, folder.path());
    graph.event("RecordingStarted", START);
    graph.recorded(40_000);
    camera.process.kill();
    let closed = graph.event("RecordingStopped", SOON);
    // Nobody has come back, and it can be played already.
    judge::judged(Path::new(closed.text("outputLocation")));
    let _again = Camera::ours_at(&clip, port, &[]);
    graph.nth("RecordingStarted", 2, SOON);
    let finished = graph.stop();
    assert_eq!(finished.named("RecordingStopped").len(), 2);
    let paths = files(&folder.path().join("state"), "/var/media");
    assert_eq!(paths.len(), 2, "{paths:?}");
    paths.iter().for_each(|path| drop(judge::judged(path)));
}

#[test]
fn files_that_would_lead_elsewhere_are_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut document = topology::document("2.0", &[], &[file_sink("camera", "door")]);
    let parameters = document["properties"]["parameters"].as_array_mut().unwrap();
    parameters.push(json!({"name": "door", "type": "String"}));
    parameters.push(json!({"name": "folder", "type": "String", "default": "/var/media"}));
    let sink = &mut document["properties"]["sinks"][0];
    sink["fileNamePattern"] = "${door}".into();
    sink["baseDirectoryPath"] = "${folder}".into();
    let path = topology::write(&document, folder.path());
    let state = folder.path().join("state");
    let long = "x".repeat(300);
    let cases = [
        ("door", "../../etc/passwd", "must not hold `/`"),
        ("door", "/etc/passwd", "must not hold `/`"),
        ("door", "..", "nor be `.` or `..`"),
        ("door", "a\\b", "must not hold"),
        ("door", "a\nb", "control characters"),
        ("door", ".mediagraph-run_files.files", "must not begin with `.`"),
        ("door", &long, "at most 220 bytes"),
        ("folder", "/var/media/../../etc", "must not hold `..`"),
        ("folder", "etc", "must be an absolute path"),
    ];
    for (name, value, says) in cases {
        let mut command = mediagraph();
        command.arg("run").arg(&path).arg("--state-dir").arg(&state);
        command.args(["-p", "rtspUrl=rtsp://127.0.0.1:9/never"]);
        if name != "door" {
            command.args(["-p", "door=door"]);
        }
        let output = command.arg("-p").arg(format!("{name}={value}")).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{value:?}: {text}");
        assert!(text.contains(says), "{value:?}: {text}");
    }
    // A `\0` does not come through a command line, but through a file.
    document["properties"]["parameters"][1]["default"] = "a\0b".into();
    topology::write(&document, folder.path());
    let mut command = mediagraph();
    command.arg("run").arg(&path).arg("--state-dir").arg(&state);
    let output = command
        .args(["-p", "rtspUrl=rtsp://127.0.0.1:9/never"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(!state.join("files").exists() || files(&state, "/var/media").is_empty());
}

/// The camera's main stream is H.265, which nobody here decodes; its second one is small, H.264, and decides.
#[test]
fn the_second_stream_of_a_camera_is_analysed_while_the_first_is_recorded_undecoded() {
    let folder = tempfile::tempdir().unwrap();
    let large = Clip::draw(
        Codec::H265,
        "1280x720",
        4,
        &[
            "-x265-params",
            "log-level=error:bframes=0:keyint=25:min-keyint=25",
        ],
    );
    let large = Arc::new(large);
    let main = Scripted::start(move |_| Script::plain(&large));
    // Something moves in it after six seconds.
    let clip = cut(&yard(), 4, 16, &folder.path().join("clip.mp4"));
    let second = Camera::ours(&clip, &[]);
    let path = topology::write(&second_stream(), folder.path());
    let state = folder.path().join("state");
    let parameters = [("rtspUrl", main.url.as_str()), ("secondUrl", second.url.as_str())];
    let graph = Graph::start(path.to_str().unwrap(), &parameters, &state);
    graph.event("Inference", START);
    graph.wait("clip of the main stream", SOON, |events| {
        let clips = events.iter().filter(|event| event.node() == "clips");
        clips
            .filter(|event| event.name() == "RecordingStopped")
            .map(|_| ())
            .next()
    });
    until("more than a clip of the main stream", SOON, || {
        (main.sent()[0].len() > 10 * 25).then_some(())
    });
    let finished = graph.stop();
    assert!(
        finished.named("MediaFormatError").is_empty(),
        "nobody tried to decode it"
    );
    let inferences = finished.named("Inference");
    assert!(inferences.iter().all(|event| event.node() == "motion"));
    let everything = judge::judged(&assets(&state)[0]);
    let sent = main.sent();
    assert_eq!(sent.len(), 1);
    is_what_was_sent(&everything.hashes(), &sent[0]);
    let clip = judge::judged(&files(&state, "/var/media")[0]);
    let hashes = clip.hashes();
    assert!(hashes.len() > GROUP, "{}", hashes.len());
    let codec = clip.report["tracks"][0]["codec"].as_str().unwrap();
    assert!(codec.starts_with("hvc1") || codec.starts_with("hev1"), "{codec}");
}

fn second_stream() -> Value {
    let lva = |kind: &str| format!("#Microsoft.Media.MediaGraph{kind}");
    let motion = json!({"@type": lva("MotionDetectionProcessor"), "name": "motion", "sensitivity": "medium",
        "inputs": [{"nodeName": "second"}]});
    let gate = json!({"@type": lva("SignalGateProcessor"), "name": "gate",
        "activationEvaluationWindow": "PT1S", "activationSignalOffset": "-PT1S",
        "minimumActivationTime": "PT3S", "maximumActivationTime": "PT3S",
        "inputs": [{"nodeName": "motion"}, {"nodeName": "camera"}]});
    let sinks = [
        topology::asset_sink("camera"),
        file_sink("gate", "clips"),
        topology::message_sink("motion"),
    ];
    let mut document = topology::document("2.0", &[motion, gate], &sinks);
    let parameters = document["properties"]["parameters"].as_array_mut().unwrap();
    parameters.push(json!({"name": "secondUrl", "type": "String"}));
    let sources = document["properties"]["sources"].as_array_mut().unwrap();
    let mut second = sources[0].clone();
    second["name"] = "second".into();
    second["endpoint"]["url"] = "${secondUrl}".into();
    sources.push(second);
    document
}
