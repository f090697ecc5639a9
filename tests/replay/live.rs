//! A replay decides as the live graph did, where that dropped nothing.

use std::path::Path;

use serde_json::Value;

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Event, Graph, SOON, START, assets};
use crate::common::judge;
use crate::common::topology::beside_everything;
use crate::{MOTION_TO_ASSETS, replay};

const PARAMETERS: [(&str, &str); 3] = [
    ("minimumClip", "PT3S"),
    ("maximumClip", "PT10S"),
    ("preRoll", "-PT2S"),
];

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

#[test]
fn a_recorded_camera_gives_the_same_inferences_and_the_same_clips_again() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let topology = beside_everything(MOTION_TO_ASSETS, folder.path());
    let topology = topology.to_str().unwrap();
    let camera = Camera::ours(&yard(), &[]);
    let parameters = [&PARAMETERS[..], &[("rtspUrl", &*camera.url)]].concat();
    let graph = Graph::start(topology, &parameters, &state);
    graph.event("RecordingStarted", START);
    // The first movement is over, and its clip is as well.
    graph.wait("the end of a clip", 3 * SOON, |events| {
        let stopped = |event: &&Event| event.name() == "RecordingStopped" && event.node() == "recorder";
        events.iter().find(stopped).map(drop)
    });
    let live = graph.stop();
    for node in ["camera", "motion", "gate", "recorder", "assets"] {
        let dropped = live.totals(node).dropped;
        assert_eq!(
            dropped, 0,
            "`{node}` was too slow live, so that nothing can be compared"
        );
    }

    let again = folder.path().join("again");
    let mut arguments = vec![
        "--input".to_owned(),
        "camera=asset-run".to_owned(),
        "--state-dir".to_owned(),
        state.display().to_string(),
        "--record".to_owned(),
        again.display().to_string(),
        // The instance's name is what random numbers of components follow from.
        "--instance".to_owned(),
        "run".to_owned(),
    ];
    for (name, value) in PARAMETERS {
        arguments.extend(["-p".to_owned(), format!("{name}={value}")]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let replayed = replay(topology, folder.path(), &arguments);

    let (was, is) = (said(&live.named("Inference")), said(&replayed.named("Inference")));
    assert!(was.len() > 10, "{}", was.len());
    assert_eq!(was, is, "what the detector said");
    let (was, is) = (clips(&state), clips(&again));
    assert!(!was.is_empty());
    assert_eq!(was, is, "what the gate let through");
}
