//! `MediaGraphFrameRateFilterProcessor`: a component below it is given fewer frames.

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Graph, START};
use crate::{component, topology};

/// Frames a second.
const RATE: u64 = 2;

fn filtered(version: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("component.wasm");
    // Says something of every frame that it is given.
    std::fs::write(&path, component::detector().bytes()).unwrap();
    let processors = [
        topology::frame_rate_filter(RATE as f64, "camera"),
        topology::extension(&path, "fewer"),
    ];
    let document = topology::document(version, &processors, &[topology::message_sink("detector")]);
    let topology = topology::write(&document, folder.path());
    let camera = Camera::ours(&yard(), &[]);
    let state = folder.path().join("state");
    let graph = Graph::start(topology.to_str().unwrap(), &[("rtspUrl", &camera.url)], &state);
    graph.nth("Inference", 8, START);
    let finished = graph.stop();
    // At most one in each half second of the wall clock, whenever the graph was started.
    let cells: Vec<u64> = finished
        .inferences()
        .iter()
        .map(|at| at * RATE / 90_000)
        .collect();
    assert!(
        cells.windows(2).all(|pair| pair[0] < pair[1]),
        "{version}: {cells:?}"
    );
    // A busy machine may leave some out, but not most of them.
    let passed = cells[cells.len() - 1] - cells[0] + 1;
    assert!(2 * cells.len() as u64 >= passed, "{version}: {cells:?}");
}

#[test]
fn a_filter_of_1_0_gives_at_most_so_many_frames_a_second() {
    filtered("1.0");
}

#[test]
fn a_filter_in_a_topology_of_2_0_gives_at_most_so_many_frames_a_second() {
    filtered("2.0");
}
