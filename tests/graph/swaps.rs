//! Other versions of components, put into graphs that run: by replacing a file that is watched, and by name.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Event, Finished, Graph, SOON, START};
use crate::common::host::Host;
use crate::common::process::until;
use crate::common::{mediagraph, run, topology};
use crate::component::{self, DETECT, Fixture};

/// How often a component is exchanged under load. `cargo xtask measure hot-swap` does it 200 times.
const SWAPS: usize = 25;

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A detector whose box begins at `left` sixteenths.
fn version(left: u8) -> Fixture {
    let mut fixture = component::detector();
    let at = f32::from(left) / 16.0;
    fixture.act = format!("(f32.store (i32.const 2568) (f32.const {at})) {DETECT}");
    fixture.schema = r#"{"type": "object"}"#.into();
    fixture
}

/// A version that cannot be made.
fn unfit() -> Vec<u8> {
    let mut fixture = version(15);
    fixture.constructor = "unreachable".into();
    fixture.bytes()
}

/// As a careful deployment does it: written beside, then renamed.
fn replace(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes).unwrap();
    std::fs::rename(beside, path).unwrap();
}

/// Where the box of an inference begins, in sixteenths.
fn left(event: &Event) -> u8 {
    let area = &event.data("inferences")[0]["motion"]["box"]["l"];
    (area.as_f64().unwrap_or_else(|| panic!("{}", event.0)) * 16.0) as u8
}

fn watched(path: &Path, folder: &Path) -> PathBuf {
    let mut extension = topology::extension(path, "camera");
    extension["extension"] = json!({"path": path, "watch": true});
    extension["limits"] = json!({"memoryMiB": 16, "timeout": "PT0.3S"});
    topology::write(&topology::recording_beside(extension), folder)
}

fn nth_loaded(graph: &Graph, n: usize) -> Event {
    graph.nth("ExtensionLoaded", n, START)
}

#[test]
fn a_file_that_is_watched_is_put_in_when_it_is_replaced_and_says_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("component.wasm");
    let (first, second) = (version(4).bytes(), version(5).bytes());
    replace(&path, &first);
    let topology = watched(&path, folder.path());
    let camera = Camera::ours(&yard(), &[]);
    let state = folder.path().join("state");
    let parameters = [("rtspUrl", camera.url.as_str())];
    let graph = Graph::start(topology.to_str().unwrap(), &parameters, &state);
    let loaded = nth_loaded(&graph, 1);
    assert_eq!(
        (loaded.text("sha256"), loaded.node(), loaded.text("version")),
        (sha256(&first).as_str(), "detector", "1.2.3")
    );
    assert_eq!(left(&graph.event("Inference", START)), 4);
    replace(&path, &second);
    let loaded = nth_loaded(&graph, 2);
    assert_eq!(
        (loaded.text("sha256"), loaded.text("previous")),
        (sha256(&second).as_str(), sha256(&first).as_str())
    );
    graph.wait("a word of the second version", SOON, |events| {
        let mut inferences = events.iter().filter(|event| event.name() == "Inference");
        inferences.any(|event| left(event) == 5).then_some(())
    });
    // What does not start, is no component, or is gone for a while changes nothing.
    for (bytes, why) in [
        (unfit(), "crashed"),
        (b"no component".to_vec(), "expected a WebAssembly component"),
    ] {
        let before = graph.wait("refusals so far", SOON, |events| {
            Some(count(events, "ExtensionRefused"))
        });
        replace(&path, &bytes);
        let refused = graph.nth("ExtensionRefused", before + 1, START);
        assert!(
            refused.text("message").contains(why),
            "{why}: {}",
            refused.text("message")
        );
        assert_eq!(refused.text("running"), sha256(&second));
    }
    std::fs::remove_file(&path).unwrap();
    let seen = graph.wait("inferences so far", SOON, |events| {
        Some(count(events, "Inference"))
    });
    let word = graph.nth("Inference", seen + 10, SOON);
    assert_eq!(left(&word), 5);
    replace(&path, &first);
    assert_eq!(nth_loaded(&graph, 3).text("sha256"), sha256(&first));
    let finished = graph.stop();
    assert!(finished.named("ExtensionDown").is_empty());
    nothing_lost(&finished);
}

fn count(events: &[Event], name: &str) -> usize {
    events.iter().filter(|event| event.name() == name).count()
}

/// Swaps cost the recording nothing, and the detector no frame that it was given.
fn nothing_lost(finished: &Finished) {
    let (source, sink) = (finished.totals("camera"), finished.totals("assets"));
    assert_eq!(sink.received, source.received);
    let detector = finished.totals("detector");
    assert_eq!(detector.received, finished.named("Inference").len());
}

