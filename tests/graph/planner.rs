//! What is decoded, for whom, and how often: as `instance status` counts it on a host that runs, and as `graph --plan`
//! says it before.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::Graph;
use crate::common::host::Host;
use crate::common::process::until;
use crate::common::{mediagraph, repository, run, topology};
use crate::component;

/// Three groups of pictures must suit, and components are compiled first.
const SETTLED: Duration = Duration::from_secs(60);
const CAMERA: &str = "camera";

/// A detector below `node`, with what it asks for.
fn detector(name: &str, node: &str, path: &Path, members: &Value) -> Value {
    let mut detector = topology::extension(path, node);
    detector["name"] = name.into();
    for (member, value) in members.as_object().unwrap() {
        detector[member] = value.clone();
    }
    detector
}

fn sampled(rate: &str) -> Value {
    json!({"samplingOptions": {"maximumSamplesPerSecond": rate}})
}

/// A host with one instance of a topology whose detectors say of each frame that something moves.
struct Running {
    host: Host,
    _camera: Camera,
    _folder: TempDir,
}

impl Running {
    fn start(clip: &Path, processors: impl FnOnce(&Path) -> Vec<Value>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wasm = folder.path().join("component.wasm");
        std::fs::write(&wasm, component::detector().bytes()).unwrap();
        let document = topology::document("2.0", &processors(&wasm), &[topology::asset_sink(CAMERA)]);
        let camera = Camera::ours(clip, &[]);
        let host = Host::loading_from(&folder.path().join("state"), folder.path());
        host.method("GraphTopologySet", &document.to_string()).with(201);
        host.set_instance("i", "Test", &[("rtspUrl".to_owned(), camera.url.clone())])
            .with(201);
        host.named("GraphInstanceActivate", "i").with(200);
        Self {
            host,
            _camera: camera,
            _folder: folder,
        }
    }

    /// What a node counts now.
    fn node(&self, name: &str) -> Value {
        let mut command = mediagraph();
        command.args(["instance", "status", "i", "--json", "--server", &self.host.url()]);
        let status: Value = serde_json::from_str(&run(&mut command)).unwrap();
        let nodes = status["nodes"].as_array().unwrap();
        nodes.iter().find(|node| node["node"] == name).cloned().unwrap()
    }

    fn count(&self, node: &str, member: &str) -> u64 {
        self.node(node)[member].as_u64().unwrap()
    }

    fn settled(&self, mode: &str) {
        until(&format!("decoding {mode}"), SETTLED, || {
            (self.node(CAMERA)["decoding"] == mode).then_some(())
        });
    }

    /// Waits until so many more pictures have come from the camera. Gives how much more the counters of nodes say then.
    fn over(&self, pictures: u64, counters: &[(&str, &str)]) -> Vec<u64> {
        let now = || -> Vec<u64> {
            let counters = counters.iter();
            counters.map(|(node, member)| self.count(node, member)).collect()
        };
        let (first, before) = (self.count(CAMERA, "received"), now());
        until(&format!("{pictures} pictures more"), SETTLED, || {
            (self.count(CAMERA, "received") >= first + pictures).then_some(())
        });
        now()
            .iter()
            .zip(before)
            .map(|(now, before)| now - before)
            .collect()
    }
}

#[test]
fn keyframes_alone_are_decoded_where_they_suffice_and_each_detector_gets_its_share() {
    let running = Running::start(&yard(), |wasm| {
        vec![
            detector("slow", CAMERA, wasm, &sampled("0.5")),
            detector("slower", CAMERA, wasm, &sampled("0.2")),
        ]
    });
    running.settled("keyframes");
    // The clip has sound, too: 1,000 units are about 15 s; keyframes come every 2 s.
    let over = running.over(
        1_000,
        &[
            (CAMERA, "processed"),
            (CAMERA, "skipped"),
            ("slow", "processed"),
            ("slower", "processed"),
        ],
    );
    let [decoded, skipped, slow, slower] = over[..] else {
        panic!()
    };
    assert!((5..=20).contains(&decoded), "{over:?}");
    assert!(skipped >= 20 * decoded, "{over:?}");
    assert!(slow >= 4 && slow <= decoded + 1, "{over:?}");
    assert!(slower >= 1 && slower < slow, "{over:?}");
    running.host.stop();
}

