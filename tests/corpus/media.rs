//! Pictures that nobody in this project made, recorded all the time and with motion, from two cameras.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::camera::Camera;
use crate::common::clip::pictures;
use crate::common::graph::{Finished, Graph, START, assets};
use crate::common::judge::{self, Recording};
use crate::common::topology;

/// The clips take 38 s at most; a silent camera is given up after 15 s more.
const CLIP: Duration = Duration::from_secs(120);
const SECOND: f64 = 90_000.0;

/// When a car is wholly in the picture of `parking-lot-cars.mp4`, in seconds of the clip, and when nothing is there:
/// seen in a contact sheet of one picture a second (`ffmpeg -vf fps=1,tile=6x6`), with half a second to spare.
const CARS: [(f64, f64); 3] = [(5.5, 6.5), (15.5, 16.8), (25.8, 26.5)];
const NOTHING: [(f64, f64); 2] = [(10.0, 13.5), (20.0, 24.0)];

fn media(name: &str) -> PathBuf {
    crate::corpus().join("media").join(name)
}

/// What a graph made of a clip that was played once from beginning to end.
struct Recorded {
    finished: Finished,
    everything: Recording,
    clips: Vec<Recording>,
}

fn record(clip: &Path, camera: &Camera) -> Recorded {
    let folder = tempfile::tempdir().unwrap();
    let topology = topology::beside_everything("topologies/evr-motion-assets/topology.json", folder.path());
    let state = folder.path().join("state");
    let parameters = [
        ("rtspUrl", camera.url.as_str()),
        ("preRoll", "-PT1S"),
        ("minimumClip", "PT2S"),
        ("maximumClip", "PT1M"),
    ];
    let graph = Graph::start(topology.to_str().unwrap(), &parameters, &state);
    graph.event("RecordingStarted", START);
    // The end of the clip is the end of the session.
    graph.event("NetworkError", CLIP);
    let finished = graph.stop();
    let (clips, everything): (Vec<PathBuf>, Vec<PathBuf>) = assets(&state).into_iter().partition(|asset| {
        asset
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("motion-")
    });
    assert_eq!(everything.len(), 1, "{clip:?}");
    Recorded {
        finished,
        everything: judge::judged(&everything[0]),
        clips: clips.iter().map(|clip| judge::judged(clip)).collect(),
    }
}

/// All pictures of the clip are there, unchanged; the next session may have begun before the graph was stopped.
fn is_whole(recorded: &Recorded, clip: &Path) {
    let (hashes, sent) = (recorded.everything.hashes(), pictures(clip));
    assert!(
        hashes.len() >= sent.len(),
        "{clip:?}: {} of {}",
        hashes.len(),
        sent.len()
    );
    for (index, (hash, sent)) in hashes.iter().zip(sent.iter().cycle()).enumerate() {
        assert_eq!(hash, sent, "{clip:?}, picture {index}");
    }
    let dropped = recorded.finished.named("DataDropped");
    assert!(dropped.is_empty(), "{clip:?}: {dropped:?}");
    assert!(!recorded.clips.is_empty(), "{clip:?}: no motion at all");
}

fn cars_make_clips_and_the_empty_lot_does_not(recorded: &Recorded) {
    let origin = recorded.everything.video()[0].time as f64;
    let second = |ticks: u64| (ticks as f64 - origin) / SECOND;
    let events: Vec<f64> = recorded.finished.inferences().into_iter().map(second).collect();
    let span = |clip: &Recording| {
        let video = clip.video();
        (second(video[0].time), second(video[video.len() - 1].time))
    };
    let spans: Vec<(f64, f64)> = recorded.clips.iter().map(span).collect();
    for (start, end) in CARS {
        assert!(
            events.iter().any(|at| (start..end).contains(at)),
            "no motion from {start} to {end}"
        );
        let kept = spans.iter().any(|(first, last)| *first <= start && end <= *last);
        assert!(kept, "{start} to {end} is in no clip: {spans:?}");
    }
    for (start, end) in NOTHING {
        let seen: Vec<&f64> = events.iter().filter(|at| (start..end).contains(*at)).collect();
        assert!(
            seen.is_empty(),
            "motion where nothing moves, {start} to {end}: {seen:?}"
        );
    }
}

#[test]
fn cars_on_a_parking_lot_from_our_camera() {
    let clip = media("parking-lot-cars.mp4");
    let recorded = record(&clip, &Camera::ours(&clip, &["--loops", "1"]));
    is_whole(&recorded, &clip);
    cars_make_clips_and_the_empty_lot_does_not(&recorded);
    assert!(!recorded.everything.audio().is_empty());
}

#[test]
fn cars_on_a_parking_lot_from_a_foreign_camera() {
    let clip = media("parking-lot-cars.mp4");
    let recorded = record(&clip, &Camera::gstreamer(&clip, &[]));
    is_whole(&recorded, &clip);
    cars_make_clips_and_the_empty_lot_does_not(&recorded);
    assert!(!recorded.everything.audio().is_empty());
}

#[test]
fn traffic_in_a_street_from_our_camera() {
    let clip = media("street-traffic.mp4");
    is_whole(&record(&clip, &Camera::ours(&clip, &["--loops", "1"])), &clip);
}

#[test]
fn traffic_in_a_street_from_a_foreign_camera() {
    let clip = media("street-traffic.mp4");
    is_whole(&record(&clip, &Camera::gstreamer(&clip, &[])), &clip);
}
