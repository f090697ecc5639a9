//! The same media gives the same events, to the last byte.

use serde_json::json;

use crate::common::clip::{cut, yard};
use crate::common::topology;
use crate::{MOTION_TO_ASSETS, SCREEN, replay};

#[test]
fn two_replays_of_a_clip_give_the_same_bytes_with_media_times_and_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // A person runs through the yard from second 10.2 of the clip on: second 2.2 of this.
    let clip = cut(&yard(), 8, 20, &folder.path().join("clip.mp4"));
    let input = format!("camera={}", clip.display());
    let arguments = [
        "--input",
        &input,
        "--start",
        "2026-11-20T12:00:00Z",
        "-p",
        "minimumClip=PT5S",
        "-p",
        "maximumClip=PT8S",
    ];
    let first = replay(MOTION_TO_ASSETS, folder.path(), &arguments);
    let second = replay(MOTION_TO_ASSETS, folder.path(), &arguments);
    assert_eq!(first.stdout, second.stdout);
    assert!(!folder.path().join("mediagraph-state").exists());

    let names: Vec<&str> = first.events.iter().map(|event| event.name()).collect();
    assert_eq!(
        (names.first(), names.last()),
        (Some(&"GraphInstanceStarted"), Some(&"GraphInstanceStopped"))
    );
    let started = first.named("RecordingStarted");
    // What moves outlasts the longest clip, so there are two, and nothing is missing between them.
    assert_eq!(started.len(), 2, "{}", first.stdout);
    assert_eq!(started[0].text("outputType"), "assetName");
    let time = |event: &crate::common::graph::Event| event.0["eventTime"].as_str().unwrap().to_owned();
    // The clip's first key frame, since five seconds before the movement is before the clip.
    assert_eq!(time(started[0]), "2026-11-20T12:00:00.000Z");
    let stopped = first.named("RecordingStopped");
    assert_eq!(time(stopped[0]), time(started[1]));
    assert!(
        time(stopped[0]).starts_with("2026-11-20T12:00:10."),
        "{}",
        time(stopped[0])
    );
    let inferences = first.named("Inference");
    assert!(inferences.len() > 10, "{}", inferences.len());
    let first_motion = time(inferences[0]);
    assert!(
        first_motion.starts_with("2026-11-20T12:00:02.") || first_motion.starts_with("2026-11-20T12:00:03."),
        "{first_motion}"
    );
    assert!(first.stderr.contains("times real time"), "{}", first.stderr);
    let mut ids: Vec<&str> = first
        .events
        .iter()
        .map(|event| event.0["id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), first.events.len(), "every event has an id of its own");
}

#[test]
fn a_file_sink_says_the_file_that_it_would_write() {
    let folder = tempfile::tempdir().unwrap();
    let clip = cut(&yard(), 8, 8, &folder.path().join("clip.mp4"));
    let input = format!("camera={}", clip.display());
    let replayed = replay(SCREEN, folder.path(), &["--input", &input, "--json"]);
    let started = replayed.named("RecordingStarted");
    assert_eq!(started[0].text("outputType"), "filePath");
    let path = started[0].text("outputLocation");
    assert!(path.starts_with('/') && path.ends_with(".mp4"), "{path}");
    assert!(!std::path::Path::new(path).exists());
    let totals = replayed
        .stderr
        .lines()
        .find(|line| line.starts_with('{'))
        .unwrap();
    let totals: serde_json::Value = serde_json::from_str(totals).unwrap();
    assert_eq!(totals["events"], replayed.events.len());
    let nodes = totals["nodes"].as_array().unwrap();
    let motion = nodes
        .iter()
        .find(|node| node["node"].as_str().unwrap().contains("otion"))
        .unwrap();
    // Nothing is left out, however slow the detector is.
    assert_eq!(
        (&motion["received"], &motion["dropped"]),
        (&json!(200), &json!(0))
    );
}

#[test]
fn several_cameras_are_brought_together_by_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let one = cut(&yard(), 8, 8, &folder.path().join("one.mp4"));
    let other = cut(&yard(), 18, 8, &folder.path().join("other.mp4"));
    let motion = |name: &str, camera: &str| json!({"@type": "#Microsoft.Media.MediaGraphMotionDetectionProcessor", "name": name, "inputs": [{"nodeName": camera}]});
    let sink = json!({
        "@type": "#Microsoft.Media.MediaGraphIoTHubMessageSink", "name": "events", "hubOutputName": "out",
        "inputs": [{"nodeName": "here"}, {"nodeName": "there"}],
    });
    let mut document = topology::document(
        "2.0",
        &[motion("here", "camera"), motion("there", "second")],
        &[sink],
    );
    let sources = document["properties"]["sources"].as_array_mut().unwrap();
    let mut second = sources[0].clone();
    second["name"] = "second".into();
    sources.push(second);
    let topology = topology::write(&document, folder.path());
    let inputs =
        [("camera", &one), ("second", &other)].map(|(name, path)| format!("{name}={}", path.display()));
    let arguments = ["--input", &inputs[0], "--input", &inputs[1]];
    let topology = topology.to_str().unwrap();
    let first = replay(topology, folder.path(), &arguments);
    assert_eq!(first.stdout, replay(topology, folder.path(), &arguments).stdout);
    let said: Vec<&str> = first
        .named("Inference")
        .iter()
        .map(|event| event.node())
        .collect();
    assert!(said.contains(&"here") && said.contains(&"there"), "{said:?}");
    let times: Vec<u64> = first
        .named("Inference")
        .iter()
        .map(|event| event.ticks())
        .collect();
    let span = times.iter().max().unwrap() - times.iter().min().unwrap();
    assert!(span < 8 * 90_000, "both clips begin at the same moment: {span}");
}