#[test]
fn detectors_that_ask_alike_share_one_decoder_and_one_scaling() {
    let running = Running::start(&yard(), |wasm| {
        ["one", "two", "three"]
            .map(|name| detector(name, CAMERA, wasm, &sampled("5")))
            .to_vec()
    });
    running.settled("due");
    until("frames for all", SETTLED, || {
        ["one", "two", "three"]
            .iter()
            .all(|name| running.count(name, "processed") >= 20)
            .then_some(())
    });
    let scaled: u64 = ["one", "two", "three"]
        .iter()
        .map(|name| running.count(name, "scaled"))
        .sum();
    let decoded = running.count(CAMERA, "processed");
    let seen: Vec<u64> = ["one", "two", "three"]
        .iter()
        .map(|name| running.count(name, "processed"))
        .collect();
    // Each picture once, whoever comes first; a busy machine may leave out another one for each.
    assert!(2 * scaled <= seen.iter().sum(), "{scaled} scaled, {seen:?} seen");
    assert!(
        decoded <= running.count(CAMERA, "received"),
        "one decoder, not three"
    );
    running.host.stop();
}

#[test]
fn nothing_is_decoded_while_nobody_would_be_given_a_frame() {
    let only = json!({"samplingOptions": {"skipSamplesWithoutAnnotation": "true"}});
    let running = Running::start(&yard(), |wasm| vec![detector("never", CAMERA, wasm, &only)]);
    running.settled("nothing");
    assert_eq!(
        running.over(200, &[(CAMERA, "processed"), ("never", "processed")]),
        [0, 0]
    );
    assert!(running.count(CAMERA, "skipped") > 0);
    running.host.stop();
}

#[test]
fn a_node_that_looks_at_little_does_not_starve_one_below_it() {
    let only = json!({"samplingOptions": {"skipSamplesWithoutAnnotation": "true"}});
    let running = Running::start(&yard(), |wasm| {
        vec![
            detector("seldom", CAMERA, wasm, &sampled("1")),
            detector("often", "seldom", wasm, &sampled("5")),
            detector("annotated", "seldom", wasm, &only),
        ]
    });
    running.settled("due");
    let over = running.over(
        400,
        &[
            ("seldom", "processed"),
            ("seldom", "skipped"),
            ("often", "processed"),
            ("annotated", "processed"),
        ],
    );
    let [seldom, passed, often, annotated] = over[..] else {
        panic!()
    };
    assert!(seldom >= 4 && passed >= 2 * seldom, "{over:?}");
    assert!(often >= 2 * seldom, "{over:?}");
    // It is given what the first has said something of, which is each frame that the first looked at.
    assert!(annotated.abs_diff(seldom) <= 2, "{over:?}");
    running.host.stop();
}

/// A clip with two pictures to which nothing refers between those to which others do.
fn with_b_frames(folder: &Path) -> PathBuf {
    let path = folder.join("b.mp4");
    let mut command = Command::new("ffmpeg");
    command.args([
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=320x180:rate=25",
        "-t",
        "20",
    ]);
    command.args([
        "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "50",
    ]);
    command.args(["-x264-params", "bframes=2:b-adapt=0:b-pyramid=none:scenecut=0"]);
    run(command.arg(&path));
    path
}

#[test]
fn pictures_to_which_nothing_refers_are_left_out_when_nobody_wants_them() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&with_b_frames(folder.path()), |wasm| {
        vec![detector("some", CAMERA, wasm, &sampled("2"))]
    });
    running.settled("due");
    let over = running.over(
        250,
        &[(CAMERA, "processed"), (CAMERA, "skipped"), ("some", "processed")],
    );
    let [decoded, skipped, some] = over[..] else {
        panic!()
    };
    assert!(2 * skipped >= decoded, "{over:?}");
    assert!((15..=25).contains(&some), "{over:?}");
    running.host.stop();
}

#[test]
fn a_graph_that_only_records_decodes_nothing_and_has_no_thread_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let camera = Camera::ours(&yard(), &[]);
    let graph = Graph::start("topologies/cvr-asset", &[("rtspUrl", &camera.url)], folder.path());
    graph.recorded(100_000);
    let tasks = format!("/proc/{}/task", graph.process().id());
    let names: Vec<String> = std::fs::read_dir(tasks)
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect();
    let analysis = |name: &&String| name.starts_with("analysis") || name.contains("epoch");
    assert_eq!(names.iter().find(analysis), None, "{names:?}");
    graph.stop();
}

