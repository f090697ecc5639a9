//! Cameras that go away in every way there is, beside one that does not, in one host.

use std::path::Path;
use std::sync::Arc;

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{Event, SOON, START, files};
use crate::common::host::{Events, Host};
use crate::common::judge;
use crate::common::topology;
use crate::drawn::{Clip, Codec, RATE};
use crate::quirks::{file_sink, is_what_was_sent};
use crate::scripted::{End, Script, Scripted};

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

/// A host with one graph for each of these cameras, which records it to files that are named after it.
pub(crate) fn start(cameras: &[(&str, &str)], folder: &Path) -> (Host, Events) {
    let host = Host::start(&folder.join("state"));
    let events = host.events("");
    let mut sink = file_sink("camera", "files");
    sink["fileNamePattern"] = "${System.GraphInstanceName}-${System.PreciseDateTime}".into();
    let document = topology::document("2.0", &[], &[sink]);
    host.method("GraphTopologySet", &document.to_string()).with(201);
    for (name, url) in cameras {
        let values = [("rtspUrl".to_owned(), (*url).to_owned())];
        host.set_instance(name, "Test", &values).with(201);
        host.named("GraphInstanceActivate", name).with(200);
    }
    (host, events)
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
    let (host, events) = start(&cameras, folder.path());
    for way in &WAYS {
        events.wait(way.name, "RecordingStarted", 2, START + SOON);
    }
    host.stop();
    let state = folder.path().join("state");
    for (way, camera) in WAYS.iter().zip(&sick) {
        told(&events, way);
        kept(&state, way.name, &camera.sent()[0]);
    }
    let sent = healthy.sent().into_iter();
    let pictures: Vec<String> = sent
        .filter(|unit| unit.kind == "video")
        .map(|unit| unit.sha256)
        .collect();
    assert_eq!(kept(&state, "healthy", &pictures), 1);
    for name in ["CameraLost", "NetworkError", "DataDropped"] {
        assert_eq!(events.of("healthy", name).len(), 0, "{name}");
    }
}

/// One outage, whatever the attempts came to; the clip that was open ended when it began, not when it was over.
fn told(events: &Events, way: &Way) {
    let (lost, restored) = (
        events.of(way.name, "CameraLost"),
        events.of(way.name, "CameraRestored"),
    );
    assert_eq!((lost.len(), restored.len()), (1, 1), "{}", way.name);
    let mut errors = events.of(way.name, "NetworkError");
    errors.extend(events.of(way.name, "ProtocolError"));
    errors.sort_by_key(|event| event.data("attempt").as_u64());
    let codes: Vec<&str> = errors.iter().map(|event| event.text("code")).collect();
    let expected: Vec<&str> = way.codes.into_iter().filter(|code| !code.is_empty()).collect();
    assert_eq!(codes, expected, "{}", way.name);
    let time = |event: &Event| event.0["eventTime"].as_str().unwrap().to_owned();
    let stopped = events.of(way.name, "RecordingStopped");
    assert!(time(&stopped[0]) < time(&restored[0]), "{}", way.name);
}

/// The first file of this camera holds what was sent, and all of them are sound; gives how many they are.
fn kept(state: &Path, camera: &str, sent: &[String]) -> usize {
    let all = files(state, "/var/media");
    let prefix = format!("{camera}-");
    let ours = all
        .iter()
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&prefix));
    let recordings: Vec<_> = ours.map(|path| judge::judged(path)).collect();
    is_what_was_sent(&recordings[0].hashes(), sent);
    recordings.len()
}
