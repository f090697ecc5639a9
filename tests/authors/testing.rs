//! `mediagraph extension test`: what it compares, and what it says of a difference.

use std::path::Path;

use serde_json::{Value, json};

use crate::common::clip::{cut, yard};
use crate::common::repository;
use crate::fixture::{self, DETECT, Fixture};
use crate::{extension, write};

/// The clip of the templates: 60 frames, 10 a second.
fn clip() -> String {
    let path = repository("host/cli/extension/templates/common/clip.mp4");
    path.to_str().unwrap().to_owned()
}

fn component(folder: &Path, fixture: &Fixture) -> String {
    write(folder, "component.wasm", fixture.bytes())
}

/// A detector that reports the middle of each frame, its answer written down.
fn golden(folder: &Path) -> (String, String) {
    let component = component(folder, &fixture::detector());
    let golden = folder.join("golden.json").to_str().unwrap().to_owned();
    let told = extension(&["test", &component, &clip(), "--expect", &golden, "--update"]).good();
    assert!(
        told.contains("written: 60 frames, something said of 60"),
        "{told}"
    );
    (component, golden)
}

fn change(golden: &str, change: impl FnOnce(&mut Value)) {
    let mut document: Value = serde_json::from_str(&std::fs::read_to_string(golden).unwrap()).unwrap();
    change(&mut document);
    std::fs::write(golden, document.to_string()).unwrap();
}

#[test]
fn what_was_written_down_is_what_passes() {
    let folder = tempfile::tempdir().unwrap();
    let (component, golden) = golden(folder.path());
    let told = extension(&["test", &component, &clip(), "--expect", &golden]).good();
    assert!(told.starts_with("passed: 60 frames"), "{told}");
    let again = extension(&["test", &component, &clip(), "--expect", &golden, "--update"]).good();
    assert!(again.contains("is as it was"), "{again}");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(&golden).unwrap()).unwrap();
    assert_eq!(document["said"][12]["frame"], 13);
    assert_eq!(document["said"][12]["seconds"], 1.2);
    assert_eq!(
        document["said"][12]["inferences"][0]["motion"]["box"],
        json!({"l": 0.25, "t": 0.25, "w": 0.5, "h": 0.5})
    );
}

#[test]
fn a_difference_is_told_with_frame_time_expected_and_got() {
    let folder = tempfile::tempdir().unwrap();
    let (component, golden) = golden(folder.path());
    change(&golden, |document| {
        document["said"][30]["inferences"][0]["motion"]["box"]["l"] = 0.4.into();
        document["said"].as_array_mut().unwrap().remove(40);
    });
    let arguments = ["test", &component, &clip(), "--expect", &golden];
    extension(&arguments).bad(
        1,
        &[
            "does not say what",
            "frame 31 at 3.000 s, /inferences/0/motion/box/l: expected 0.4, got 0.25",
            "frame 41 at 4.000 s: expected nothing, got [{",
            "`--update`",
        ],
    );
    let told = extension(&[&arguments[..], &["--json"]].concat()).json();
    assert_eq!(told["passed"], false);
    assert_eq!(told["differences"][0]["frame"], 31);
    assert_eq!(told["differences"][0]["expected"], 0.4);
    assert_eq!(told["differences"][1]["expected"], Value::Null);
    extension(&[&arguments[..], &["--tolerance", "0.2"]].concat()).bad(1, &["frame 41"]);
}

#[test]
fn small_differences_pass_and_the_tolerance_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let (component, golden) = golden(folder.path());
    change(&golden, |document| {
        document["said"][0]["inferences"][0]["motion"]["box"]["l"] = 0.255.into();
    });
    let arguments = ["test", &component, &clip(), "--expect", &golden];
    extension(&arguments).good();
    extension(&[&arguments[..], &["--tolerance", "0.001"]].concat()).bad(1, &["frame 1 at 0.000 s"]);
    extension(&[&arguments[..], &["--tolerance", "1"]].concat()).bad(2, &["less than 1.0"]);
}

