//! How a replay ends before its media does, and what a component that hangs costs.

use std::io::{BufRead, BufReader, Read as _};
use std::process::Stdio;

use serde_json::json;

use crate::common::clip::{cut, yard};
use crate::common::graph::{DRAIN, START};
use crate::common::process::Process;
use crate::common::topology;
use crate::{MOTION_TO_ASSETS, command, component, replay};

#[test]
fn ctrl_c_ends_it_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let input = format!("camera={}", yard().display());
    // Slow enough to be interrupted: each picture waits for a component that sleeps.
    let topology = sleeping(folder.path());
    let mut command = command(&topology, folder.path(), &["--input", &input]);
    let process = Process::start("the replay", &mut command);
    process.wait_stdout("event", START, |lines| (lines.len() > 1).then_some(()));
    process.signal("INT");
    let ended = process.end(DRAIN);
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    let last = ended.stdout.lines().last().unwrap();
    assert!(last.contains("GraphInstanceStopped"), "{last}");
    assert!(ended.stderr.contains("stopped after"), "{}", ended.stderr);
}

/// Ten milliseconds for each picture, and one motion in it.
fn sleeping(folder: &std::path::Path) -> String {
    let mut fixture = component::detector().with_sleep();
    fixture.act = format!("(call $sleep (i64.const 10000000)) {}", component::DETECT);
    beside(&fixture, "PT1S", folder)
}

fn beside(fixture: &component::Fixture, timeout: &str, folder: &std::path::Path) -> String {
    let path = folder.join("component.wasm");
    std::fs::write(&path, fixture.bytes()).unwrap();
    let mut extension = topology::extension(&path, "camera");
    extension["limits"] = json!({"memoryMiB": 16, "timeout": timeout});
    let document = topology::document("2.0", &[extension], &[topology::message_sink("detector")]);
    topology::write(&document, folder).to_str().unwrap().to_owned()
}

#[test]
fn a_reader_who_has_heard_enough_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let input = format!("camera={}", yard().display());
    let topology = sleeping(folder.path());
    let mut child = command(&topology, folder.path(), &["--input", &input])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    assert!(first.contains("GraphInstanceStarted"), "{first}");
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
}

#[test]
fn a_component_that_hangs_is_told_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let clip = cut(&yard(), 0, 4, &folder.path().join("clip.mp4"));
    let mut fixture = component::detector();
    fixture.act = format!("(loop (br 0)) unreachable {}", component::DETECT);
    let topology = beside(&fixture, "PT0.02S", folder.path());
    let input = format!("camera={}", clip.display());
    let replayed = replay(&topology, folder.path(), &["--input", &input]);
    let down = replayed.named("ExtensionDown");
    assert_eq!(down[0].text("state"), "restarting");
    assert!(
        down[0].text("message").contains("200ms"),
        "ten times as patient as live: {}",
        down[0].text("message")
    );
    assert!(replayed.named("Inference").is_empty());
    // Waits between restarts are media time as well.
    assert_eq!(
        replayed.stdout,
        replay(&topology, folder.path(), &["--input", &input]).stdout
    );
}

#[test]
fn what_cannot_be_read_to_its_end_fails_after_what_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let clip = cut(&yard(), 8, 8, &folder.path().join("clip.mp4"));
    let state = folder.path().join("state");
    let input = format!("camera={}", clip.display());
    let record = [
        "--input",
        &input,
        "--record",
        state.to_str().unwrap(),
        "-p",
        "assetPrefix=a",
    ];
    replay(MOTION_TO_ASSETS, folder.path(), &record);
    let asset = crate::common::graph::assets(&state).remove(0);
    let segment = std::fs::read_dir(&asset)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "m4s"))
        .unwrap();
    let bytes = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &bytes[..bytes.len() / 2]).unwrap();
    let input = format!("camera={}", asset.display());
    let output = command(MOTION_TO_ASSETS, folder.path(), &["--input", &input])
        .output()
        .unwrap();
    let said = crate::said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error: the recording of `camera`: "), "{said}");
    assert!(
        said.contains(segment.file_name().unwrap().to_str().unwrap()),
        "{said}"
    );
}
