//! Components that crash, hang or eat memory while a graph records: the recording does not notice.

use serde_json::json;

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Finished, Graph, SOON, START};
use crate::common::judge;
use crate::common::process::until;
use crate::common::topology;
use crate::component::{self, DETECT, Fixture};

/// About three seconds of the clip.
const THREE_SECONDS: u64 = 60_000;
const LOOP: &str = "(loop (br 0)) unreachable";
const SLEEP: &str = "(call $sleep (i64.const -1))";
/// Asks for 4 GiB, page by page, and crashes for want of more.
const EAT: &str =
    "(loop $more (br_if $more (i32.ne (i32.const -1) (memory.grow (i32.const 16))))) unreachable";

/// A detector that does `what` with each frame.
fn detecting(what: &str) -> Fixture {
    let mut fixture = component::detector().with_sleep();
    fixture.act = format!("{what} {DETECT}");
    fixture
}

/// A detector that does `what` when it is made.
fn constructing(what: &str) -> Fixture {
    let mut fixture = component::detector().with_sleep();
    fixture.constructor = format!("{what} (call $made)");
    fixture
}

/// Records a camera beside a component, until the component has done what `wait` waits for and three more seconds
/// are recorded. The recording must be whole.
fn beside(fixture: &Fixture, wait: impl FnOnce(&Graph)) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("component.wasm");
    std::fs::write(&path, fixture.bytes()).unwrap();
    let mut extension = topology::extension(&path, "camera");
    extension["limits"] = json!({"memoryMiB": 16, "timeout": "PT0.3S"});
    extension["samplingOptions"] = json!({"maximumSamplesPerSecond": 5});
    let topology = topology::write(&topology::recording_beside(extension), folder.path());
    let camera = Camera::ours(&yard(), &[]);
    let state = folder.path().join("state");
    let graph = Graph::start(topology.to_str().unwrap(), &[("rtspUrl", &camera.url)], &state);
    wait(&graph);
    graph.event("RecordingStarted", START);
    let recorded = || {
        let places = ["cache", "files", "assets"];
        let sizes = places.map(|place| crate::common::graph::size(&state.join(place)));
        sizes.iter().sum::<u64>()
    };
    let before = recorded();
    until("three more seconds", SOON, || {
        (recorded() >= before + THREE_SECONDS).then_some(())
    });
    let finished = graph.stop();
    let assets = crate::common::graph::assets(&state);
    let recording = judge::judged(&assets[0]);
    // Frames may be dropped before the component, media before the recorder may not.
    assert!(finished.named("DataDropped").is_empty());
    let (source, sink) = (finished.totals("camera"), finished.totals("assets"));
    assert_eq!(sink.received, source.received);
    assert_eq!(recording.samples.len(), sink.received - sink.dropped);
    assert_eq!(recording.gaps(), 0);
    finished
}

/// The component goes down, and the event says why.
fn goes_down(fixture: &Fixture, why: &str) {
    let finished = beside(fixture, |graph| {
        graph.event("ExtensionDown", START);
    });
    let down = finished.named("ExtensionDown")[0];
    assert!(down.text("message").contains(why), "{why}: {}", down.0);
    assert_eq!((down.text("extension"), down.node()), ("test", "detector"));
}

#[test]
fn recording_goes_on_beside_a_component_that_crashes_with_each_frame() {
    goes_down(&detecting("unreachable"), "crashed");
}

#[test]
fn recording_goes_on_beside_a_component_that_loops() {
    goes_down(&detecting(LOOP), "gave no answer within 300ms");
}

#[test]
fn recording_goes_on_beside_a_component_that_sleeps_for_ever() {
    goes_down(&detecting(SLEEP), "gave no answer within 300ms");
}

#[test]
fn recording_goes_on_beside_a_component_that_asks_for_all_memory() {
    goes_down(&detecting(EAT), "16 MiB");
}

#[test]
fn recording_goes_on_beside_a_component_that_crashes_when_it_is_made() {
    goes_down(&constructing("unreachable"), "crashed");
}

#[test]
fn recording_goes_on_beside_a_component_that_loops_when_it_is_made() {
    goes_down(&constructing(LOOP), "gave no answer");
}

#[test]
fn recording_goes_on_beside_a_component_that_sleeps_when_it_is_made() {
    goes_down(&constructing(SLEEP), "gave no answer");
}

#[test]
fn recording_goes_on_beside_a_component_that_asks_for_all_memory_when_it_is_made() {
    goes_down(&constructing(EAT), "16 MiB");
}

#[test]
fn a_component_that_recovers_is_told_to_be_back() {
    // Crashes with the third frame of each instance.
    let mut moody = detecting(
        "(i32.store (i32.const 4096) (i32.add (i32.load (i32.const 4096)) (i32.const 1)))
         (if (i32.eq (i32.load (i32.const 4096)) (i32.const 3)) (then unreachable))",
    );
    moody.name = "moody".into();
    let finished = beside(&moody, |graph| {
        graph.event("ExtensionDown", START);
        graph.event("ExtensionBack", SOON);
    });
    let back = finished.named("ExtensionBack")[0];
    assert_eq!((back.text("extension"), back.text("state")), ("moody", "running"));
    assert!(
        finished.named("Inference").len() >= 4,
        "it speaks before and after"
    );
}
