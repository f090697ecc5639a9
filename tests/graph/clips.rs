//! Event-based recording: clips are as long as the arithmetic of the signal gate says, picture by picture.

use std::path::Path;

use serde_json::Value;

use crate::common::camera::Camera;
use crate::common::clip::{cut, yard};
use crate::common::graph::{Finished, Graph, SOON, START, assets, files};
use crate::common::judge::{self, Sample};
use crate::common::repository;
use crate::topology;

const SECOND: u64 = 90_000;
/// 25 pictures a second, and a quarter more for the smoothing of the camera's time.
const FRAME: u64 = 4_500;

/// How a gate is set.
struct Rules {
    pre_roll: u64,
    minimum: u64,
    maximum: u64,
}

/// From when until when each activation lets media through, in ticks.
///
/// The first event starts it; each further one up to `minimum` after the one before prolongs it; `maximum` after the
/// first it ends, come what may, and the next event starts another. An evaluation window of one second changes
/// nothing where events come in order and `minimum` is not shorter.
fn expected(events: &[u64], rules: &Rules) -> Vec<(u64, u64)> {
    let mut activations: Vec<(u64, u64)> = Vec::new();
    for &at in events {
        match activations.last_mut() {
            Some((first, last)) if at <= *last + rules.minimum && at < *first + rules.maximum => *last = at,
            _ => activations.push((at, at)),
        }
    }
    let span = |(first, last): (u64, u64)| {
        (
            first - rules.pre_roll,
            (last + rules.minimum).min(first + rules.maximum),
        )
    };
    activations.into_iter().map(span).collect()
}

/// A clip begins at the keyframe at or before the start, and its last picture is the last before the end.
fn spans(clip: &[(u64, bool)], (start, end): (u64, u64)) {
    let ((first, sync), (last, _)) = (clip[0], clip[clip.len() - 1]);
    assert!(sync && first <= start, "it begins at {first}, after {start}");
    let between = clip[1..].iter().find(|(time, sync)| *sync && *time <= start);
    assert_eq!(between, None, "{start} has a nearer keyframe than {first}");
    assert!(
        last < end && end <= last + FRAME,
        "it ends at {last}, not just before {end}"
    );
}

fn times(samples: &[&Sample]) -> Vec<(u64, bool)> {
    samples.iter().map(|sample| (sample.time, sample.sync)).collect()
}

/// Waits until so many recordings have ended by themselves.
fn watch(graph: Graph, recordings: usize) -> Finished {
    graph.event("Inference", START);
    graph.nth("RecordingStopped", recordings, SOON);
    graph.stop()
}

/// The first movement of the demo's clip comes after six seconds of this one and takes three; the next never comes.
fn one_movement(folder: &Path) -> std::path::PathBuf {
    cut(&yard(), 4, 16, &folder.join("clip.mp4"))
}

#[test]
fn motion_that_outlasts_the_maximum_makes_two_assets_of_exactly_that_length() {
    let folder = tempfile::tempdir().unwrap();
    let camera = Camera::ours(&one_movement(folder.path()), &["--loops", "1"]);
    let state = folder.path().join("state");
    let rules = Rules {
        pre_roll: SECOND,
        minimum: 2 * SECOND,
        maximum: 2 * SECOND,
    };
    let parameters = [
        ("rtspUrl", camera.url.as_str()),
        ("preRoll", "-PT1S"),
        ("minimumClip", "PT2S"),
        ("maximumClip", "PT2S"),
    ];
    let finished = watch(
        Graph::start("topologies/evr-motion-assets", &parameters, &state),
        2,
    );
    let wanted = expected(&finished.inferences(), &rules);
    assert_eq!(wanted.len(), 2, "{wanted:?}");
    let recordings: Vec<_> = assets(&state).iter().map(|asset| judge::judged(asset)).collect();
    assert_eq!(recordings.len(), 2);
    for (recording, span) in recordings.iter().zip(wanted) {
        spans(&times(&recording.video()), span);
        assert!(!recording.audio().is_empty());
    }
}

/// The topology of the repository with a second sink, which records everything: files know no wall clock, but the
/// same pictures stand in the asset with theirs.
pub(crate) fn beside_everything(folder: &Path) -> std::path::PathBuf {
    let text = std::fs::read(repository("topologies/evr-motion-files/topology.json")).unwrap();
    let mut document: Value = serde_json::from_slice(&text).unwrap();
    let sinks = document["properties"]["sinks"].as_array_mut().unwrap();
    sinks.push(topology::asset_sink("camera"));
    topology::write(&document, folder)
}

#[test]
fn further_motion_prolongs_a_file_until_the_minimum_after_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let camera = Camera::ours(&one_movement(folder.path()), &["--loops", "1"]);
    let state = folder.path().join("state");
    let rules = Rules {
        pre_roll: 3 * SECOND,
        minimum: 2 * SECOND,
        maximum: 60 * SECOND,
    };
    let parameters = [
        ("rtspUrl", camera.url.as_str()),
        ("preRoll", "-PT3S"),
        ("minimumClip", "PT2S"),
        ("maximumClip", "PT1M"),
    ];
    let topology = beside_everything(folder.path());
    let finished = watch(Graph::start(topology.to_str().unwrap(), &parameters, &state), 1);
    let wanted = expected(&finished.inferences(), &rules);
    assert_eq!(wanted.len(), 1, "{wanted:?}");
    let file = judge::judged(&files(&state, "/var/media")[0]);
    let everything = judge::judged(&assets(&state)[0]);
    let (clip, all) = (file.hashes(), everything.hashes());
    let at = (0..=all.len() - clip.len()).find(|at| all[*at..*at + clip.len()] == clip[..]);
    let at = at.expect("the file holds an unbroken run of the camera's pictures");
    spans(&times(&everything.video()[at..at + clip.len()]), wanted[0]);
}