#[test]
fn another_clip_than_that_of_the_golden_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (component, golden) = golden(folder.path());
    let other = cut(&yard(), 10, 2, &folder.path().join("other.mp4"));
    let arguments = ["test", &component, other.to_str().unwrap(), "--expect", &golden];
    extension(&arguments).bad(1, &["the whole clip, /shown: expected 60, got"]);
}

#[test]
fn the_same_component_says_the_same_of_the_same_clip() {
    let folder = tempfile::tempdir().unwrap();
    let clip = cut(&yard(), 8, 8, &folder.path().join("clip.mp4"));
    let arguments = ["test", "motion-detector", clip.to_str().unwrap()];
    let first = extension(&arguments).good();
    assert!(first.contains("\"motion\""), "{first}");
    assert_eq!(first, extension(&arguments).good());
}

#[test]
fn a_crash_is_told_with_the_frame_that_it_came_at() {
    let folder = tempfile::tempdir().unwrap();
    let mut third = fixture::detector();
    third.extra = "(global $shown (mut i32) (i32.const 0))".into();
    third.act = format!(
        "(global.set $shown (i32.add (global.get $shown) (i32.const 1)))
         (if (i32.eq (global.get $shown) (i32.const 3)) (then unreachable)) {DETECT}"
    );
    let path = component(folder.path(), &third);
    extension(&["test", &path, &clip()]).bad(1, &["crashed", "frame 3 at 0.200 s"]);
    let mut looping = fixture::detector();
    looping.act = "(loop (br 0)) unreachable".into();
    let path = component(folder.path(), &looping);
    extension(&["test", &path, &clip(), "--timeout", "1"]).bad(1, &["no answer within 1s", "frame 1"]);
}

#[test]
fn a_refusal_is_part_of_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut refusing = fixture::detector();
    refusing.act = "(call $drop-frame (local.get $frame)) (i32.const 3072)".into();
    let path = component(folder.path(), &refusing);
    let said = extension(&["test", &path, &clip()]).json();
    assert_eq!(
        said["said"][0],
        json!({"frame": 1, "seconds": 0.0, "refused": "not this one"})
    );
}

#[test]
fn what_cannot_be_tested_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = component(folder.path(), &fixture::detector());
    let text = write(folder.path(), "clip.txt", "no clip");
    let missing = folder.path().join("missing.json");
    let missing = missing.to_str().unwrap();
    extension(&["test", &path, "missing.mp4"]).bad(1, &["missing.mp4", "No such file"]);
    extension(&["test", &path, &text]).bad(1, &["clip.txt"]);
    extension(&["test", &path, &clip(), "--expect", missing]).bad(1, &["missing.json", "`--update`"]);
    extension(&["test", &path, &clip(), "--expect", &text]).bad(1, &["does not say what to expect"]);
    extension(&["test", &path, &clip(), "--update"]).bad(2, &["--expect"]);
}

#[test]
fn a_gate_is_told_what_a_detector_said_and_woken_when_it_asked() {
    let folder = tempfile::tempdir().unwrap();
    let observations = json!({"seconds": 10, "said": [
        {"seconds": 1, "inferences": [{"type": "motion", "motion": {"box": {"l": 0, "t": 0, "w": 1, "h": 1}}}]},
        {"seconds": 2, "inferences": []},
    ]});
    let told = write(folder.path(), "observations.json", observations.to_string());
    let window = r#"{"activationEvaluationWindow": "PT1S", "activationSignalOffset": "PT0S",
        "minimumActivationTime": "PT3S", "maximumActivationTime": "PT3S"}"#;
    let config = write(folder.path(), "config.json", window);
    let said = extension(&["test", "signal-gate", &told, "--config", &config]).json();
    assert_eq!(said["world"], "gate");
    let said = said["said"].as_array().unwrap();
    let opened = said.iter().flat_map(|one| one["actions"].as_array().unwrap());
    let opened: Vec<&Value> = opened.map(|action| &action["open"]).collect();
    assert!(!opened.is_empty(), "{said:?}");
    assert_eq!(opened[0]["start"], 1.0, "{said:?}");
    let clip = clip();
    extension(&["test", "signal-gate", &clip])
        .bad(1, &["holds no observations", "hint: gates and processors"]);
}