#[test]
fn a_pin_and_a_watch_contradict_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("component.wasm");
    let mut extension = topology::extension(&path, "camera");
    extension["extension"] = json!({"path": path, "watch": true, "sha256": "0".repeat(64)});
    let topology = topology::write(&topology::recording_beside(extension), folder.path());
    let output = mediagraph().arg("validate").arg(topology).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("allows one version only"), "{text}");
}

/// `serve` with an active instance whose detector is what the name `look` points to.
struct Named {
    host: Host,
    _camera: Camera,
    folder: tempfile::TempDir,
}

fn extension(arguments: &[&str]) -> std::process::Command {
    let mut command = mediagraph();
    command.arg("extension").args(arguments);
    command
}

impl Named {
    fn start(first: &[u8], changes: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::start(&folder.path().join("state"));
        let camera = Camera::ours(&yard(), &[]);
        let named = Self {
            host,
            _camera: camera,
            folder,
        };
        named.set(first, &[]).unwrap();
        let mut node = topology::extension(Path::new(""), "camera");
        node["extension"] = json!({"name": "look"});
        node["limits"] = json!({"memoryMiB": 16, "timeout": "PT0.3S"});
        for (name, value) in changes.as_object().into_iter().flatten() {
            node[name] = value.clone();
        }
        let mut document = topology::recording_beside(node);
        document["name"] = "t".into();
        named
            .host
            .method("GraphTopologySet", &document.to_string())
            .with(201);
        let values = [("rtspUrl".to_owned(), named._camera.url.clone())];
        named.host.set_instance("i", "t", &values).with(201);
        named.host.named("GraphInstanceActivate", "i").with(200);
        named
    }

    /// `extension set look FILE`: what it says, or why not.
    fn set(&self, bytes: &[u8], more: &[&str]) -> Result<String, String> {
        let file = self.folder.path().join("sent.wasm");
        std::fs::write(&file, bytes).unwrap();
        let mut command = extension(&["set", "look", file.to_str().unwrap()]);
        let output = command
            .args(more)
            .args(["--server", &self.host.url()])
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if output.status.success() {
            Ok(text(output.stdout))
        } else {
            Err(text(output.stderr))
        }
    }

    fn detector(&self) -> Value {
        let request = crate::common::host::wire::Request::get("/api/GraphInstance/i/status");
        let status = self.host.send(&request).json();
        let nodes = status["nodes"].as_array().unwrap();
        nodes
            .iter()
            .find(|node| node["node"] == "detector")
            .unwrap()
            .clone()
    }

    fn answered(&self) -> u64 {
        self.detector()["processed"].as_u64().unwrap()
    }
}

#[test]
fn a_name_is_set_while_a_graph_runs_and_again_and_again_without_a_lost_frame() {
    let versions = [version(1).bytes(), version(2).bytes()];
    let named = Named::start(&versions[0], &json!({}));
    let events = named.host.events("");
    until("a first answer", START, || (named.answered() > 0).then_some(()));
    for round in 1..=SWAPS {
        let told = named.set(&versions[round % 2], &[]).unwrap();
        assert!(told.contains("taken over by i/detector"), "{told}");
        let before = named.answered();
        until("an answer of the new version", SOON, || {
            (named.answered() > before).then_some(())
        });
    }
    let loaded = events.wait("i", "ExtensionLoaded", SWAPS + 1, SOON);
    for (round, event) in loaded.iter().enumerate() {
        assert_eq!(event.text("sha256"), sha256(&versions[round % 2]), "{round}");
    }
    let detector = named.detector();
    let number = |name: &str| detector[name].as_u64().unwrap();
    assert_eq!(detector["state"], "running");
    assert!(number("received") - number("processed") <= 1, "{detector:#}");
    assert_eq!(number("errors"), 0, "{detector:#}");

    let list = run(extension(&["list", "--server", &named.host.url()]).arg("--json"));
    let list: Value = serde_json::from_str(&list).unwrap();
    let look = list
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "look")
        .unwrap();
    assert_eq!(look["sha256"], sha256(&versions[SWAPS % 2]));
    assert_eq!(look["usedBy"], json!(["i/detector"]));
    let output = extension(&["remove", "look", "--server", &named.host.url()])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("is in use: i/detector"), "{text}");
    // It is there after a restart, too: the instance activates again, with the version that was set last.
    let state = named.folder.path().join("state");
    let files = |kind: &str| {
        let all = std::fs::read_dir(state.join("components")).unwrap();
        let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(kind)).count()
    };
    assert_eq!((files(".wasm"), files(".cwasm")), (1, 1));
    named.host.stop();
    let host = Host::start(&state);
    let active = || (host.state("i") == "Active").then_some(());
    until("the instance is active again", START, active);
    let events = host.events("");
    let last = events
        .wait("i", "ExtensionLoaded", SWAPS + 2, SOON)
        .pop()
        .unwrap();
    assert_eq!(last.text("sha256"), sha256(&versions[SWAPS % 2]));
}

