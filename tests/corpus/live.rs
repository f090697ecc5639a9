//! Microsoft's own topologies for Live Video Analytics, unchanged, against a live camera: each delivers what it is for.

use std::path::PathBuf;

use crate::common::camera::Camera;
use crate::common::graph::{Graph, SOON, START, assets, files};
use crate::common::judge;

/// About two seconds of the clip.
const TWO_SECONDS: u64 = 100_000;

/// Runs a topology until it has recorded something; gives the recordings that are left.
fn run(topology: &str) -> Vec<PathBuf> {
    let camera = Camera::ours(&crate::corpus().join("media/parking-lot-cars.mp4"), &[]);
    let state = tempfile::tempdir().unwrap().keep();
    let path = crate::corpus().join("lva/topologies").join(topology);
    let graph = Graph::start(path.to_str().unwrap(), &[("rtspUrl", &camera.url)], &state);
    graph.event("RecordingStarted", START + SOON);
    graph.recorded(TWO_SECONDS);
    let finished = graph.stop();
    assert_eq!(
        finished.named("RecordingStopped").len(),
        finished.named("RecordingStarted").len()
    );
    let mut left = assets(&state);
    left.extend(files(&state, "/var/media"));
    for recording in &left {
        judge::judged(recording);
    }
    std::fs::remove_dir_all(&state).unwrap();
    left
}

fn delivers(name: &str, what: &str) {
    for version in ["1.0", "2.0"] {
        let left = run(&format!("{version}/{name}.json"));
        assert!(!left.is_empty(), "{version}/{name}");
        let of_kind =
            |path: &PathBuf| path.extension().is_some_and(|extension| extension == "mp4") == (what == "file");
        assert!(left.iter().all(of_kind), "{version}/{name}: {left:?}");
    }
}

#[test]
fn continuous_recording_to_an_asset_runs_unchanged() {
    delivers("cvr-asset", "asset");
}

#[test]
fn motion_to_assets_runs_unchanged() {
    delivers("evr-motion-assets", "asset");
}

#[test]
fn motion_to_files_runs_unchanged() {
    delivers("evr-motion-files", "file");
}
