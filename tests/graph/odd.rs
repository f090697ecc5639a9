//! Session descriptions as cameras write them, and packets as networks bring them.

use std::sync::Arc;

use crate::common::graph::{Graph, SOON, START, files};
use crate::common::process::until;
use crate::common::{judge, topology};
use crate::drawn::{Clip, Codec, RATE};
use crate::quirks::file_sink;
use crate::scripted::{Script, Scripted};
use crate::vanish::start;

/// How a session description is changed.
type Change = fn(String) -> String;

/// Each is recorded.
const ODD: [(&str, Change); 8] = [
    ("plain", |sdp| sdp),
    // Of the session, and absolute, as RFC 2326 allows (appendix C.1.1).
    ("control", |sdp| {
        sdp.replace("t=0 0\r\n", "t=0 0\r\na=control:*\r\na=range:npt=0-\r\n")
    }),
    ("newlines", |sdp| sdp.replace("\r\n", "\n")),
    ("small", |sdp| sdp.replace("H264/90000", "h264/90000")),
    ("metadata", |sdp| {
        sdp + "m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:track2\r\n"
    }),
    ("second", |sdp| {
        let at = sdp.find("m=video").unwrap();
        let second = sdp[at..].replace("track0", "track3");
        sdp + &second
    }),
    ("unset", |sdp| {
        let line = sdp
            .lines()
            .find(|line| line.starts_with("a=fmtp"))
            .unwrap()
            .to_owned();
        sdp.replace(&format!("{line}\r\n"), "")
    }),
    ("talkative", |sdp| {
        sdp.replace(
            "m=video 0 RTP/AVP 96\r\n",
            "m=video 0 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\nb=AS:5000\r\na=recvonly\r\na=framerate:25.0\r\na=x-dimensions:320,180\r\n",
        )
    }),
];

/// Each is refused, with an event of this name and this text in it.
const REFUSED: [(&str, Change, &str, &str); 4] = [
    (
        "mjpeg",
        |sdp| sdp.replace("H264/90000", "JPEG/90000"),
        "MediaFormatError",
        "only video/jpeg; H.264 or H.265 video is needed\nhint: set the camera's video to H.264",
    ),
    (
        "nothing",
        |_| "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\n".to_owned(),
        "ProtocolError",
        "No parseable streams",
    ),
    (
        "garbage",
        |_| "<html>Log in</html>".to_owned(),
        "ProtocolError",
        "cannot be used: 200 response to DESCRIBE CSeq=1: Unable to parse SDP",
    ),
    (
        "empty",
        |_| String::new(),
        "ProtocolError",
        "No version line\nhint: the camera does not keep to RTSP",
    ),
];

fn camera(clip: &Arc<Clip>, sdp: Change) -> Scripted {
    let clip = Arc::clone(clip);
    Scripted::start(move |_| Script {
        sdp,
        ..Script::plain(&clip)
    })
}

#[test]
fn descriptions_are_understood_however_they_are_written_or_refused_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let clip = Arc::new(Clip::draw(Codec::H264, "320x180", 2, &["-g", "25"]));
    let odd: Vec<Scripted> = ODD.iter().map(|(_, change)| camera(&clip, *change)).collect();
    let refused: Vec<Scripted> = REFUSED.iter().map(|case| camera(&clip, case.1)).collect();
    let names = ODD.iter().map(|one| one.0).chain(REFUSED.iter().map(|one| one.0));
    let urls = odd.iter().chain(&refused).map(|camera| camera.url.as_str());
    let cameras: Vec<(&str, &str)> = names.zip(urls).collect();
    let (host, events) = start(&cameras, folder.path());
    for (name, _) in ODD {
        events.wait(name, "RecordingStarted", 1, START);
    }
    for (name, _, event, says) in REFUSED {
        let told = events.wait(name, event, 1, START);
        assert!(told[0].text("message").contains(says), "{name}: {}", told[0].0);
    }
    host.stop();
    for (name, _) in ODD {
        assert_eq!(events.of(name, "CameraLost").len(), 0, "{name}");
    }
    for path in files(&folder.path().join("state"), "/var/media") {
        judge::judged(&path);
    }
}

#[test]
fn packets_that_are_lost_doubled_or_out_of_order_end_neither_the_session_nor_the_recording_nor_what_looks_at_it()
 {
    let folder = tempfile::tempdir().unwrap();
    // Large enough that a picture has several packets.
    let clip = Clip::draw(Codec::H264, "640x360", 4, &["-g", "25", "-b:v", "2M"]);
    let clip = Arc::new(clip);
    let camera = Scripted::start(move |_| Script {
        lossy: true,
        ..Script::plain(&clip)
    });
    let motion = serde_json::json!({"@type": "#Microsoft.Media.MediaGraphMotionDetectionProcessor", "name": "motion",
        "sensitivity": "high", "inputs": [{"nodeName": "camera"}]});
    let sinks = [file_sink("camera", "files"), topology::message_sink("motion")];
    let path = topology::write(&topology::document("2.0", &[motion], &sinks), folder.path());
    let state = folder.path().join("state");
    let graph = Graph::start(path.to_str().unwrap(), &[("rtspUrl", &camera.url)], &state);
    graph.event("RecordingStarted", START);
    until("ten seconds", SOON, || {
        camera
            .sent()
            .first()
            .is_some_and(|sent| sent.len() > 10 * RATE)
            .then_some(())
    });
    let before = graph
        .process()
        .stdout()
        .iter()
        .filter(|line| line.contains("Inference"))
        .count();
    // Decoding has met many losses, and has gone on each time.
    graph.nth("Inference", before + 10, SOON);
    let finished = graph.stop();
    assert_eq!(camera.sent().len(), 1, "one session");
    assert!(finished.named("CameraLost").is_empty());
    let recordings: Vec<_> = files(&state, "/var/media")
        .iter()
        .map(|path| judge::check(path))
        .collect();
    let pictures: usize = recordings.iter().map(|one| one.video().len()).sum();
    assert!(pictures > 6 * RATE, "{pictures}");
}