fn plan(arguments: &[&str], topology: &Path) -> String {
    let mut command = mediagraph();
    run(command.args(["graph", "--plan"]).args(arguments).arg(topology))
}

#[test]
fn the_plan_says_who_asks_what_is_decoded_and_which_scales() {
    let folder = tempfile::tempdir().unwrap();
    let wasm = folder.path().join("component.wasm");
    std::fs::write(&wasm, component::detector().bytes()).unwrap();
    let only =
        json!({"samplingOptions": {"skipSamplesWithoutAnnotation": true, "maximumSamplesPerSecond": "0.1"}});
    let motion = json!({"name": "motion", "@type": "#MediaGraph.ExtensionProcessor",
        "extension": {"name": "motion-detector"}, "inputs": [{"nodeName": "fewer"}]});
    let processors = [
        detector("small", CAMERA, &wasm, &sampled("0.5")),
        detector("alike", CAMERA, &wasm, &sampled("0.25")),
        topology::frame_rate_filter(0.4, CAMERA),
        motion,
        detector("late", "motion", &wasm, &only),
    ];
    let document = topology::document("2.0", &processors, &[topology::asset_sink(CAMERA)]);
    let path = topology::write(&document, folder.path());
    let json: Value = serde_json::from_str(&plan(&["--json"], &path)).unwrap();
    let source = &json["sources"][0];
    assert_eq!(
        (&source["source"], &source["decodes"]),
        (&json!("camera"), &json!("due"))
    );
    assert_eq!(
        (&source["highestRate"], &source["keyframesSufficeUpTo"]),
        (&json!(0.5), &json!(2.5))
    );
    assert_eq!(source["records"], json!(["assets"]));
    let looks = source["looks"].as_array().unwrap();
    let look = |name: &str| looks.iter().find(|look| look["node"] == name).unwrap();
    assert_eq!(look("small")["image"], look("alike")["image"]);
    assert_eq!(
        (&look("motion")["maximumRate"], &look("motion")["behind"]),
        (&json!(0.4), &json!(["fewer"]))
    );
    assert_eq!(look("late")["behind"], json!(["fewer", "motion"]));
    assert_eq!(
        (&look("late")["onlyAnnotated"], &look("late")["never"]),
        (&json!(true), &json!(false))
    );
    let images = source["images"].as_array().unwrap();
    assert_eq!(images.len(), 2, "{images:?}");
    assert_eq!(
        images[0],
        json!({"format": "gray8", "width": 4, "height": 4, "fit": "stretch",
        "nodes": ["small", "alike", "late"]})
    );
    let text = plan(&[], &path);
    for says in [
        "decodes: 0.5 frames/s at most: keyframes alone while the camera sends one at least every 2.5 s",
        "records: assets, undecoded",
        "late (test): at most 0.1 annotated frames/s, behind fewer, motion, image 1",
        "scales: 2 times for each picture that all look at",
        "1. 4x4, gray8, stretch: for small, alike, late",
    ] {
        assert!(text.contains(says), "{says}:\n{text}");
    }
}

#[test]
fn every_topology_of_ours_can_be_planned_without_a_camera() {
    for entry in std::fs::read_dir(repository("topologies")).unwrap() {
        let path = entry.unwrap().path();
        let Ok(written) = std::fs::read_to_string(path.join("topology.json")) else {
            continue;
        };
        // What such a component wants is known when it is named.
        if written.contains("${component}") {
            continue;
        }
        let model = repository("extensions/object-detector/street/street.onnx");
        let model = format!("modelPath={}", model.display());
        let given: &[&str] = if written.contains("${modelPath}") {
            &["-p", &model, "-p", "modelFamily=yolov8"]
        } else {
            &[]
        };
        let text = plan(given, &path);
        let looks = ["MotionDetection", "ExtensionProcessor"]
            .iter()
            .any(|kind| written.contains(kind));
        let says = if looks {
            "  looks:\n"
        } else {
            "nothing: nobody looks at its pictures"
        };
        assert!(text.contains(says), "{}:\n{text}", path.display());
    }
}

#[test]
fn a_plan_that_needs_a_parameter_says_which() {
    let mut command = mediagraph();
    command
        .args(["graph", "--plan"])
        .arg(repository("topologies/component-by-path"));
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{text}");
    assert!(
        text.contains("no value yet: ") && text.contains("component"),
        "{text}"
    );
}
