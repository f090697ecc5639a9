//! What cameras do that they should not, or need not: each is recorded, or refused with what to do about it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::common::camera::Camera;
use crate::common::clip::pictures;
use crate::common::graph::{Event, Finished, Graph, SOON, START, assets, files};
use crate::common::judge::{self, Recording};
use crate::common::process::until;
use crate::common::topology;
use crate::drawn::{Clip, Codec, RATE};
use crate::scripted::{Script, Scripted};

/// Pictures that may be on the way when a graph is stopped: two seconds.
const IN_FLIGHT: usize = 2 * RATE;
/// Pictures that are sent before a recording is looked at.
const ENOUGH: usize = 5 * RATE;

/// Records everything that `node` gives to MP4 files.
pub(crate) fn file_sink(node: &str, name: &str) -> Value {
    json!({
        "@type": "#Microsoft.Media.MediaGraphFileSink",
        "name": name,
        "baseDirectoryPath": "/var/media",
        "fileNamePattern": format!("{name}-${{System.PreciseDateTime}}"),
        "maximumSizeMiB": "100",
        "inputs": [{"nodeName": node}],
    })
}

fn record(url: &str, login: bool, folder: &Path) -> Graph {
    let mut document = topology::document("2.0", &[], &[file_sink("camera", "files")]);
    if login {
        document["properties"]["sources"][0]["endpoint"]["credentials"] = json!({
            "@type": "#Microsoft.Media.MediaGraphUsernamePasswordCredentials",
            "username": "viewer", "password": "canary-password",
        });
    }
    let path = topology::write(&document, folder);
    Graph::start(path.to_str().unwrap(), &[("rtspUrl", url)], &folder.join("state"))
}

/// The files that were recorded, each found sound by others too.
pub(crate) fn recordings(folder: &Path) -> Vec<Recording> {
    let found: Vec<PathBuf> = files(&folder.join("state"), "/var/media");
    found.iter().map(|path| judge::judged(path)).collect()
}

fn hashes(recordings: &[Recording]) -> Vec<&str> {
    recordings.iter().flat_map(Recording::hashes).collect()
}

/// All pictures of a session are there, from the first on, but for those that were on the way at its end.
pub(crate) fn is_what_was_sent(recorded: &[&str], sent: &[String]) {
    let missing = sent.len() - recorded.len();
    assert!(missing <= IN_FLIGHT, "{missing} of {} are missing", sent.len());
    let wrong = recorded
        .iter()
        .zip(sent)
        .position(|(recorded, sent)| recorded != sent);
    assert_eq!(wrong, None, "the first picture that is another");
}

/// Records one session of a camera until enough was sent, and says what came of it.
fn session(script: Script, pictures: usize) -> (Finished, Vec<Recording>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let camera = Scripted::start(move |_| script.clone());
    let graph = record(&camera.url, false, folder.path());
    until(&format!("{pictures} pictures sent"), START, || {
        camera
            .sent()
            .first()
            .is_some_and(|sent| sent.len() >= pictures)
            .then_some(())
    });
    let finished = graph.stop();
    let sent = camera.sent();
    assert_eq!(sent.len(), 1, "one session was enough");
    assert!(finished.named("CameraLost").is_empty());
    let recordings = recordings(folder.path());
    is_what_was_sent(&hashes(&recordings), &sent[0]);
    (finished, recordings, sent.into_iter().next().unwrap())
}

fn h264(arguments: &[&str]) -> Arc<Clip> {
    Arc::new(Clip::draw(Codec::H264, "320x180", 4, arguments))
}

fn every_second() -> Arc<Clip> {
    h264(&["-g", "25"])
}

