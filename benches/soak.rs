//! Four components at 25 frames a second for as long as one likes, each of which traps now and then: the recording beside
//! them loses nothing, each component comes back each time, and the memory of the process stays where it was.
//!
//! `cargo xtask soak extensions --minutes N`. Prints a line each minute, and ends with an error when something of that
//! does not hold.
#![allow(
    missing_docs,
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that takes as long as it is told to: what goes wrong in it is to fail loudly"
)]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/component.rs"]
mod component;

use std::path::Path;
use std::time::{Duration, Instant};

use common::camera::Camera;
use common::clip::yard;
use common::graph::{Finished, Graph};
use common::topology;
use component::{DETECT, Fixture};
use serde_json::{Value, json};

const COMPONENTS: usize = 4;
/// A component traps with one of so many frames: at 25 a second, once in about 40 s.
const TRAPS_ONE_IN: u32 = 1_000;
/// Before this is over, memory still grows: buffers fill, a segment is written.
const SETTLE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(1);
/// What the resident memory may grow by in all after that, in KiB. Four instances of 128 KiB are made anew each half
/// minute: what stayed of each would be more within ten minutes.
const MAX_GROWTH_KIB: u64 = 8 << 10;

/// Traps at random.
fn moody() -> Fixture {
    let mut fixture = component::detector().with_numbers();
    fixture.act = format!(
        "(if (i64.eqz (i64.rem_u (call $random) (i64.const {TRAPS_ONE_IN}))) (then unreachable)) {DETECT}"
    );
    fixture
}

fn topology(component: &Path) -> Value {
    let nodes: Vec<Value> = (0..COMPONENTS)
        .map(|number| {
            let mut node = topology::extension(component, "camera");
            node["name"] = format!("detector{number}").into();
            node["samplingOptions"] = json!({"maximumSamplesPerSecond": 25});
            node["limits"] = json!({"memoryMiB": 16, "timeout": "PT0.5S"});
            node
        })
        .collect();
    topology::document("2.0", &nodes, &[topology::asset_sink("camera")])
}

fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

fn minutes() -> u64 {
    let mut arguments = std::env::args();
    let given = arguments
        .by_ref()
        .find(|argument| argument == "--minutes")
        .and_then(|_| arguments.next());
    given.map_or(60, |text| text.parse().expect("a number of minutes"))
}

fn main() {
    let wanted = Duration::from_secs(60 * minutes());
    let folder = tempfile::tempdir().unwrap();
    let component = folder.path().join("moody.wasm");
    std::fs::write(&component, moody().bytes()).unwrap();
    let topology = topology::write(&topology(&component), folder.path());
    let camera = Camera::ours(&yard(), &[]);
    let state = folder.path().join("state");
    let graph = Graph::start(topology.to_str().unwrap(), &[("rtspUrl", &camera.url)], &state);
    graph.event("RecordingStarted", Duration::from_secs(60));
    std::thread::sleep(SETTLE.min(wanted));
    let (begin, first) = (Instant::now(), resident_kib(graph.process().id()));
    let (mut most, mut told) = (first, 0);
    while begin.elapsed() < wanted.saturating_sub(SETTLE) {
        std::thread::sleep(LOOK);
        most = most.max(resident_kib(graph.process().id()));
        let minute = begin.elapsed().as_secs() / 60;
        if minute > told {
            told = minute;
            println!("minute {minute}: {most} KiB at most, {first} KiB at first");
        }
    }
    judge(&graph.stop(), most.saturating_sub(first), wanted);
}

fn judge(finished: &Finished, growth_kib: u64, wanted: Duration) {
    let (down, back) = (finished.named("ExtensionDown"), finished.named("ExtensionBack"));
    println!(
        "{} traps, {} times back, {growth_kib} KiB more than after the first minute",
        down.len(),
        back.len()
    );
    for event in &down {
        assert_eq!(event.text("state"), "restarting", "given up: {}", event.0);
    }
    // One of each component may be down when it ends.
    assert!(down.len() - back.len() <= COMPONENTS);
    if wanted > 3 * SETTLE {
        assert!(!down.is_empty(), "no component trapped");
    }
    assert!(
        finished.named("DataDropped").is_empty(),
        "the recording lost media"
    );
    let (source, sink) = (finished.totals("camera"), finished.totals("assets"));
    assert_eq!(sink.received, source.received);
    for number in 0..COMPONENTS {
        let name = format!("detector{number}");
        let node = finished.totals(&name);
        let traps = down.iter().filter(|event| event.node() == name).count();
        println!(
            "{name}: {} frames, {traps} traps, {} left out",
            node.received, node.dropped
        );
        assert!(
            node.dropped <= traps + node.received / 100,
            "{name} was not given what it should"
        );
    }
    assert!(
        growth_kib <= MAX_GROWTH_KIB,
        "the memory grew by {growth_kib} KiB, more than {MAX_GROWTH_KIB}"
    );
    println!("all of it held");
}
