//! Cameras that go away in every way there is, beside one that does not, in one host.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Event, Graph, SOON, START, files};
use crate::common::judge;
use crate::common::topology;
use crate::quirks::{file_sink, is_what_was_sent};
use crate::scripted::{Clip, Codec, End, RATE, Script, Scripted};

/// Pictures that a camera sends before it goes.
const BEFORE: usize = 2 * RATE;

/// A way to go: how the first session ends, and what the second finds. The third is sound.
struct Way {
    name: &'static str,
    end: End,
    then: fn(&mut Script),
    /// The code of the event that tells of the end, and of the next attempt.
    codes: [&'static str; 2],
}

fn stays(_: &mut Script) {}

const WAYS: [Way; 7] = [
    Way {
        name: "closed",
        end: End::Closed(BEFORE),
        then: |script| script.end = End::Closed(0),
        codes: ["connectionLost", "connectionLost"],
    },
    Way {
        name: "reset",
        end: End::Reset(BEFORE),
        then: |script| script.refuse = Some(("DESCRIBE", "404 Not Found")),
        codes: ["connectionLost", "404"],
    },
    Way {
        name: "silent",
        end: End::Silent(BEFORE),
        then: stays,
        codes: ["connectionLost", ""],
    },
    Way {
        name: "halfopen",
        end: End::Closed(BEFORE),
        then: |script| script.mute = true,
        codes: ["connectionLost", "connectionLost"],
    },
    Way {
        name: "locked",
        end: End::Closed(BEFORE),
        then: |script| script.refuse = Some(("DESCRIBE", "401 Who")),
        codes: ["connectionLost", "401"],
    },
    Way {
        name: "full",
        end: End::Closed(BEFORE),
        then: |script| script.refuse = Some(("SETUP", "503 Full")),
        codes: ["connectionLost", "503"],
    },
    Way {
        name: "moved",
        end: End::Closed(BEFORE),
        then: |script| script.refuse = Some(("DESCRIBE", "301 Moved")),
        codes: ["connectionLost", "301"],
    },
];

fn camera(way: &'static Way, clip: &Arc<Clip>) -> Scripted {
    let clip = Arc::clone(clip);
    Scripted::start(move |connection| {
        let mut script = Script::plain(&clip);
        match connection {
            0 => script.end = way.end,
            1 => (way.then)(&mut script),
            _ => {}
        }
        script
    })
}

/// A topology with these cameras, each recorded by a sink that is named after it.
fn document(cameras: &[(&str, &str)]) -> Value {
    let mut document = topology::document("2.0", &[], &[]);
    let sources = document["properties"]["sources"].as_array_mut().unwrap();
    let source = sources.pop().unwrap();
    for (name, url) in cameras {
        let mut one = source.clone();
        one["name"] = json!(name);
        one["endpoint"]["url"] = json!(url);
        sources.push(one);
    }
    let sinks = cameras
        .iter()
        .map(|(name, _)| file_sink(name, &format!("{name}Files")));
    document["properties"]["sinks"] = sinks.collect();
    document["properties"]["parameters"] = json!([]);
    document
}

fn start(cameras: &[(&str, &str)], folder: &Path) -> Graph {
    let path = topology::write(&document(cameras), folder);
    Graph::start(path.to_str().unwrap(), &[], &folder.join("state"))
}

fn of<'a>(events: &'a [Event], node: &str, names: &[&str]) -> Vec<&'a Event> {
    let all = events.iter().filter(|event| event.node() == node);
    all.filter(|event| names.contains(&event.name())).collect()
}

#[test]
fn whichever_way_a_camera_goes_its_clip_is_kept_it_is_recorded_again_and_others_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Arc::new(Clip::draw(Codec::H264, "320x180", 2, &["-g", "25"]));
    let healthy = Camera::with_ledger(&yard(), &folder.path().join("ledger"));
    let sick: Vec<Scripted> = WAYS.iter().map(|way| camera(way, &clip)).collect();
    let mut cameras = vec![("healthy", healthy.url.as_str())];
    cameras.extend(
        WAYS.iter()
            .zip(&sick)
            .map(|(way, one)| (way.name, one.url.as_str())),
    );
    let graph = start(&cameras, folder.path());
    for way in &WAYS {
        let (sink, limit) = (format!("{}Files", way.name), START + SOON);
        graph.wait(&format!("second recording of {}", way.name), limit, |events| {
            let again = of(events, &sink, &["RecordingStarted"]).len() >= 2;
            again.then_some(())
        });
    }
    let finished = graph.stop();
    for (way, camera) in WAYS.iter().zip(&sick) {
        told(&finished.events, way);
        let prefix = format!("{}Files-", way.name);
        kept(&folder.path().join("state"), &prefix, &camera.sent()[0]);
    }
    let sent: Vec<String> = healthy
        .sent()
        .into_iter()
        .filter(|unit| unit.kind == "video")
        .map(|unit| unit.sha256)
        .collect();
    kept(&folder.path().join("state"), "healthyFiles-", &sent);
    assert!(finished.named("DataDropped").is_empty());
    let totals = (finished.totals("healthy"), finished.totals("healthyFiles"));
    assert_eq!(totals.0.sent, totals.1.received);
    assert!(of(&finished.events, "healthy", &["CameraLost", "NetworkError"]).is_empty());
}

/// One outage, whatever the attempts came to; the clip that was open ended when it began, not when it was over.
fn told(events: &[Event], way: &Way) {
    let outage: Vec<&str> = of(events, way.name, &["CameraLost", "CameraRestored"])
        .iter()
        .map(|event| event.name())
        .collect();
    assert_eq!(outage, ["CameraLost", "CameraRestored"], "{}", way.name);
    let errors = of(events, way.name, &["NetworkError", "ProtocolError"]);
    let codes: Vec<&str> = errors.iter().map(|event| event.text("code")).collect();
    let expected: Vec<&str> = way.codes.into_iter().filter(|code| !code.is_empty()).collect();
    assert_eq!(codes, expected, "{}", way.name);
    let place = |node: &str, name: &str| {
        let found = events
            .iter()
            .position(|event| event.node() == node && event.name() == name);
        found.unwrap_or_else(|| panic!("no {name} of {node}"))
    };
    let sink = format!("{}Files", way.name);
    assert!(place(&sink, "RecordingStopped") < place(way.name, "CameraRestored"));
}

/// The first file of these holds what was sent, and all of them are sound.
fn kept(state: &Path, prefix: &str, sent: &[String]) {
    let all = files(state, "/var/media");
    let ours = all
        .iter()
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix));
    let recordings: Vec<_> = ours.map(|path| judge::judged(path)).collect();
    is_what_was_sent(&recordings[0].hashes(), sent);
}
