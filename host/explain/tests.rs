//! Scenarios: what a journal of a bad night says the next morning.

use serde_json::{Value, json};

use super::*;
use crate::events::journal::{FILE_NAME, Journal, JournalLimits, Reader};
use crate::events::notes::{DETECTION, FRAMES, GATE_DECISION, GRAPH};
use crate::events::{Event, EventSink};
use crate::media::{ManualClock, MediaTime};

use super::evidence::*;

/// A journal of one instance `yard`: camera, motion, gate, sink. Moments are seconds after 14:00:00.
struct Night {
    dir: tempfile::TempDir,
    journal: Journal,
}

fn at(second: i64) -> Timestamp {
    let start: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
    start
        .checked_add(jiff::SignedDuration::from_secs(second))
        .unwrap()
}

fn text(second: i64) -> String {
    iso(at(second))
}

use super::moment::iso;

const CAMERA: &str = "sources/camera";
const MOTION: &str = "processors/motion";
const GATE: &str = "processors/gate";
const SINK: &str = "sinks/asset";

impl Night {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::new(at(10_000));
        let journal =
            Journal::open(dir.path(), JournalLimits::default(), std::sync::Arc::new(clock)).unwrap();
        let night = Self { dir, journal };
        night.event("", 0, STARTED, json!({}));
        night.event(CAMERA, 2, ESTABLISHED, json!({"sdp": "SDP:\n"}));
        night
    }

    fn made(node: &str, second: i64, event_type: &str, data: Value) -> Event {
        let mut event = Event::about(
            Some("yard"),
            event_type,
            MediaTime::from_timestamp(at(second)),
            data,
        );
        if !node.is_empty() {
            event.subject = format!("{}/{node}", event.subject);
        }
        event
    }

    fn event(&self, node: &str, second: i64, event_type: &str, data: Value) {
        self.journal.publish(Self::made(node, second, event_type, data));
    }

    fn note(&self, node: &str, second: i64, event_type: &str, data: Value) {
        self.journal.note(Self::made(node, second, event_type, data));
    }

    /// The minute that ends at `second`.
    fn frames(&self, node: &str, second: i64, received: u64) {
        let data =
            json!({"seconds": 60, "received": received, "processed": received, "dropped": 0, "found": 0});
        self.note(node, second, FRAMES, data);
    }

    fn made_of(&self, second: i64, nodes: &[(&str, &str)]) {
        let nodes: Vec<Value> = nodes
            .iter()
            .map(|(name, role)| json!({"name": name, "role": role}))
            .collect();
        self.note("", second, GRAPH, json!({ "nodes": nodes }));
    }

    fn motion(&self, second: i64) {
        self.note(
            MOTION,
            second,
            DETECTION,
            json!({"frames": 3, "found": {"motion": 3}}),
        );
    }

    fn decided(&self, second: i64, decision: &str, span: Option<(i64, i64)>, reason: Option<&str>) {
        let spans: Vec<Value> = span
            .into_iter()
            .map(|(start, end)| json!({"id": 7, "start": text(start), "end": text(end)}))
            .collect();
        let data = json!({
            "origin": "motion", "observed": {"motion": 3}, "decision": decision, "reason": reason, "spans": spans,
        });
        self.note(GATE, second, GATE_DECISION, data);
    }

    fn recording(&self, second: i64, name: &str, output: &str) {
        self.event(
            SINK,
            second,
            name,
            json!({"outputType": "assetName", "outputLocation": output}),
        );
    }

    fn ask(self, second: i64) -> Explanation {
        assert!(self.journal.close());
        let question = Question {
            instance: "yard".to_owned(),
            at: at(second),
            window: DEFAULT_WINDOW,
        };
        // As if the host were not running.
        let reader = Reader::open(&self.dir.path().join(FILE_NAME)).unwrap();
        explain(&question, &gather(&reader, &question).unwrap())
    }
}

fn verdict(explanation: &Explanation, link: Link) -> Vec<Verdict> {
    let of_link = explanation.steps.iter().filter(|step| step.link == link);
    of_link.map(|step| step.verdict).collect()
}

#[test]
fn the_camera_was_away() {
    let night = Night::new();
    let lost = json!({"since": text(100), "message": "connection refused"});
    night.event(CAMERA, 100, CAMERA_LOST, lost);
    night.frames(CAMERA, 160, 0);
    night.event(
        CAMERA,
        400,
        CAMERA_RESTORED,
        json!({"since": text(100), "seconds": 300.0}),
    );
    let explanation = night.ask(120);
    assert_eq!(explanation.clip, Some(false));
    assert_eq!(
        explanation.conclusion,
        "there is no clip because the camera of node `camera` was away: from 2026-11-20T14:01:40.000Z until \
         2026-11-20T14:06:40.000Z (connection refused)"
    );
    assert_eq!(verdict(&explanation, Link::Camera), [Verdict::Broken]);
    assert_eq!(verdict(&explanation, Link::Instance), [Verdict::Fine]);
}

