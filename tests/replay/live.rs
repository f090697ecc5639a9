//! A replay decides as the live graph did, where that dropped nothing.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Event, Finished, Graph, SOON, START, assets};
use crate::common::judge;
use crate::common::topology;
use crate::replay;

/// So often it is tried to record live without a loss.
const LIVE_RUNS: u32 = 4;

/// Motion in five pictures a second, which a machine with other work to do can look at in time; clips of motion, and
/// everything beside.
fn topology(folder: &Path) -> String {
    let motion = json!({
        "@type": "#MediaGraph.ExtensionProcessor", "name": "motion",
        "inputs": [{"nodeName": "camera"}],
        "extension": {"name": "motion-detector"},
        "samplingOptions": {"maximumSamplesPerSecond": "5"},
    });
    let gate = json!({
        "@type": "#Microsoft.Media.MediaGraphSignalGateProcessor", "name": "gate",
        "inputs": [{"nodeName": "motion"}, {"nodeName": "camera"}],
        "activationEvaluationWindow": "PT1S", "activationSignalOffset": "-PT2S",
        "minimumActivationTime": "PT3S", "maximumActivationTime": "PT10S",
    });
    let mut clips = topology::asset_sink("gate");
    clips["name"] = "recorder".into();
    clips["assetNamePattern"] = "motion-${System.DateTime}".into();
    let processors = [motion, gate];
    let sinks = [
        clips,
        topology::asset_sink("camera"),
        topology::message_sink("motion"),
    ];
    let document = topology::document("2.0", &processors, &sinks);
    topology::write(&document, folder).to_str().unwrap().to_owned()
}

/// What was said of the media: when, by whom, and what.
fn said(events: &[&Event]) -> Vec<(String, Value, Value)> {
    let one = |event: &&Event| {
        (
            event.node().to_owned(),
            event.0["eventTime"].clone(),
            event.0["data"].clone(),
        )
    };
    events.iter().map(one).collect()
}

/// The assets whose names begin with `motion`, each as what stands in it.
fn clips(state: &Path) -> Vec<Vec<judge::Sample>> {
    let all = assets(state).into_iter();
    let own = all.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("motion"));
    own.map(|path| judge::check(&path).samples).collect()
}

/// A live run until the first movement is over, and its clip as well; and its state.
fn live(topology: &str, state: &Path) -> Finished {
    let camera = Camera::ours(&yard(), &[]);
    let graph = Graph::start(topology, &[("rtspUrl", &camera.url)], state);
    graph.event("RecordingStarted", START);
    graph.wait("the end of a clip", 3 * SOON, |events| {
        let stopped = |event: &&Event| event.name() == "RecordingStopped" && event.node() == "recorder";
        events.iter().find(stopped).map(drop)
    });
    graph.stop()
}

/// A live run in which nothing was dropped: a machine with much else to do may be too slow for one, and nothing can be compared with it.
fn undisturbed(topology: &str, folder: &Path) -> (PathBuf, Finished) {
    let mut slow = Vec::new();
    for attempt in 1..=LIVE_RUNS {
        let state = folder.join(format!("state-{attempt}"));
        let run = live(topology, &state);
        let dropped = |node: &&&str| run.totals(node).dropped > 0;
        match ["camera", "motion", "gate", "recorder", "assets"]
            .iter()
            .find(dropped)
        {
            None => return (state, run),
            Some(node) => slow.push(*node),
        }
    }
    panic!("in each of {LIVE_RUNS} live runs a node was too slow for this machine: {slow:?}");
}

#[test]
fn a_recorded_camera_gives_the_same_inferences_and_the_same_clips_again() {
    let folder = tempfile::tempdir().unwrap();
    let topology = topology(folder.path());
    let (state, live) = undisturbed(&topology, folder.path());
    let again = folder.path().join("again");
    let arguments = [
        "--input",
        "camera=asset-run",
        "--state-dir",
        state.to_str().unwrap(),
        "--record",
        again.to_str().unwrap(),
        // Random numbers of components follow from the instance's name.
        "--instance",
        "run",
    ];
    let replayed = replay(&topology, folder.path(), &arguments);

    let (was, is) = (said(&live.named("Inference")), said(&replayed.named("Inference")));
    assert!(was.len() > 5, "{}", was.len());
    assert_eq!(was, is, "what the detector said");
    let (was, is) = (clips(&state), clips(&again));
    assert!(!was.is_empty());
    assert_eq!(was, is, "what the gate let through");
}
