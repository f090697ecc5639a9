//! The commands against a real host: what one of them says, another one sees.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::common::camera::Camera;
use super::common::process::{Process, until};
use super::common::{mediagraph as binary, repository};
use super::{Ran, command, ran, write};

/// A host may take this long to listen, on a machine that has other work.
const START: Duration = Duration::from_secs(60);
/// Anything that a running graph does by itself.
const SOON: Duration = Duration::from_secs(60);

const CLIP: &str = "tests/fixtures/clips/yard.mp4";
const TOPOLOGY: &str = "topologies/evr-motion-assets";

/// `mediagraph serve` on a free port; ends with its guard.
struct Host {
    process: Process,
    url: String,
    folder: tempfile::TempDir,
}

impl Host {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = binary();
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--log-format",
            "json",
            "--state-dir",
        ]);
        command.arg(folder.path().join("state")).args(more);
        let process = Process::start("the host", &mut command);
        let url = process.wait_stderr_for("address", START, |lines| {
            lines.iter().find_map(|line| address(line))
        });
        Self { process, url, folder }
    }

    fn ask(&self, arguments: &[&str]) -> Ran {
        let mut command = command(arguments);
        command.args(["--server", &self.url]);
        ran(command)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn address(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    Some(line["fields"]["url"].as_str()?.to_owned())
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_topology_becomes_an_instance_that_runs_and_goes_again() {
    let host = Host::start();
    let camera = Camera::ours(&repository(CLIP), &[]);
    let topology = text(&repository(TOPOLOGY));
    assert!(
        host.ask(&["topology", "set", &topology])
            .good()
            .starts_with("MotionToAssets: created\n")
    );
    let listed = host.ask(&["topology", "list"]).good();
    assert!(listed.contains("MotionToAssets      5  rtspUrl "), "{listed}");
    let secret = write(host.folder.path(), "password", "hunter2\n");
    let url = format!("rtspUrl={}", camera.url);
    let secret = format!("rtspPassword={secret}");
    let set = [
        "instance",
        "set",
        "yard",
        "--topology",
        "MotionToAssets",
        "-p",
        &url,
        "--param-file",
        &secret,
    ];
    assert!(host.ask(&set).good().starts_with("yard: created\n"));
    let got = host.ask(&["instance", "get", "yard"]);
    assert!(!got.out().contains("hunter2"));
    assert!(got.good().contains("-p rtspPassword  (not told)"));
    assert_eq!(
        host.ask(&["instance", "activate", "yard"]).good().lines().next(),
        Some("yard: active")
    );

    until("frames at the motion detector", SOON, || {
        let status = host.ask(&["instance", "status", "yard", "--json"]).json();
        let nodes = status["nodes"].as_array().unwrap().clone();
        let motion = nodes.into_iter().find(|node| node["node"] == "motion").unwrap();
        (motion["received"].as_u64().unwrap() > 0).then_some(())
    });
    let status = host.ask(&["instance", "status", "yard"]).good();
    assert!(status.starts_with("yard: Active since "), "{status}");
    assert!(
        status.contains("\ncamera    RtspSource                playing"),
        "{status}"
    );
    assert!(host.ask(&["health"]).good().starts_with("ok: "));
    let events = host.ask(&["events", "--instance", "yard"]).good();
    assert!(events.contains("MediaSessionEstablished"), "{events}");
    for line in events.lines() {
        let _: Value = serde_json::from_str(line).unwrap();
    }

    host.ask(&["topology", "delete", "MotionToAssets"]).bad(
        1,
        &[
            "cannot delete the topology `MotionToAssets`",
            "`yard`",
            "(409 GraphTopologyInUse)",
            "mediagraph instance list",
        ],
    );
    host.ask(&["instance", "delete", "yard"])
        .bad(1, &["mediagraph instance deactivate yard"]);
    host.ask(&set).bad(
        1,
        &[
            "cannot set the instance `yard`",
            "mediagraph instance deactivate yard",
        ],
    );
    assert_eq!(
        host.ask(&["instance", "deactivate", "yard"]).good(),
        "yard: inactive\n"
    );
    assert_eq!(
        host.ask(&["instance", "delete", "yard"]).good(),
        "yard: deleted\n"
    );
    assert_eq!(
        host.ask(&["instance", "delete", "yard"]).good(),
        "yard: was not there\n"
    );
    assert_eq!(
        host.ask(&["topology", "delete", "MotionToAssets"]).good(),
        "MotionToAssets: deleted\n"
    );
    assert_eq!(
        host.ask(&["topology", "list", "--json"]).json(),
        json!({"value": []})
    );
}

/// The first line of the log that says this.
fn logged(host: &Host, message: &str) -> Value {
    host.process.wait_stderr_for(message, SOON, |lines| {
        let lines = lines
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines
            .into_iter()
            .find(|line| line["fields"]["message"] == message)
    })
}

#[test]
fn log_lines_name_instance_and_node_also_after_the_level_was_changed() {
    // Quiet at first: who a line is about must be known to those that are asked for later.
    let host = Host::start_with(&["--log", "mediagraph::cli=info,mediagraph::nodes=info"]);
    let camera = Camera::ours(&repository(CLIP), &[]);
    host.ask(&["topology", "set", &text(&repository("topologies/cvr-asset"))])
        .good();
    let url = format!("rtspUrl={}", camera.url);
    host.ask(&[
        "instance",
        "set",
        "yard",
        "--topology",
        "ContinuousRecording",
        "-p",
        &url,
    ])
    .good();
    host.ask(&["instance", "activate", "yard"]).good();
    let plays = logged(&host, "The camera plays");
    assert_eq!(
        (&plays["span"]["instance"], &plays["span"]["node"]),
        (&json!("yard"), &json!("camera")),
        "{plays}"
    );
    assert_eq!(host.ask(&["log", "level", "debug"]).good(), "debug\n");
    until("a recording", SOON, || {
        let status = host.ask(&["instance", "status", "yard"]).good();
        status.contains("AssetSink   recording").then_some(())
    });
    host.ask(&["instance", "deactivate", "yard"]).good();
    let sealed = logged(&host, "A segment is complete");
    assert_eq!(
        (&sealed["span"]["instance"], &sealed["span"]["node"]),
        (&json!("yard"), &json!("recorder")),
        "{sealed}"
    );
    let stopped = logged(&host, "The graph has stopped");
    assert_eq!(stopped["span"]["instance"], "yard", "{stopped}");
}

#[test]
fn the_configuration_says_how_the_log_looks() {
    let folder = tempfile::tempdir().unwrap();
    let config = write(
        folder.path(),
        "mediagraph.toml",
        "[server]\nlisten = \"127.0.0.1:0\"\n[log]\nformat = \"json\"\n",
    );
    let mut command = binary();
    command.args(["serve", "--config", &config, "--state-dir"]);
    command.arg(folder.path().join("state"));
    let process = Process::start("the host", &mut command);
    process.wait_stderr_for("a line of JSON", START, |lines| {
        lines.iter().find_map(|line| address(line))
    });
}

#[test]
fn setting_the_same_again_says_that_nothing_changed() {
    let host = Host::start();
    let topology = text(&repository("topologies/cvr-asset"));
    for said in ["created", "unchanged"] {
        let out = host.ask(&["topology", "set", &topology]).good();
        assert!(
            out.starts_with(&format!("ContinuousRecording: {said}\n")),
            "{out}"
        );
    }
    let set = |url: &str| {
        let url = format!("rtspUrl={url}");
        let out = host.ask(&[
            "instance",
            "set",
            "yard",
            "--topology",
            "ContinuousRecording",
            "-p",
            &url,
        ]);
        out.good().lines().next().map(str::to_owned)
    };
    assert_eq!(set("rtsp://camera/1").as_deref(), Some("yard: created"));
    assert_eq!(set("rtsp://camera/1").as_deref(), Some("yard: unchanged"));
    assert_eq!(set("rtsp://camera/2").as_deref(), Some("yard: updated"));
}

#[test]
fn what_is_wrong_with_a_topology_is_told_as_by_validate() {
    let host = Host::start();
    let file = "tests/topology/five-mistakes.json";
    let told = host.ask(&["topology", "set", file]);
    let validated = super::mediagraph(&["validate", file]);
    // A refusal has no warnings.
    let mistakes = |text: &str| -> Vec<String> {
        let of_a_mistake = |line: &&str| line.contains(": error: ") || line.starts_with("  hint: ");
        text.lines().filter(of_a_mistake).map(str::to_owned).collect()
    };
    assert_eq!(mistakes(&told.err()), mistakes(&validated.err()));
    assert_eq!(mistakes(&told.err()).len(), 10);
    told.bad(78, &["cannot store the topology `FiveMistakes`"]);
}

#[test]
fn values_that_do_not_suit_are_told_by_flag() {
    let host = Host::start();
    host.ask(&["topology", "set", &text(&repository("topologies/cvr-asset"))])
        .good();
    let set = |topology: &str, more: &[&str]| {
        let mut arguments = vec!["instance", "set", "yard", "--topology", topology];
        arguments.extend(more);
        host.ask(&arguments)
    };
    set("ContinuousRecording", &[]).bad(78, &["`rtspUrl`"]);
    set(
        "ContinuousRecording",
        &["-p", "rtspUrl=rtsp://x", "-p", "bogus=1"],
    )
    .bad(78, &["at -p bogus"]);
    set("Continuous", &[]).bad(
        1,
        &[
            "at --topology (ResourceValidationError)",
            "mediagraph topology list",
        ],
    );
    host.ask(&["instance", "activate", "nobody"])
        .bad(1, &["(404 NotFound)", "mediagraph instance list"]);
    host.ask(&["instance", "status", "nobody"])
        .bad(1, &["(404 NotFound)", "mediagraph instance list"]);
    host.ask(&["topology", "get", "nobody"])
        .bad(1, &["(404 NotFound)", "mediagraph topology list"]);
}

#[test]
fn a_file_of_operations_runs_from_beginning_to_end_and_leaves_nothing() {
    let host = Host::start();
    let folder = host.path("topologies/motion/2.0");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(
        repository("topologies/motion-detection/topology.json"),
        folder.join("topology.json"),
    )
    .unwrap();
    let one = json!({"name": "Sample-Graph-1"});
    let wait = json!({"opName": "WaitForInput", "opParams": {"message": "Press Enter to continue"}});
    let operations = json!({"apiVersion": "2.0", "operations": [
        {"opName": "GraphTopologyList", "opParams": {}}, wait,
        {"opName": "GraphTopologySet", "opParams": {"topologyUrl": "https://example.invalid/motion/2.0/topology.json"}},
        {"opName": "GraphInstanceSet", "opParams": {"name": "Sample-Graph-1", "properties": {
            "topologyName": "MotionDetection", "description": "Sample graph description",
            "parameters": [{"name": "rtspUrl", "value": "rtsp://127.0.0.1:9/media/x.mkv"}]}}},
        {"opName": "GraphInstanceActivate", "opParams": one}, {"opName": "GraphInstanceList", "opParams": {}},
        {"opName": "GraphInstanceDeactivate", "opParams": one}, {"opName": "GraphInstanceDelete", "opParams": one},
        {"opName": "GraphTopologyDelete", "opParams": {"name": "MotionDetection"}},
        {"opName": "GraphTopologyList", "opParams": {}}, wait]});
    let file = write(host.folder.path(), "operations.json", &operations.to_string());
    let topologies = text(&host.path("topologies"));
    let out = host
        .ask(&["ops", &file, "--yes", "--topologies", &topologies])
        .good();
    let results: Vec<&str> = out.lines().map(|line| line[5..].trim_end()).collect();
    assert_eq!(
        results,
        [
            "GraphTopologyList        200  none",
            "GraphTopologySet         201  MotionDetection, new",
            "GraphInstanceSet         201  Sample-Graph-1, new",
            "GraphInstanceActivate    200  Sample-Graph-1",
            "GraphInstanceList        200  1: Sample-Graph-1",
            "GraphInstanceDeactivate  200  Sample-Graph-1",
            "GraphInstanceDelete      200  Sample-Graph-1",
            "GraphTopologyDelete      200  MotionDetection",
            "GraphTopologyList        200  none",
        ]
    );
    let again = host
        .ask(&["ops", &file, "--yes", "--topologies", &topologies, "--json"])
        .good();
    let statuses: Vec<Value> = again
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(statuses.len(), 9);
    assert!(statuses.iter().all(|one| one["status"].as_u64().unwrap() < 300));
}

#[test]
fn events_are_followed_and_filtered_and_the_log_and_the_hub_are_reached() {
    let host = Host::start();
    host.ask(&[
        "topology",
        "set",
        &text(&repository("topologies/motion-detection")),
    ])
    .good();
    let set = [
        "instance",
        "set",
        "yard",
        "--topology",
        "MotionDetection",
        "-p",
        "rtspUrl=rtsp://127.0.0.1:9/x",
    ];
    host.ask(&set).good();
    let arguments = [
        "events",
        "--follow",
        "--since",
        "0",
        "--type",
        "Microsoft.Media.Graph.Diagnostics",
        "--server",
        &host.url,
    ];
    let following = Process::start("the events", &mut command(&arguments));
    host.ask(&["instance", "activate", "yard"]).good();
    following.wait_stdout("a network error", SOON, |lines| {
        lines
            .iter()
            .any(|line| line.contains("Diagnostics.NetworkError"))
            .then_some(())
    });
    assert!(
        following
            .stdout()
            .iter()
            .all(|line| line.contains("Microsoft.Media.Graph.Diagnostics"))
    );
    let all = host.ask(&["events", "--since", "1h"]).good();
    assert!(all.contains("GraphInstanceStarted"), "{all}");
    assert_eq!(host.ask(&["events", "--instance", "other"]).good(), "");
    assert_eq!(host.ask(&["log", "level", "debug"]).good(), "debug\n");
    assert_eq!(host.ask(&["log", "level"]).good(), "debug\n");
    host.ask(&["hub", "send", "door"])
        .bad(1, &["nobody listens to the input `door`", "IoTHubMessageSource"]);
    assert!(host.ask(&["alarms", "--json"]).json()["value"].is_array());
    let status = host.ask(&["instance", "status", "yard"]).good();
    assert!(status.contains("last error of camera: "), "{status}");
}