#[test]
fn the_detector_found_nothing() {
    let night = Night::new();
    night.frames(CAMERA, 160, 1500);
    night.frames(MOTION, 160, 300);
    // Long before, it had.
    night.motion(20);
    night.decided(21, "open", Some((20, 50)), None);
    night.recording(21, RECORDING_STARTED, "yard-1");
    night.recording(50, RECORDING_STOPPED, "yard-1");
    let explanation = night.ask(120);
    assert_eq!(explanation.clip, Some(false));
    assert_eq!(
        explanation.conclusion,
        "there is no clip because detector `motion` found nothing within 30 s of that moment"
    );
    let detector = explanation
        .steps
        .iter()
        .find(|step| step.link == Link::Detector)
        .unwrap();
    assert!(
        detector
            .message
            .starts_with("it answered 300 frames in that minute"),
        "{}",
        detector.message
    );
    assert_eq!(
        verdict(&explanation, Link::Frames),
        [Verdict::Fine, Verdict::Fine]
    );
}

#[test]
fn the_gate_stayed_closed_because_the_event_was_too_old() {
    let night = Night::new();
    night.frames(CAMERA, 160, 1500);
    night.motion(118);
    let reason = format!("the media before {} is no longer held", text(300));
    night.decided(118, "tooLate", Some((110, 148)), Some(&reason));
    let explanation = night.ask(120);
    assert_eq!(explanation.clip, Some(false));
    assert_eq!(
        explanation.conclusion,
        "there is no clip because gate `gate` let nothing of that moment through: motion (3 times) at \
         2026-11-20T14:01:58.000Z came too late: the media before 2026-11-20T14:05:00.000Z is no longer held"
    );
}

#[test]
fn the_gate_considered_it_and_stayed_closed() {
    let night = Night::new();
    night.motion(118);
    night.decided(118, "nothing", None, None);
    let explanation = night.ask(120);
    assert!(
        explanation
            .conclusion
            .ends_with("it considered motion (3 times) at 2026-11-20T14:01:58.000Z and stayed closed"),
        "{}",
        explanation.conclusion
    );
}

#[test]
fn the_component_was_down() {
    let night = Night::new();
    night.frames(CAMERA, 160, 1500);
    let down =
        json!({"extension": "motion-detector", "state": "failed", "message": "it trapped; it is given up"});
    night.event(MOTION, 90, DOWN, down);
    let explanation = night.ask(120);
    assert_eq!(
        explanation.conclusion,
        "there is no clip because the component of node `motion` was down: since 2026-11-20T14:01:30.000Z (it trapped; \
         it is given up)"
    );
}

#[test]
fn a_component_that_was_back_is_not_to_blame() {
    let night = Night::new();
    night.event(MOTION, 90, DOWN, json!({"message": "it trapped"}));
    night.event(MOTION, 95, BACK, json!({}));
    night.frames(MOTION, 160, 300);
    let explanation = night.ask(120);
    assert!(
        explanation.conclusion.contains("detector `motion` found nothing"),
        "{}",
        explanation.conclusion
    );
}

#[test]
fn it_was_recorded() {
    let night = Night::new();
    night.frames(CAMERA, 160, 1500);
    night.motion(118);
    night.decided(118, "open", Some((113, 148)), None);
    night.decided(130, "extend", Some((113, 160)), None);
    night.recording(119, RECORDING_STARTED, "yard-20261120");
    night.recording(161, RECORDING_STOPPED, "yard-20261120");
    night.recording(162, RECORDING_AVAILABLE, "yard-20261120");
    // Before the gate opened; its media reaches back.
    let explanation = night.ask(114);
    assert_eq!(explanation.clip, Some(true));
    assert_eq!(explanation.conclusion, "there is a clip: `yard-20261120`");
    assert!(
        explanation.steps.iter().all(|step| step.verdict == Verdict::Fine),
        "{explanation:#?}"
    );
    assert_eq!(explanation.steps.last().unwrap().link, Link::Upload);
}

#[test]
fn the_camera_went_away_while_the_gate_was_open() {
    let night = Night::new();
    night.motion(100);
    night.decided(100, "open", Some((95, 130)), None);
    night.recording(101, RECORDING_STARTED, "yard-1");
    night.event(
        CAMERA,
        105,
        CAMERA_LOST,
        json!({"since": text(105), "message": "it ended the session"}),
    );
    night.recording(106, RECORDING_STOPPED, "yard-1");
    let explanation = night.ask(120);
    assert_eq!(explanation.clip, Some(false));
    assert!(
        explanation
            .conclusion
            .starts_with("there is no clip because the camera of node `camera` was away"),
        "{}",
        explanation.conclusion
    );
    assert_eq!(verdict(&explanation, Link::Sink), [Verdict::Broken]);
}

