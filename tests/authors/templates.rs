//! Every template builds with its language's own tools, passes its own test, and finds what moves in a real clip.

use std::path::Path;

use serde_json::Value;

use crate::common::clip::{cut, yard};
use crate::common::repository;
use crate::project::Project;
use crate::reference::{self, Seen};

/// Seconds of the yard in which somebody runs through it, and some stillness before and after.
const PART: (u32, u32) = (8, 8);

/// What a detector of a template says of the yard, after its own test.
fn detector(language: &str) -> Vec<Value> {
    let project = Project::new(language, "detector");
    project.follow_the_readme();
    let seen = project.inspect().json();
    assert_eq!(seen["world"], "detector", "{language}: {seen}");
    assert_eq!(seen["input"]["width"], 160, "{language}: {seen}");
    let clip = cut(&yard(), PART.0, PART.1, &project.folder.join("yard.mp4"));
    let said = project.test(&[clip.to_str().unwrap()]).json();
    let said = said["said"].as_array().unwrap().clone();
    finds_what_moves(&clip, &said, language);
    said
}

/// Holds the boxes against those of a computation that shares nothing with mediagraph.
fn finds_what_moves(clip: &Path, said: &[Value], language: &str) {
    let expected = reference::motion(clip);
    assert!(expected.len() > 10, "{expected:?}");
    let told: Vec<Seen> = said.iter().map(Seen::of).collect();
    let right = expected
        .iter()
        .filter(|one| told.iter().any(|other| one.is(other)))
        .count();
    let spare = told
        .iter()
        .filter(|one| !expected.iter().any(|other| one.is(other)))
        .count();
    assert!(
        right * 10 >= expected.len() * 9 && spare * 10 <= told.len(),
        "{language}: {right} of {} found, {spare} too many\nexpected {expected:#?}\ngot {told:#?}",
        expected.len()
    );
}

#[test]
fn a_detector_in_rust_finds_what_moves() {
    detector("rust");
}

#[test]
fn a_detector_in_c_finds_what_moves() {
    detector("c");
}

#[test]
fn a_detector_in_javascript_finds_what_moves() {
    detector("js");
}

#[test]
fn a_detector_in_python_finds_what_moves() {
    detector("python");
}

#[test]
fn a_gate_in_rust_passes_its_own_test() {
    let project = Project::new("rust", "gate");
    project.follow_the_readme();
    assert_eq!(project.inspect().json()["historySeconds"], 2.0);
}

#[test]
fn a_processor_in_rust_passes_its_own_test() {
    let project = Project::new("rust", "processor");
    project.follow_the_readme();
    assert_eq!(project.inspect().json()["world"], "processor");
}

/// Where the square of the templates' clip was drawn: its left side, in pixels of 320; it is 40 wide and moves 80 a second.
fn drawn(seconds: f64) -> Option<f64> {
    (1.95..=4.95)
        .contains(&seconds)
        .then_some(20.0 + (seconds - 2.0) * 80.0)
}

#[test]
fn the_templates_expect_what_was_drawn() {
    let golden = repository("host/cli/extension/templates/common/detector.golden.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(golden).unwrap()).unwrap();
    let said = golden["said"].as_array().unwrap();
    assert_eq!(said.len(), 16, "it appears, moves fourteen times and is gone");
    for one in said {
        let seconds = one["seconds"].as_f64().unwrap();
        let both: Vec<f64> = [drawn(seconds - 0.2), drawn(seconds)]
            .into_iter()
            .flatten()
            .collect();
        let (left, right) = (both[0], both[both.len() - 1] + 40.0);
        let motion = &one["inferences"][0]["motion"]["box"];
        for (side, pixels, of) in [
            ("l", left, 320.0),
            ("w", right - left, 320.0),
            ("t", 60.0, 180.0),
            ("h", 40.0, 180.0),
        ] {
            let got = motion[side].as_f64().unwrap() * of;
            assert!((got - pixels).abs() < 2.0, "{one}: {side} {got}, drawn {pixels}");
        }
    }
}
