//! Continuous recording: what the camera sent is what stands in the asset.

use std::path::Path;

use mediagraph::media::TrackKind;
use mediagraph::media::demux::MediaFile;

use crate::common::camera::{Camera, Sent};
use crate::common::clip::{cut, pictures, yard};
use crate::common::graph::{Finished, Graph, START, assets};
use crate::common::judge::{self, Recording};

/// Pictures that a camera may have sent between Ctrl-C and the end of its session, on a busy machine: two seconds.
const IN_FLIGHT: usize = 50;
/// About four seconds of the clip.
const FOUR_SECONDS: u64 = 80_000;
/// Sound may be this far from where it belongs beside the picture, in ticks of 90 kHz: 50 ms.
const LIP_SYNC: i64 = 4_500;

fn continuous(url: &str, login: &[(&str, &str)], state: &Path) -> Graph {
    let mut parameters = vec![("rtspUrl", url)];
    parameters.extend(login);
    Graph::start("topologies/cvr-asset", &parameters, state)
}

/// Everything that the sink was given stands in the asset.
fn nothing_lost(finished: &Finished, recording: &Recording) {
    assert!(finished.named("DataDropped").is_empty());
    let source = finished.totals("camera");
    let sink = finished.totals("recorder");
    assert_eq!(sink.received, source.received);
    // Sound that came before the first picture cannot be recorded with it.
    assert_eq!(sink.received - sink.dropped, recording.samples.len(), "{sink:?}");
    assert_eq!(recording.gaps(), 0);
}

/// The recorded pictures are those that were sent, from the first on, but for the last that were in flight.
fn is_what_was_sent(recorded: &[&str], sent: &[String]) {
    assert!(
        recorded.len() <= sent.len(),
        "{} of {}",
        recorded.len(),
        sent.len()
    );
    for (index, (recorded, sent)) in recorded.iter().zip(sent).enumerate() {
        assert_eq!(recorded, sent, "picture {index}");
    }
}

fn hashes(sent: &[Sent], kind: &str) -> Vec<String> {
    let of_kind = sent.iter().filter(|unit| unit.kind == kind);
    of_kind.map(|unit| unit.sha256.clone()).collect()
}

fn record_gstreamer(camera_login: &[&str], graph_login: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let clip = cut(&yard(), 4, 30, &folder.path().join("clip.mp4"));
    let camera = Camera::gstreamer(&clip, camera_login);
    let state = folder.path().join("state");
    let graph = continuous(&camera.url, graph_login, &state);
    let sdp = graph.event("MediaSessionEstablished", START);
    assert!(sdp.text("sdp").contains("m=video"), "{}", sdp.0);
    graph.recorded(FOUR_SECONDS);
    let finished = graph.stop();
    let assets = assets(&state);
    let names: Vec<&str> = finished.events.iter().map(|event| event.name()).collect();
    let of_graph: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| *name != "RecordingAvailable")
        .collect();
    assert_eq!(
        of_graph,
        [
            "GraphInstanceStarted",
            "MediaSessionEstablished",
            "RecordingStarted",
            "RecordingStopped",
            "GraphInstanceStopped"
        ]
    );
    // When its first segment stands in the store, which a recording this short has when it ends.
    assert_eq!(finished.named("RecordingAvailable").len(), 1, "{names:?}");
    let asset = finished.named("RecordingStopped")[0];
    assert_eq!(
        Path::new(asset.text("outputLocation")),
        assets[0].file_name().unwrap()
    );
    let recording = judge::judged(&assets[0]);
    nothing_lost(&finished, &recording);
    is_what_was_sent(&recording.hashes(), &pictures(&clip));
    assert!(recording.seconds() >= 3.0, "{}", recording.seconds());
}

#[test]
fn a_camera_that_nobody_here_wrote_is_recorded_picture_by_picture() {
    record_gstreamer(&[], &[]);
}

#[test]
fn a_foreign_camera_that_asks_for_a_password_is_recorded() {
    for method in ["basic", "digest"] {
        record_gstreamer(
            &["--user", "admin:swordfish", "--auth", method],
            &[("rtspUserName", "admin"), ("rtspPassword", "swordfish")],
        );
    }
}

#[test]
fn every_unit_that_our_camera_sent_is_recorded_unchanged_beyond_the_wrap_of_its_clip() {
    let folder = tempfile::tempdir().unwrap();
    let clip = cut(&yard(), 4, 6, &folder.path().join("clip.mp4"));
    let camera = Camera::with_ledger(&clip, &folder.path().join("ledger"));
    let state = folder.path().join("state");
    let graph = continuous(&camera.url, &[], &state);
    graph.event("RecordingStarted", START);
    camera.wait_sent(200);
    let finished = graph.stop();
    let assets = assets(&state);
    let recording = judge::judged(&assets[0]);
    nothing_lost(&finished, &recording);
    let sent = camera.sent();
    assert!(sent.iter().find(|unit| unit.kind == "video").unwrap().key);
    let pictures = hashes(&sent, "video");
    is_what_was_sent(&recording.hashes(), &pictures);
    let missing = pictures.len() - recording.video().len();
    assert!(
        missing <= IN_FLIGHT,
        "{missing} of {} are missing at the end",
        pictures.len()
    );
    let sound: Vec<&str> = recording
        .audio()
        .iter()
        .map(|sample| sample.sha256.as_str())
        .collect();
    let early = finished.totals("recorder").dropped;
    is_what_was_sent(&sound, &hashes(&sent, "audio")[early..]);
}

/// Presentation times in ticks of 90 kHz.
fn times(file: &MediaFile, kind: TrackKind) -> Vec<i64> {
    let track = file.tracks().iter().find(|track| track.kind() == kind).unwrap();
    let ticks = |sample: &mediagraph::media::demux::Sample| sample.pts * 90_000 / i64::from(track.timescale);
    track.samples.iter().map(ticks).collect()
}

#[test]
fn sound_stays_beside_its_picture() {
    let folder = tempfile::tempdir().unwrap();
    let clip = yard();
    let camera = Camera::ours(&clip, &[]);
    let state = folder.path().join("state");
    let graph = continuous(&camera.url, &[], &state);
    graph.recorded(2 * FOUR_SECONDS);
    let finished = graph.stop();
    let assets = assets(&state);
    let recording = judge::check(&assets[0]);
    let file = MediaFile::open(&clip).unwrap();
    let (pictures, sound) = (times(&file, TrackKind::Video), times(&file, TrackKind::Audio));
    let early = finished.totals("recorder").dropped;
    let recorded = |time: u64| i64::try_from(time).unwrap();
    let origin = recorded(recording.video()[0].time) - pictures[0];
    assert!(recording.audio().len() > 200);
    for (sample, time) in recording.audio().iter().zip(&sound[early..]) {
        let off = recorded(sample.time) - origin - time;
        assert!(off.abs() <= LIP_SYNC, "{} ms", off / 90);
    }
    for (sample, time) in recording.video().iter().zip(&pictures) {
        let off = recorded(sample.time) - origin - time;
        assert!(off.abs() <= LIP_SYNC, "{} ms", off / 90);
    }
    assert!(finished.named("NetworkError").is_empty() && finished.ended.status.success());
}
