//! Processor components at work: what stands behind what, and what comes out at the end.

use std::path::Path;

use serde_json::{Value, json};

use crate::common::camera::Camera;
use crate::common::clip::{cut, yard};
use crate::common::graph::{Event, Graph, SOON, START, command, files};
use crate::common::topology;

/// The red car crosses the picture from right to left after five seconds of this.
fn red_car(folder: &Path) -> std::path::PathBuf {
    cut(&yard(), 16, 12, &folder.join("clip.mp4"))
}

fn inferences(event: &Event) -> &[Value] {
    event.data("inferences").as_array().unwrap()
}

fn of_node<'a>(events: &'a [Event], node: &str) -> Vec<&'a Event> {
    let said = events.iter().filter(|event| event.name() == "Inference");
    said.filter(|event| event.node() == node).collect()
}

#[test]
fn a_car_that_crosses_the_line_is_counted_as_video_analyzer_counted_it() {
    let folder = tempfile::tempdir().unwrap();
    let camera = Camera::ours(&red_car(folder.path()), &["--loops", "1"]);
    let state = folder.path().join("state");
    let parameters = [("rtspUrl", camera.url.as_str()), ("lineName", "fence")];
    let graph = Graph::start("topologies/line-crossing-count", &parameters, &state);
    let crossing = graph.wait("the crossing", START, |events| {
        of_node(events, "line").first().map(|event| (*event).clone())
    });
    let finished = graph.stop();
    assert_eq!(of_node(&finished.events, "line").len(), 1);
    let [inference] = inferences(&crossing) else {
        panic!("{}", crossing.0);
    };
    assert_eq!(
        (&inference["type"], &inference["subtype"]),
        (&json!("event"), &json!("lineCrossing"))
    );
    assert_eq!(inference["event"]["name"], "fence");
    let expected = json!({
        "total": "1", "clockwiseTotal": "1", "counterclockwiseTotal": "0", "direction": "clockwise",
    });
    assert_eq!(inference["event"]["properties"], expected);
    let ids = [&inference["sequenceId"], &inference["relatedInferences"][0]];
    assert!(
        ids.iter().all(|id| id.as_str().is_some_and(|id| !id.is_empty())),
        "{inference}"
    );
}

/// Motion, followed, in a zone that is all of the picture, which opens a gate.
fn loitering(threshold: &str) -> Value {
    let from = |nodes: &[&str]| -> Value { nodes.iter().map(|node| json!({"nodeName": node})).collect() };
    let processor = |name: &str, component: &str, config: Value, inputs: &[&str]| {
        json!({
            "@type": "#MediaGraph.ExtensionProcessor",
            "name": name,
            "extension": {"name": component},
            "config": config,
            "inputs": from(inputs),
        })
    };
    let all = json!({"name": "all", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]});
    let dwell = json!({"zones": [all], "threshold": threshold, "events": ["dwell", "exit"]});
    let gate = json!({
        "@type": "#MediaGraph.GateProcessor",
        "name": "gate",
        "extension": {"name": "label-gate"},
        "config": {"startEvents": ["zoneDwell"], "activationSignalOffset": "-PT1S", "minimumActivationTime": "PT2S"},
        "inputs": from(&["dwell", "camera"]),
    });
    let sink = json!({
        "@type": "#Microsoft.Media.MediaGraphFileSink",
        "name": "clips",
        "baseDirectoryPath": "/var/media",
        "fileNamePattern": "clip-${System.DateTime}",
        "maximumSizeMiB": "100",
        "inputs": from(&["gate"]),
    });
    topology::document(
        "2.0",
        &[
            processor("motion", "motion-detector", json!({}), &["camera"]),
            processor("tracker", "object-tracker", json!({}), &["motion"]),
            processor("dwell", "zone-dwell", dwell, &["tracker"]),
            gate,
        ],
        &[topology::message_sink("dwell"), sink],
    )
}

#[test]
fn a_stay_opens_a_gate_and_its_end_is_told_when_media_time_has_passed() {
    let folder = tempfile::tempdir().unwrap();
    let topology = topology::write(&loitering("PT1S"), folder.path());
    let camera = Camera::ours(&red_car(folder.path()), &["--loops", "1"]);
    let state = folder.path().join("state");
    let parameters = [("rtspUrl", camera.url.as_str())];
    let graph = Graph::start(topology.to_str().unwrap(), &parameters, &state);
    // Nothing moves any more when the car has left: only the passing of time brings this.
    let exit = graph.wait("the end of the stay", START, |events| {
        let said = of_node(events, "dwell").into_iter().cloned();
        said.into_iter()
            .find(|event| inferences(event).iter().any(|one| one["subtype"] == "zoneExit"))
    });
    graph.nth("RecordingStopped", 1, SOON);
    let finished = graph.stop();
    let dwells = of_node(&finished.events, "dwell");
    let dwell = dwells
        .iter()
        .find(|event| inferences(event)[0]["subtype"] == "zoneDwell")
        .unwrap();
    assert!(dwell.ticks() < exit.ticks());
    let stayed: f64 = inferences(&exit)[0]["event"]["properties"]["dwellSeconds"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1.0..4.5).contains(&stayed), "{stayed}");
    assert_eq!(files(&state, "/var/media").len(), 1);
}

fn refusal(processors: &[Value]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let document = topology::document("2.0", processors, &[topology::message_sink("last")]);
    let topology = topology::write(&document, folder.path());
    let parameters = [("rtspUrl", "rtsp://127.0.0.1:9/never")];
    let output = command(topology.to_str().unwrap(), &parameters, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{text}");
    text
}

fn node(name: &str, component: &str, input: &str, more: Value) -> Value {
    let mut node = json!({
        "@type": "#MediaGraph.ExtensionProcessor",
        "name": name,
        "extension": {"name": component},
        "inputs": [{"nodeName": input}],
    });
    node.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    node
}

#[test]
fn a_processor_behind_nobody_who_says_anything_is_refused() {
    let text = refusal(&[node("last", "object-tracker", "camera", json!({}))]);
    assert!(
        text.contains("node `last`") && text.contains("is given what detectors say"),
        "{text}"
    );
    assert!(text.contains("hint: "), "{text}");
}

#[test]
fn a_detector_behind_a_processor_is_refused_with_what_to_do() {
    let text = refusal(&[
        node("motion", "motion-detector", "camera", json!({})),
        node("tracker", "object-tracker", "motion", json!({})),
        node("last", "motion-detector", "tracker", json!({})),
    ]);
    assert!(text.contains("node `last`: looks at frames"), "{text}");
}

#[test]
fn what_only_detectors_can_use_is_refused_at_a_processor() {
    let more = json!({"samplingOptions": {"maximumSamplesPerSecond": "5"}});
    let text = refusal(&[
        node("motion", "motion-detector", "camera", json!({})),
        node("last", "object-tracker", "motion", more),
    ]);
    assert!(text.contains("leave `samplingOptions` out"), "{text}");
}

#[test]
fn the_configuration_of_a_component_is_checked_against_its_schema() {
    let zone = json!({"config": {"zones": [{"name": "a", "polygon": [[0, 0], [2, 0], [0, 1]]}]}});
    let text = refusal(&[
        node("motion", "motion-detector", "camera", json!({})),
        node("last", "zone-dwell", "motion", zone),
    ]);
    assert!(text.contains("`/config/zones/0/polygon/1/0`"), "{text}");
}
