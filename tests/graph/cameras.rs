//! Cameras that cannot be reached, refuse, or go away; and a host that goes away.

use std::net::TcpListener;
use std::path::Path;

use crate::common::camera::Camera;
use crate::common::clip::{cut, yard};
use crate::common::graph::{Event, Graph, SOON, START, assets, files, open_bytes};
use crate::common::judge;
use crate::common::process::until;
use crate::common::topology;

/// About two seconds of the clip.
const TWO_SECONDS: u64 = 40_000;
/// Pictures from keyframe to keyframe: what one fragment holds.
const FRAGMENT: usize = 50;
/// Pictures that a camera may have sent before they reached the recorder, on a busy machine: two seconds.
const IN_FLIGHT: usize = 50;

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// However many attempts failed: the camera was lost once, and came back once.
fn one_outage(events: &[Event]) {
    let named = |name: &'static str| events.iter().filter(move |event| event.name() == name);
    let (lost, restored): (Vec<_>, Vec<_>) =
        (named("CameraLost").collect(), named("CameraRestored").collect());
    assert_eq!((lost.len(), restored.len()), (1, 1), "{lost:?} {restored:?}");
    assert_eq!(
        (lost[0].node(), lost[0].text("since")),
        (restored[0].node(), restored[0].text("since"))
    );
    assert!(!lost[0].text("message").is_empty() && restored[0].data("seconds").as_f64().unwrap() > 0.5);
}

#[test]
fn a_camera_that_is_not_there_is_tried_again_ever_more_rarely_and_then_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let url = format!("rtsp://127.0.0.1:{port}/media/yard.mp4");
    let graph = Graph::start("topologies/cvr-asset", &[("rtspUrl", &url)], folder.path());
    graph.nth("NetworkError", 3, START);
    let camera = Camera::ours_at(&yard(), port, &[]);
    assert_eq!(camera.url, url);
    graph.event("MediaSessionEstablished", SOON);
    graph.recorded(TWO_SECONDS);
    let finished = graph.stop();
    let errors = finished.named("NetworkError");
    let attempts: Vec<u64> = errors
        .iter()
        .map(|event| event.data("attempt").as_u64().unwrap())
        .collect();
    assert!(
        attempts.iter().copied().eq(1..=errors.len() as u64),
        "{attempts:?}"
    );
    let waits: Vec<f64> = errors
        .iter()
        .map(|event| event.data("retryInSeconds").as_f64().unwrap())
        .collect();
    assert!(waits.windows(2).all(|pair| pair[0] < pair[1]), "{waits:?}");
    assert!(errors[0].text("target").contains(&port.to_string()) && !errors[0].text("message").is_empty());
    one_outage(&finished.events);
    judge::judged(&assets(folder.path())[0]);
}

#[test]
fn a_camera_that_goes_on_reporting_but_sends_no_more_media_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let clip = cut(&yard(), 4, 4, &folder.path().join("clip.mp4"));
    // Plays once, then keeps the session and its sender reports.
    let camera = Camera::gstreamer(&clip, &[]);
    let state = folder.path().join("state");
    let graph = Graph::start("topologies/cvr-asset", &[("rtspUrl", &camera.url)], &state);
    graph.event("MediaSessionEstablished", START);
    let silent = graph.event("NetworkError", SOON);
    assert!(
        silent.text("message").contains("no pictures came within 15 s"),
        "{}",
        silent.0
    );
    graph.stop();
    judge::judged(&assets(&state)[0]);
}

/// All text that stands in the files below.
fn text_below(path: &Path) -> String {
    let Ok(entries) = std::fs::read_dir(path) else {
        return String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    };
    entries.map(|entry| text_below(&entry.unwrap().path())).collect()
}

#[test]
fn a_wrong_password_is_an_event_and_stands_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    for method in ["basic", "digest"] {
        let camera = Camera::ours(&yard(), &["--user", "admin:right-one", "--auth", method]);
        let parameters = [
            ("rtspUrl", camera.url.as_str()),
            ("rtspUserName", "admin"),
            ("rtspPassword", "hunter2-wrong"),
        ];
        let mut command = crate::common::graph::command("topologies/cvr-asset", &parameters, &state);
        let graph = Graph::of(command.env("RUST_LOG", "trace"), &state);
        let refused = graph.event("AuthenticationError", START);
        assert_eq!(refused.text("errorCode"), "401", "{}", refused.0);
        let finished = graph.stop();
        assert!(finished.named("RecordingStarted").is_empty());
        let told = [finished.ended.stdout, finished.ended.stderr, text_below(&state)];
        // As it is, and as Basic would write it.
        for secret in ["hunter2-wrong", "YWRtaW46aHVudGVyMi13cm9uZw"] {
            assert!(
                told.iter().all(|text| !text.contains(secret)),
                "{method}: {secret} leaked"
            );
        }
    }
}