#[test]
fn h265_is_recorded_and_not_decoded() {
    let clip = Clip::draw(
        Codec::H265,
        "320x180",
        4,
        &[
            "-x265-params",
            "log-level=error:bframes=0:keyint=25:min-keyint=25",
        ],
    );
    let (finished, recordings, _) = session(Script::plain(&Arc::new(clip)), ENOUGH);
    let codec = recordings[0].report["tracks"][0]["codec"].as_str().unwrap();
    assert!(
        codec.starts_with("hvc1.1.6.L") || codec.starts_with("hev1.1.6.L"),
        "{codec}"
    );
    assert!(
        finished.named("MediaFormatError").is_empty(),
        "nobody tried to decode it"
    );
}

#[test]
fn sound_of_telephones_is_left_out_with_a_remedy_and_the_pictures_are_recorded() {
    let mut script = Script::plain(&every_second());
    script.g711 = true;
    let (finished, recordings, _) = session(script, ENOUGH);
    assert!(recordings[0].audio().is_empty());
    let told = finished.named("MediaFormatError");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].text("code"), "unsupportedAudioFormat");
    let message = told[0].text("message");
    assert!(
        message.contains("`audio/pcmu`") && message.contains("hint: set the camera's sound to AAC"),
        "{message}"
    );
}

#[test]
fn keyframes_may_come_at_any_time_and_very_rarely() {
    let uneven = h264(&["-g", "250", "-force_key_frames", "0,0.2,0.4,2.4,2.6"]);
    // The clip has four seconds and one keyframe, so that is how far apart they are.
    let rare = h264(&["-g", "250"]);
    for clip in [uneven, rare] {
        let (_, recordings, _) = session(Script::plain(&clip), 9 * RATE);
        assert_eq!((recordings.len(), recordings[0].gaps()), (1, 0));
    }
}

#[test]
fn parameter_sets_may_come_with_the_pictures_alone() {
    let mut script = Script::plain(&every_second());
    script.in_band = true;
    session(script, ENOUGH);
}

#[test]
fn a_session_that_wants_to_be_kept_alive_is_kept_alive() {
    let mut script = Script::plain(&every_second());
    script.timeout = Some(3);
    // Two sessions long.
    session(script, 7 * RATE);
}

#[test]
fn a_session_that_the_camera_forgets_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let clip = every_second();
    // The first one ends with the first request to keep it alive.
    let camera = Scripted::start(move |connection| Script {
        timeout: Some(4),
        forgetful: connection == 0,
        ..Script::plain(&clip)
    });
    let graph = record(&camera.url, false, folder.path());
    let stale = graph.event("NetworkError", START);
    assert!(
        stale.text("message").contains("no pictures came within 15 s"),
        "{}",
        stale.0
    );
    graph.event("CameraRestored", SOON);
    until("pictures of the next session", SOON, || {
        camera
            .sent()
            .get(1)
            .is_some_and(|sent| sent.len() >= ENOUGH)
            .then_some(())
    });
    graph.stop();
    let (recordings, sent) = (recordings(folder.path()), camera.sent());
    assert_eq!(
        (recordings.len(), sent.len()),
        (2, 2),
        "each session has its own file"
    );
    for (recording, sent) in recordings.iter().zip(&sent) {
        is_what_was_sent(&recording.hashes(), sent);
    }
}

#[test]
fn a_camera_whose_clock_is_wrong_is_recorded_at_the_hosts_time() {
    let folder = tempfile::tempdir().unwrap();
    let clip = every_second();
    // A year behind, and with timestamps that wrap after a second.
    let camera = Scripted::start(move |_| Script {
        clock: -31_536_000,
        first: u32::MAX - 90_000,
        ..Script::plain(&clip)
    });
    let document = topology::document("2.0", &[], &[topology::asset_sink("camera")]);
    let path = topology::write(&document, folder.path());
    let state = folder.path().join("state");
    let before = jiff::Timestamp::now().as_second();
    let graph = Graph::start(path.to_str().unwrap(), &[("rtspUrl", &camera.url)], &state);
    graph.event("RecordingStarted", START);
    until("pictures", SOON, || {
        (camera.sent()[0].len() >= ENOUGH).then_some(())
    });
    let told = graph.event("CameraClockWrong", SOON);
    let ahead = told.data("aheadSeconds").as_f64().unwrap();
    assert!((ahead + 31_536_000.0).abs() < 60.0, "{ahead}");
    graph.stop();
    let recording = judge::judged(&assets(&state)[0]);
    is_what_was_sent(&recording.hashes(), &camera.sent()[0]);
    assert_eq!(recording.gaps(), 0, "the wrap is none");
    let first = i64::try_from(recording.video()[0].time / 90_000).unwrap();
    let now = jiff::Timestamp::now().as_second();
    assert!(
        (before..=now).contains(&first),
        "{first} is not between {before} and {now}"
    );
}

