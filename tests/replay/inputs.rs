//! What can be played: assets with their holes, and messages.

use serde_json::json;

use crate::common::camera::Camera;
use crate::common::clip::{cut, yard};
use crate::common::graph::{Graph, SOON, START, assets};
use crate::common::judge;
use crate::common::topology;
use crate::replay;

#[test]
fn an_asset_with_a_hole_is_played_as_it_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let topology = topology::write(
        &topology::document("2.0", &[], &[topology::asset_sink("camera")]),
        folder.path(),
    );
    let topology = topology.to_str().unwrap();
    let camera = Camera::ours(&yard(), &[]);
    let port = camera.port();
    let graph = Graph::start(topology, &[("rtspUrl", &camera.url)], &state);
    graph.recorded(100_000);
    drop(camera);
    graph.event("CameraLost", START);
    // Its end, and an attempt in vain: a hole that is long enough to be one.
    graph.nth("NetworkError", 2, START);
    let before = crate::common::graph::size(&state);
    let _camera = Camera::ours_at(&yard(), port, &[]);
    graph.event("CameraRestored", START);
    crate::common::process::until("media after the hole", SOON, || {
        (crate::common::graph::size(&state) > before + 100_000).then_some(())
    });
    graph.stop();
    let recorded = judge::check(&assets(&state)[0]);
    assert_eq!(recorded.gaps(), 1, "{}", recorded.report);

    let again = folder.path().join("again");
    let name = assets(&state)[0]
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let arguments = [
        "--input",
        &format!("camera={name}"),
        "--state-dir",
        state.to_str().unwrap(),
        "--record",
        again.to_str().unwrap(),
    ];
    let replayed = replay(topology, folder.path(), &arguments);
    let holes = replayed.named("RecordingHole");
    assert_eq!(holes.len(), 1, "{}", replayed.stdout);
    assert!(holes[0].data("seconds").as_f64().unwrap() > 0.5);
    assert_eq!(holes[0].node(), "camera");
    let copy = judge::check(&assets(&again)[0]);
    assert_eq!(copy.samples, recorded.samples, "every unit, at its time");
    assert_eq!(copy.report["gaps"], recorded.report["gaps"]);
    assert_eq!(
        assets(&again)[0].file_name().unwrap().to_str().unwrap(),
        "asset-replay"
    );
}

#[test]
fn messages_from_outside_come_at_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let clip = cut(&yard(), 0, 16, &folder.path().join("clip.mp4"));
    let gate = json!({
        "@type": "#Microsoft.Media.MediaGraphSignalGateProcessor", "name": "gate",
        "inputs": [{"nodeName": "door"}, {"nodeName": "camera"}],
        "activationEvaluationWindow": "PT1S", "activationSignalOffset": "-PT1S",
        "minimumActivationTime": "PT2S", "maximumActivationTime": "PT2S",
    });
    let mut document = topology::document("2.0", &[gate], &[topology::asset_sink("gate")]);
    let door = json!({"@type": "#Microsoft.Media.MediaGraphIoTHubMessageSource", "name": "door"});
    document["properties"]["sources"]
        .as_array_mut()
        .unwrap()
        .push(door);
    let topology = topology::write(&document, folder.path());
    let topology = topology.to_str().unwrap();
    let messages = folder.path().join("messages.jsonl");
    std::fs::write(
        &messages,
        "{\"time\": \"2026-11-20T12:00:09Z\", \"input\": \"door\", \"properties\": {\"eventTime\": \"2026-11-20T12:00:07Z\"}}\n",
    )
    .unwrap();
    let input = format!("camera={}", clip.display());
    let base = ["--input", &input, "--start", "2026-11-20T12:00:00Z"];
    let silent = replay(topology, folder.path(), &base);
    assert!(
        silent.named("RecordingStarted").is_empty(),
        "no messages come by themselves"
    );
    let arguments = [&base[..], &["--messages", messages.to_str().unwrap()]].concat();
    let replayed = replay(topology, folder.path(), &arguments);
    let started = replayed.named("RecordingStarted");
    assert_eq!(started.len(), 1, "{}", replayed.stdout);
    // The message is about second 7, the clip begins a second before, at a key frame; they are two seconds apart.
    assert_eq!(started[0].0["eventTime"], "2026-11-20T12:00:06.000Z");
    let stopped = replayed.named("RecordingStopped");
    let end = stopped[0].0["eventTime"].as_str().unwrap();
    assert!(end.starts_with("2026-11-20T12:00:08.9"), "{end}");
    assert_eq!(
        replayed.stdout,
        replay(topology, folder.path(), &arguments).stdout
    );
}