/// How often the playlists of an asset's pictures tell players to start anew.
fn discontinuities(asset: &Path) -> usize {
    let entries = std::fs::read_dir(asset)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let playlists = entries.filter(|path| path.to_string_lossy().ends_with(".video.m3u8"));
    let lines = playlists.flat_map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    lines.filter(|line| line == "#EXT-X-DISCONTINUITY").count()
}

#[test]
fn a_camera_that_dies_and_comes_back_is_recorded_again_and_the_clip_that_was_open_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let clip = cut(&yard(), 4, 16, &folder.path().join("clip.mp4"));
    let camera = Camera::ours(&clip, &[]);
    let (port, state) = (camera.port(), folder.path().join("state"));
    let topology = topology::beside_everything("topologies/evr-motion-files/topology.json", folder.path());
    // A clip that only the end of the camera can end.
    let parameters = [
        ("rtspUrl", camera.url.as_str()),
        ("preRoll", "-PT1S"),
        ("minimumClip", "PT10M"),
        ("maximumClip", "PT10M"),
    ];
    let graph = Graph::start(topology.to_str().unwrap(), &parameters, &state);
    graph.wait("recording of the file", START, |events| {
        events
            .iter()
            .find(|event| event.name() == "RecordingStarted" && event.node() == "files")
            .map(|_| ())
    });
    camera.process.kill();
    graph.event("NetworkError", SOON);
    graph.wait("end of the file", SOON, |events| {
        events
            .iter()
            .find(|event| event.name() == "RecordingStopped" && event.node() == "files")
            .map(|_| ())
    });
    // So long that it counts as a gap, not as a hiccup.
    graph.nth("NetworkError", 3, SOON);
    let _again = Camera::ours_at(&clip, port, &[]);
    graph.nth("MediaSessionEstablished", 2, SOON);
    until("more in the asset", SOON, || {
        (open_bytes(&state) > TWO_SECONDS).then_some(())
    });
    one_outage(&graph.stop().events);
    judge::judged(&files(&state, "/var/media")[0]);
    let all = assets(&state);
    assert_eq!(all.len(), 1, "the asset goes on: {all:?}");
    assert_eq!(judge::judged(&all[0]).gaps(), 1);
    assert_eq!(discontinuities(&all[0]), 1);
}

#[test]
fn killing_the_host_loses_at_most_one_fragment_and_the_next_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let camera = Camera::with_ledger(&yard(), &folder.path().join("ledger"));
    let parameters = [("rtspUrl", camera.url.as_str())];
    let graph = Graph::start("topologies/cvr-asset", &parameters, &state);
    graph.event("RecordingStarted", START);
    camera.wait_sent(170);
    graph.kill();
    let first: Vec<_> = camera
        .sent()
        .into_iter()
        .filter(|unit| unit.kind == "video")
        .collect();
    let graph = Graph::start("topologies/cvr-asset", &parameters, &state);
    graph.event("RecordingStarted", START);
    until("more in the asset", SOON, || {
        (open_bytes(&state) > TWO_SECONDS).then_some(())
    });
    graph.stop();
    let all = assets(&state);
    assert_eq!(all.len(), 1, "{all:?}");
    let recording = judge::judged(&all[0]);
    let recorded = recording.hashes();
    // The second session begins with the first picture of the clip again.
    let again = recorded
        .iter()
        .skip(1)
        .position(|hash| *hash == first[0].sha256)
        .unwrap()
        + 1;
    assert!(
        recorded[..again]
            .iter()
            .zip(&first)
            .all(|(recorded, sent)| *recorded == sent.sha256)
    );
    let lost = first.len() - again;
    assert!(
        lost <= FRAGMENT + IN_FLIGHT,
        "{lost} pictures of {} are lost",
        first.len()
    );
    assert_eq!(recording.gaps(), 1);
}