#[test]
fn a_continuous_recording_has_nothing_of_a_camera_that_was_away() {
    let night = Night::new();
    night.recording(3, RECORDING_STARTED, "yard");
    night.event(
        CAMERA,
        100,
        CAMERA_LOST,
        json!({"since": text(100), "message": "no route"}),
    );
    night.event(CAMERA, 140, CAMERA_RESTORED, json!({}));
    let explanation = night.ask(120);
    assert_eq!(explanation.clip, Some(false));
    assert!(
        explanation.conclusion.contains("was away: from"),
        "{}",
        explanation.conclusion
    );
}

#[test]
fn a_moment_between_two_clips_is_in_neither() {
    let night = Night::new();
    for (id, start) in [(1, 60), (2, 200)] {
        let spans = json!([{"id": id, "start": text(start), "end": text(start + 30)}]);
        night.note(
            GATE,
            start,
            GATE_DECISION,
            json!({"decision": "open", "origin": "motion", "spans": spans}),
        );
        let output = format!("clip-{id}");
        night.recording(start + 1, RECORDING_STARTED, &output);
        night.recording(start + 31, RECORDING_STOPPED, &output);
    }
    let explanation = night.ask(110);
    assert_eq!(explanation.clip, Some(false));
    assert!(
        explanation
            .conclusion
            .contains("gate `gate` let nothing of that moment through"),
        "{}",
        explanation.conclusion
    );
}

#[test]
fn a_continuous_recording_has_a_hole_where_media_was_dropped() {
    let night = Night::new();
    night.recording(3, RECORDING_STARTED, "yard");
    let dropped = json!({"dataType": "media", "start": text(115), "end": text(125), "units": 250, "message": "the disk was full"});
    night.event(SINK, 125, DATA_DROPPED, dropped);
    let explanation = night.ask(120);
    assert_eq!(explanation.clip, Some(true));
    assert_eq!(
        explanation.conclusion,
        "there is a clip: `yard`, but media from 2026-11-20T14:01:55.000Z to 2026-11-20T14:02:05.000Z is missing: the \
         disk was full"
    );
}

#[test]
fn the_gate_opened_and_the_disk_refused() {
    let night = Night::new();
    night.motion(118);
    night.decided(118, "open", Some((113, 148)), None);
    night.event(
        SINK,
        119,
        STORAGE_ERROR,
        json!({"message": "no space left on device"}),
    );
    let explanation = night.ask(120);
    assert_eq!(
        explanation.conclusion,
        "there is no clip because nothing could be stored: no space left on device"
    );
}

#[test]
fn the_instance_was_not_active() {
    let night = Night::new();
    night.event("", 60, STOPPED, json!({}));
    night.event("", 600, STARTED, json!({}));
    let explanation = night.ask(120);
    assert_eq!(
        explanation.conclusion,
        "there is no clip because graph instance `yard` was not active: it was deactivated at 2026-11-20T14:01:00.000Z"
    );
}

#[test]
fn a_graph_in_which_nothing_records_has_no_clips() {
    let night = Night::new();
    night.made_of(
        0,
        &[("camera", "camera"), ("motion", "detector"), ("hub", "other")],
    );
    night.frames(CAMERA, 160, 1500);
    night.motion(118);
    let explanation = night.ask(120);
    assert_eq!(explanation.clip, Some(false));
    assert_eq!(
        explanation.conclusion,
        "there is no clip because nothing in this graph records: its topology has neither an asset sink nor a file sink"
    );
    assert_eq!(verdict(&explanation, Link::Sink), [Verdict::Broken]);
}

#[test]
fn a_gate_that_was_never_asked_and_a_sink_that_never_recorded_are_named() {
    let night = Night::new();
    night.made_of(
        0,
        &[("camera", "camera"), ("gate", "gate"), ("asset", "recorder")],
    );
    night.frames(CAMERA, 160, 1500);
    let explanation = night.ask(120);
    assert_eq!(
        explanation.conclusion,
        "there is no clip because gate `gate` let nothing of that moment through: it was closed: nothing was told to it \
         within the window"
    );
    let night = Night::new();
    night.made_of(0, &[("camera", "camera"), ("asset", "recorder")]);
    let explanation = night.ask(120);
    assert_eq!(
        explanation.conclusion,
        "there is no clip because sink `asset` has recorded nothing, as far as the journal goes back"
    );
}