#[test]
fn a_camera_that_stamps_too_fast_is_followed_without_gaps() {
    let mut script = Script::plain(&every_second());
    // It says 25 pictures a second, and sends 21 in that time.
    script.step = script.step * 25 / 21;
    let (_, recordings, sent) = session(script, 8 * RATE);
    assert_eq!((recordings.len(), recordings[0].gaps()), (1, 0));
    // Followed, not believed: what took so long is not a fifth longer.
    let (seconds, took) = (recordings[0].seconds(), sent.len() as f64 / RATE as f64);
    assert!(seconds < took * 1.19, "{seconds} s of {took} s");
}

#[test]
fn timestamps_that_jump_cost_no_picture_and_no_session() {
    for by in [90_000 * 3_600, 0_u32.wrapping_sub(90_000 * 3_600)] {
        let mut script = Script::plain(&every_second());
        script.jump = Some((2 * RATE, by));
        let (_, recordings, _) = session(script, ENOUGH);
        let seconds: f64 = recordings.iter().map(Recording::seconds).sum();
        assert!(seconds < 20.0, "an hour is nowhere: {seconds}");
    }
}

#[test]
fn a_change_of_resolution_begins_a_file_and_loses_no_picture() {
    let small = Clip::draw(Codec::H264, "320x180", 2, &["-g", "25"]);
    let large = Clip::draw(Codec::H264, "640x360", 2, &["-g", "25"]);
    let (_, recordings, _) = session(Script::plain(&Arc::new(small.then(large))), 5 * RATE);
    assert!(recordings.len() >= 2, "{}", recordings.len());
    // What has another size has other parameter sets, and with them another level or not; each file has one size.
    let counts = recordings.iter().map(|recording| recording.video().len());
    assert!(
        counts.take(2).all(|count| count == 2 * RATE),
        "cut where the size changes"
    );
    assert!(recordings.iter().all(|recording| recording.gaps() == 0));
}

#[test]
fn pictures_that_are_shown_in_another_order_are_recorded_in_the_order_they_came() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mp4");
    let mut command = std::process::Command::new("ffmpeg");
    command.args([
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=320x180:rate=25",
    ]);
    command.args([
        "-f",
        "lavfi",
        "-i",
        "sine=sample_rate=44100",
        "-c:a",
        "aac",
        "-t",
        "12",
    ]);
    command.args([
        "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-g", "50",
    ]);
    command.args(["-bf", "3", "-b_strategy", "0", "-x264-params", "b-pyramid=normal"]);
    crate::common::run(command.arg(&clip));
    let camera = Camera::with_ledger(&clip, &folder.path().join("ledger"));
    let graph = record(&camera.url, false, folder.path());
    camera.wait_sent(ENOUGH);
    graph.stop();
    let recordings = recordings(folder.path());
    is_what_was_sent(
        &hashes(&recordings),
        &pictures(&clip)[..camera.sent().iter().filter(|unit| unit.kind == "video").count()],
    );
    assert!(recordings[0].audio().len() > 100);
}