#[test]
fn a_version_that_a_node_cannot_use_is_refused_as_a_whole() {
    let first = version(1).bytes();
    let named = Named::start(&first, &json!({"config": {"level": 3}}));
    let events = named.host.events("");
    until("a first answer", START, || (named.answered() > 0).then_some(()));
    let mut picky = version(2);
    picky.schema = r#"{"type": "object", "additionalProperties": false}"#.into();
    for (bytes, why) in [
        (b"no component".to_vec(), "expected a WebAssembly component"),
        (unfit(), "node `i/detector`: it does not start"),
        (
            picky.bytes(),
            "the configuration of the node does not suit `test`",
        ),
        (
            component::gate().bytes(),
            "`test` is a gate, and this node runs a detector",
        ),
    ] {
        let text = named.set(&bytes, &[]).unwrap_err();
        assert!(text.contains(why), "{why}: {text}");
    }
    events.wait("i", "ExtensionRefused", 4, SOON);
    let wrong = "0".repeat(64);
    let text = named.set(&version(3).bytes(), &["--sha256", &wrong]).unwrap_err();
    assert!(text.contains("wanted is 000"), "{text}");
    let before = named.answered();
    until("the version before goes on", SOON, || {
        (named.answered() > before + 5).then_some(())
    });
    assert_eq!(events.of("i", "ExtensionLoaded").len(), 1);
    let list = run(extension(&["list", "--server", &named.host.url()]).arg("--json"));
    assert!(list.contains(&sha256(&first)), "{list}");
}

#[test]
fn a_component_that_is_down_runs_again_with_another_version() {
    let mut crashing = version(1);
    crashing.constructor = "unreachable".into();
    // Down from the start: eight failures with back-off take two minutes. It is enough to see it wait here.
    let named = Named::start(&crashing.bytes(), &json!({}));
    let events = named.host.events("");
    events.wait("i", "ExtensionDown", 1, START);
    assert_eq!(named.detector()["state"], "restarting");
    named.set(&version(2).bytes(), &[]).unwrap();
    until("answers", SOON, || (named.answered() > 0).then_some(()));
    assert_eq!(named.detector()["state"], "running");
    // It answers before the stream of events has brought that it was loaded.
    assert_eq!(events.wait("i", "ExtensionLoaded", 2, SOON).len(), 2);
}

#[test]
fn without_a_host_components_are_installed_into_the_state_directory() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let (file, at) = (folder.path().join("one.wasm"), state.to_str().unwrap().to_owned());
    std::fs::write(&file, version(4).bytes()).unwrap();
    let file = file.to_str().unwrap();
    let output = extension(&["set", "look", file, "--state-dir", &at])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("there is no state directory"), "{text}");
    Host::start(&state).stop();
    let told = run(&mut extension(&["set", "look", file, "--state-dir", &at]));
    assert!(
        told.contains("`look` is detector 1.2.3") && told.contains(&sha256(&version(4).bytes())),
        "{told}"
    );
    let output = extension(&["set", "Look", file, "--state-dir", &at])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("`Look` is not a name for a component"), "{text}");
    let list = run(&mut extension(&["list", "--state-dir", &at]));
    assert!(
        list.lines()
            .any(|line| line.starts_with("look ") && line.contains("installed")),
        "{list}"
    );
    assert!(list.contains("motion-detector"), "{list}");

    let host = Host::start(&state);
    let output = extension(&["list", "--state-dir", &at]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("leave `--state-dir` out"), "{text}");
    let online = run(&mut extension(&["list", "--server", &host.url()]));
    assert_eq!(online, list);
    host.stop();

    // `run` finds it, too.
    let camera = Camera::ours(&yard(), &[]);
    let mut node = topology::extension(Path::new(""), "camera");
    node["extension"] = json!({"name": "look"});
    let path = topology::write(&topology::recording_beside(node), folder.path());
    let graph = Graph::start(path.to_str().unwrap(), &[("rtspUrl", &camera.url)], &state);
    assert_eq!(left(&graph.event("Inference", START)), 4);
    graph.stop();

    run(&mut extension(&["remove", "look", "--state-dir", &at]));
    let output = extension(&["remove", "look", "--state-dir", &at])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let left_over = std::fs::read_dir(state.join("components")).unwrap();
    let names: Vec<_> = left_over
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.is_empty(), "{names:?}");
}