/// Continuous; the host is killed at 100 and starts again at 300.
fn killed() -> Night {
    let night = Night::new();
    night.recording(3, RECORDING_STARTED, "yard-1");
    night.frames(CAMERA, 60, 1500);
    night.event("", 300, STARTED, json!({}));
    night.event(CAMERA, 302, ESTABLISHED, json!({"sdp": "SDP:\n"}));
    night.recording(303, RECORDING_STARTED, "yard-2");
    night.frames(CAMERA, 360, 1500);
    night
}

#[test]
fn a_host_that_was_killed_did_not_run_until_it_was_started_again() {
    let explanation = killed().ask(250);
    assert_eq!(
        explanation.conclusion,
        "there is no clip because graph instance `yard` was not active: the host ended without a word after \
         2026-11-20T14:01:00.000Z, and began anew at 2026-11-20T14:05:00.000Z"
    );
    let before = killed().ask(50);
    assert_eq!(before.conclusion, "there is a clip: `yard-1`");
    let sink = before.steps.iter().find(|step| step.link == Link::Sink).unwrap();
    assert!(
        sink.message
            .ends_with("which was cut off before the host began anew at 2026-11-20T14:05:00.000Z"),
        "{}",
        sink.message
    );
    let after = killed().ask(350);
    assert_eq!(after.conclusion, "there is a clip: `yard-2`");
}

#[test]
fn a_host_that_is_still_away_is_told_from_its_silence() {
    let night = Night::new();
    night.recording(3, RECORDING_STARTED, "yard-1");
    night.frames(CAMERA, 60, 1500);
    let explanation = night.ask(500);
    assert_eq!(
        explanation.conclusion,
        "there is no clip because graph instance `yard` was not active: the host has said nothing of it since \
         2026-11-20T14:01:00.000Z: it ended without a word"
    );
}

#[test]
fn what_a_gate_decided_before_a_restart_ends_with_it() {
    let night = Night::new();
    night.motion(98);
    night.decided(98, "open", Some((93, 130)), None);
    night.recording(99, RECORDING_STARTED, "yard-1");
    night.event("", 105, STARTED, json!({}));
    let explanation = night.ask(120);
    assert_eq!(explanation.clip, Some(false), "{explanation:#?}");
}

#[test]
fn what_the_journal_does_not_say_is_unknown() {
    let explanation = Night::new().ask(-7200);
    assert_eq!(explanation.clip, None);
    assert!(
        explanation
            .conclusion
            .contains("the journal begins at 2026-11-20T14:00:00.000Z"),
        "{}",
        explanation.conclusion
    );
    let explanation = Night::new().ask(120);
    assert_eq!(explanation.clip, None);
    assert!(
        explanation.conclusion.contains("knows of no recording"),
        "{}",
        explanation.conclusion
    );
}

#[tokio::test]
async fn a_running_host_can_be_asked() {
    let night = Night::new();
    night.event(
        CAMERA,
        100,
        CAMERA_LOST,
        json!({"since": text(100), "message": "no route"}),
    );
    night.journal.flush().await;
    let question = Question {
        instance: "yard".to_owned(),
        at: at(120),
        window: std::time::Duration::from_secs(10),
    };
    let asked = question.clone();
    let evidence = night
        .journal
        .read(move |reader| gather(reader, &asked))
        .await
        .unwrap();
    let explanation = explain(&question, &evidence);
    assert_eq!((explanation.from, explanation.to), (text(110), text(130)));
    assert!(
        explanation.conclusion.contains("it has not come back since"),
        "{}",
        explanation.conclusion
    );
}

#[test]
fn a_store_that_takes_nothing_is_told_beside_what_it_has() {
    let upload = |resumed: bool| {
        let night = Night::new();
        night.recording(1, RECORDING_STARTED, "yard-1");
        let host = |second, event_type: &str, data| {
            let at = MediaTime::from_timestamp(at(second));
            night.journal.publish(Event::about(None, event_type, at, data));
        };
        host(
            20,
            STORE_PAUSED,
            json!({"store": "cloud", "message": "there is no connection"}),
        );
        if resumed {
            host(40, STORE_RESUMED, json!({"store": "cloud", "afterSeconds": 20}));
            night.recording(41, RECORDING_AVAILABLE, "yard-1");
        }
        let mut steps = night.ask(100).steps;
        steps.retain(|step| step.link == Link::Upload);
        steps
    };
    let steps = upload(false);
    assert_eq!(steps.len(), 2, "{steps:#?}");
    assert_eq!(steps[0].verdict, Verdict::Unknown);
    assert_eq!(steps[1].verdict, Verdict::Broken);
    assert!(steps[1].message.contains("`cloud`") && steps[1].message.contains("no connection"));
    let steps = upload(true);
    assert_eq!(steps.len(), 1, "{steps:#?}");
    assert_eq!(steps[0].verdict, Verdict::Fine);
}