/// What the first attempt comes to.
fn refused(refusal: (&'static str, &'static str), login: Option<&'static str>) -> Event {
    let folder = tempfile::tempdir().unwrap();
    let clip = every_second();
    let camera = Scripted::start(move |_| Script {
        refuse: Some(refusal),
        challenge: login,
        ..Script::plain(&clip)
    });
    let graph = record(&camera.url, login.is_some(), folder.path());
    let event = graph.event("ProtocolError", START);
    let finished = graph.stop();
    assert!(finished.named("RecordingStarted").is_empty());
    let told = finished.named("CameraLost");
    assert_eq!(told.len(), 1, "told once");
    event
}

#[test]
fn what_a_camera_refuses_is_told_with_what_to_do() {
    let digest = Some("Digest realm=\"a\", nonce=\"b\"");
    let cases = [
        (("SETUP", "461 Unsupported Transport"), None, "461", "UDP only"),
        (
            ("DESCRIBE", "404 Not Found"),
            None,
            "404",
            "the path of the URL is wrong",
        ),
        (("DESCRIBE", "401 Who"), digest, "401", "check user and password"),
        (
            ("DESCRIBE", "403 Not you"),
            digest,
            "403",
            "give this user the right",
        ),
        (
            ("PLAY", "453 Not Enough Bandwidth"),
            None,
            "453",
            "too many viewers",
        ),
        (("DESCRIBE", "503 Full"), None, "503", "too many viewers"),
        (
            ("DESCRIBE", "302 Moved"),
            digest,
            "302",
            "redirects are not followed",
        ),
    ];
    for (refusal, login, code, remedy) in cases {
        let event = refused(refusal, login);
        assert_eq!(event.text("code"), code, "{refusal:?}");
        let message = event.text("message");
        let (_, hint) = message
            .split_once("\nhint: ")
            .unwrap_or_else(|| panic!("{message}"));
        assert!(hint.contains(remedy), "{refusal:?}: {message}");
    }
}

#[test]
fn who_has_taken_a_password_hashed_is_not_given_it_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let clip = every_second();
    // The camera goes away, and what answers in its place is less careful.
    let camera = Scripted::start(move |connection| Script {
        challenge: Some(match connection {
            0 => "Digest realm=\"a\", nonce=\"b\"",
            _ => "Basic realm=\"a\"",
        }),
        // One asks at once, and the next when something is to be set up.
        open: connection == 2,
        end: match connection {
            0 => crate::scripted::End::Closed(2 * RATE),
            _ => crate::scripted::End::Never,
        },
        ..Script::plain(&clip)
    });
    let graph = record(&camera.url, true, folder.path());
    graph.event("RecordingStarted", START);
    let refused = graph.event("AuthenticationError", SOON);
    assert_eq!(refused.text("code"), "loginDowngraded");
    let message = refused.text("message");
    assert!(
        message.contains("asks for the password in the clear (Basic)")
            && message.contains("hint: find out who"),
        "{message}"
    );
    let later = graph.nth("AuthenticationError", 2, SOON);
    assert_eq!(later.text("code"), "loginDowngraded", "{}", later.0);
    let finished = graph.stop();
    assert!(finished.named("CameraRestored").is_empty());
    let requests = camera.requests();
    let login = |scheme: &str| {
        let start = format!("Authorization: {scheme}");
        requests.iter().filter(|request| request.contains(&start)).count()
    };
    assert!(login("Digest") > 0 && requests.len() > login("Digest"));
    assert_eq!(login("Basic"), 0, "{requests:?}");
    assert_eq!(recordings(folder.path()).len(), 1, "what came before is kept");
}

#[test]
fn a_camera_that_has_always_asked_for_basic_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let clip = every_second();
    let camera = Scripted::start(move |connection| Script {
        challenge: Some("Basic realm=\"a\""),
        end: match connection {
            0 => crate::scripted::End::Closed(RATE),
            _ => crate::scripted::End::Never,
        },
        ..Script::plain(&clip)
    });
    let graph = record(&camera.url, true, folder.path());
    graph.event("CameraRestored", START);
    graph.stop();
    assert_eq!(recordings(folder.path()).len(), 2);
}
