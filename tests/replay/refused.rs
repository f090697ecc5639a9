//! What cannot be replayed is said before anything runs, all of it at once.

use crate::common::clip::yard;
use crate::common::topology;
use crate::{MOTION_TO_ASSETS, command, said};

fn fails(topology: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = command(topology, folder.path(), arguments).output().unwrap();
    assert!(output.stdout.is_empty());
    (output.status.code(), said(&output))
}

#[test]
fn all_mistakes_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut document = topology::document("2.0", &[], &[topology::asset_sink("camera")]);
    document["properties"]["sources"][0]["transport"] = "Http".into();
    let topology = topology::write(&document, folder.path());
    let arguments = ["--input", "camera=no-such-clip", "--input", "garage=x.mp4"];
    let (code, said) = fails(topology.to_str().unwrap(), &arguments);
    assert_eq!(code, Some(78), "{said}");
    for part in [
        "error: the topology has no camera `garage`\nhint: it has `camera`",
        "error: there is no file, folder or asset `no-such-clip`",
        "error: the transport `Http` is not available yet",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
}

#[test]
fn a_component_that_is_not_there_is_told_beside_a_recording_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let extension = topology::extension(std::path::Path::new("missing.wasm"), "camera");
    let document = topology::document("2.0", &[extension], &[topology::message_sink("detector")]);
    let topology = topology::write(&document, folder.path());
    let (code, said) = fails(topology.to_str().unwrap(), &["--input", "camera=nothing"]);
    assert_eq!(code, Some(78), "{said}");
    assert!(
        said.contains("error: node `detector`: cannot read the component"),
        "{said}"
    );
    assert!(
        said.contains("error: there is no file, folder or asset `nothing`"),
        "{said}"
    );
}

#[test]
fn a_camera_without_a_recording_is_a_wrong_command_line() {
    let yard = yard();
    let other = format!("front={}", yard.display());
    let (code, said) = fails(MOTION_TO_ASSETS, &["--input", &other]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("the source `camera` is given no recording\nhint: `--input camera=CLIP`"),
        "{said}"
    );
    let (code, said) = fails(MOTION_TO_ASSETS, &["--input", "yard.mp4", "--input", "=x"]);
    assert_eq!(code, Some(2), "{said}");
    assert_eq!(said.matches("is no recording for a source").count(), 2, "{said}");
}

#[test]
fn what_is_no_recording_fails() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.mp4");
    std::fs::write(&text, "no clip at all, by no means").unwrap();
    let (code, said) = fails(
        MOTION_TO_ASSETS,
        &["--input", &format!("camera={}", text.display())],
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("notes.mp4"), "{said}");
    let empty = format!("camera={}", folder.path().display());
    let (code, said) = fails(MOTION_TO_ASSETS, &["--input", &empty]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("holds no pictures"), "{said}");
}

#[test]
fn messages_that_nobody_would_hear_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let messages = folder.path().join("messages.jsonl");
    std::fs::write(
        &messages,
        "{\"time\": \"2026-11-20T12:00:09Z\", \"input\": \"door\"}\n",
    )
    .unwrap();
    let input = format!("camera={}", yard().display());
    let arguments = ["--input", &input, "--messages", messages.to_str().unwrap()];
    let (code, said) = fails(MOTION_TO_ASSETS, &arguments);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("messages came by `door`, and no source"), "{said}");
}
