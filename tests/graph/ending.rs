//! How a graph ends: signals and exit codes.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Graph, START, command};
use crate::common::mediagraph;
use crate::{component, topology};

/// An address of this machine where nobody listens.
fn nowhere() -> String {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    format!("rtsp://127.0.0.1:{port}/media/clip.mp4")
}

#[test]
fn ctrl_c_ends_a_graph_whose_camera_cannot_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let graph = Graph::start("topologies/cvr-asset", &[("rtspUrl", &nowhere())], folder.path());
    graph.event("NetworkError", START);
    let finished = graph.stop();
    assert!(finished.ended.stderr.contains("Stopping: the graph drains"));
    assert_eq!(finished.named("RecordingStarted").len(), 0);
}

#[test]
fn sigterm_drains_as_ctrl_c_does() {
    let folder = tempfile::tempdir().unwrap();
    let graph = Graph::start("topologies/cvr-asset", &[("rtspUrl", &nowhere())], folder.path());
    graph.event("NetworkError", START);
    graph.process().signal("TERM");
    assert_eq!(graph.end().ended.status.code(), Some(0));
}

/// A topology with a component that sleeps for longer than any test lasts, and may.
fn sleeping(folder: &Path) -> std::path::PathBuf {
    let mut sleeper = component::detector().with_sleep();
    sleeper.act = format!("(call $sleep (i64.const 1000000000000)) {}", component::DETECT);
    let path = folder.join("sleeper.wasm");
    std::fs::write(&path, sleeper.bytes()).unwrap();
    let mut extension = topology::extension(&path, "camera");
    extension["limits"] = json!({"timeout": "PT25S"});
    topology::write(&topology::recording_beside(extension), folder)
}

#[test]
fn a_second_ctrl_c_quits_without_draining() {
    let folder = tempfile::tempdir().unwrap();
    let camera = Camera::ours(&yard(), &[]);
    let topology = sleeping(folder.path());
    let state = folder.path().join("state");
    let graph = Graph::start(topology.to_str().unwrap(), &[("rtspUrl", &camera.url)], &state);
    // By now the component has been given a frame, which it will not give back for a long time.
    graph.event("RecordingStarted", START);
    graph.process().signal("INT");
    graph.process().wait_stderr("Stopping: the graph drains", START);
    graph.process().signal("INT");
    let finished = graph.end();
    assert_eq!(finished.ended.status.code(), Some(130));
    assert!(
        finished
            .ended
            .stderr
            .contains("interrupted twice: quitting without draining")
    );
    assert!(!finished.ended.stderr.contains("Totals"), "it did drain");
}

/// Exit code and standard error of a command that ends by itself.
fn fails(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    assert!(
        output.stdout.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_state_directory_in_use_names_the_process_and_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let parameters = [("rtspUrl", nowhere())];
    let parameters = [("rtspUrl", parameters[0].1.as_str())];
    let graph = Graph::start("topologies/cvr-asset", &parameters, folder.path());
    graph.event("NetworkError", START);
    let (code, text) = fails(&mut command("topologies/cvr-asset", &parameters, folder.path()));
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains(&format!("process {}", graph.process().id())),
        "{text}"
    );
    assert!(
        text.contains("hint: choose another with `--state-dir DIR`"),
        "{text}"
    );
    graph.stop();
}

#[test]
fn the_exit_code_tells_failure_usage_and_a_bad_topology_apart() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let run = |topology: &str, parameters: &[(&str, &str)]| fails(&mut command(topology, parameters, &state));
    let (code, text) = run("no/such/topology.json", &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("cannot read the topology") && text.contains("no/such/topology.json"),
        "{text}"
    );
    let (code, text) = fails(mediagraph().args(["run", "x", "-p", "no-equals-sign"]));
    assert_eq!(code, Some(1), "the topology is read first: {text}");
    let (code, text) = fails(mediagraph().args(["run", "--no-such-flag"]));
    assert_eq!(code, Some(2), "{text}");
    let (code, text) = fails(command("topologies/cvr-asset", &[], &state).args(["-p", "no-equals-sign"]));
    assert_eq!(code, Some(2), "{text}");
    let (code, text) = run("topologies/cvr-asset", &[]);
    assert_eq!(code, Some(78), "{text}");
    assert!(text.contains("rtspUrl"), "{text}");
    let text_file = folder.path().join("topology.json");
    std::fs::write(&text_file, "not JSON").unwrap();
    let (code, text) = run(text_file.to_str().unwrap(), &[]);
    assert_eq!(code, Some(78), "{text}");
}
