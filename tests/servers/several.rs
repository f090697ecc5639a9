//! Several extensions in one graph, the frames that each is given, and a gate that one of them opens.

use serde_json::{Value, json};

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{START, assets};
use crate::common::judge;
use crate::server::{Server, Still, http, lva, sink, start};

fn behind(mut node: Value, parent: &str, sampling: Value) -> Value {
    node["inputs"] = json!([{"nodeName": parent}]);
    node["samplingOptions"] = sampling;
    node
}

#[test]
fn chained_extensions_are_given_what_their_sampling_options_say() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let server = Server::http(&[]);
    let at = |name: &str, path: &str| http(name, &format!("{}/{path}", server.url));
    let annotated = || json!({"skipSamplesWithoutAnnotation": "true"});
    let nodes = [
        behind(
            at("first", "entity"),
            "camera",
            json!({"maximumSamplesPerSecond": "2"}),
        ),
        behind(at("second", "text"), "first", annotated()),
        behind(at("silent", "nothing"), "camera", json!({})),
        behind(at("never", "empty"), "silent", annotated()),
    ];
    let graph = start(&nodes, &[], &still.camera, folder.path());
    let requests = server.wait("entity", 8);
    let at = |index: usize| requests[index]["at"].as_f64().unwrap();
    // From the third on, when the graph has got into its stride.
    assert!(at(7) - at(2) > 2.0, "5 requests within {} s", at(7) - at(2));
    server.wait("text", 5);
    server.wait("nothing", 10);
    let finished = graph.stop();
    assert!(
        server.requests("empty").is_empty(),
        "nobody annotated these frames"
    );
    // A sink tells what the node says that it stands behind, at the time of the frame.
    let times = |node: &str| {
        let named = finished
            .named("Inference")
            .into_iter()
            .filter(|event| event.node() == node);
        named.map(crate::common::graph::Event::ticks).collect::<Vec<_>>()
    };
    let (first, second) = (times("first"), times("second"));
    assert!(
        !second.is_empty() && second.iter().all(|time| first.contains(time)),
        "{first:?} {second:?}"
    );
    let of_second = finished
        .named("Inference")
        .into_iter()
        .find(|event| event.node() == "second");
    assert_eq!(of_second.unwrap().data("inferences").as_array().unwrap().len(), 1);
}

#[test]
fn an_extension_behind_motion_is_asked_of_moving_frames_and_opens_a_gate() {
    let folder = tempfile::tempdir().unwrap();
    let camera = Camera::ours(&yard(), &[]);
    let server = Server::http(&[]);
    let motion = json!({"@type": lva("MotionDetectionProcessor"), "name": "motion", "sensitivity": "medium",
        "inputs": [{"nodeName": "camera"}]});
    let annotated = json!({"skipSamplesWithoutAnnotation": "true"});
    let look = behind(
        http("look", &format!("{}/entity", server.url)),
        "motion",
        annotated,
    );
    let gate = json!({"@type": lva("SignalGateProcessor"), "name": "gate", "activationEvaluationWindow": "PT1S",
        "activationSignalOffset": "-PT1S", "minimumActivationTime": "PT3S", "maximumActivationTime": "PT6S",
        "inputs": [{"nodeName": "look"}, {"nodeName": "camera"}]});
    let clips = json!({"@type": lva("AssetSink"), "name": "clips", "assetNamePattern": "clip-${System.DateTime}",
        "segmentLength": "PT30S", "localMediaCachePath": "/var/lib/cache", "localMediaCacheMaximumSizeMiB": "200",
        "inputs": [{"nodeName": "gate"}]});
    let nodes = [motion, look, gate];
    let document = crate::common::topology::document("2.0", &nodes, &[clips, sink("look")]);
    let path = crate::common::topology::write(&document, folder.path());
    let state = folder.path().join("state");
    let graph =
        crate::common::graph::Graph::start(path.to_str().unwrap(), &[("rtspUrl", &camera.url)], &state);
    graph.event("Inference", START);
    graph.event("RecordingStopped", START);
    let finished = graph.stop();
    assert!(
        finished
            .named("Inference")
            .iter()
            .all(|event| event.node() == "look")
    );
    let clip = judge::judged(&assets(&state)[0]);
    assert!((2.0..10.0).contains(&clip.seconds()), "{} s", clip.seconds());
    // Before something moved, nothing was asked.
    let asked = server.requests("entity").len();
    let frames = finished.totals("motion").received;
    assert!(asked > 0 && asked < frames / 2, "{asked} of {frames}");
}
