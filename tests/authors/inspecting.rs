//! `mediagraph extension inspect`.

use crate::fixture::{self, World};
use crate::{extension, write};

#[test]
fn a_component_tells_what_it_is_and_what_it_wants() {
    let text = extension(&["inspect", "motion-detector"]).good();
    for says in [
        "motion-detector 0.1.0",
        "world    detector",
        "SHA-256",
        "bytes",
        "wants    frames of",
        "mediagraph:extension/frames@0.1.0",
        "the frame that it is shown",
        "as this JSON Schema says",
    ] {
        assert!(text.contains(says), "no `{says}` in:\n{text}");
    }
    let json = extension(&["inspect", "signal-gate", "--json"]).json();
    assert_eq!(json["world"], "gate");
    assert_eq!(json["sha256"].as_str().unwrap().len(), 64);
    assert!(json["bytes"].as_u64().unwrap() > 1_000, "{json}");
    assert!(
        json["imports"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["inert"].is_boolean()),
        "{json}"
    );
}

#[test]
fn what_a_configuration_changes_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let window = r#"{"activationSignalOffset": "-PT7S", "minimumActivationTime": "PT1S", "maximumActivationTime": "PT2S"}"#;
    let config = write(folder.path(), "config.json", window);
    let plain = extension(&["inspect", "signal-gate", "--json"]).json();
    let configured = extension(&["inspect", "signal-gate", "--json", "--config", &config]).json();
    assert_ne!(
        plain["historySeconds"], configured["historySeconds"],
        "{configured}"
    );
    let wrong = write(folder.path(), "wrong.json", r#"{"nonsense": 1}"#);
    extension(&["inspect", "signal-gate", "--config", &wrong]).bad(78, &["wrong.json", "nonsense"]);
    let broken = write(folder.path(), "broken.json", "{");
    extension(&["inspect", "signal-gate", "--config", &broken]).bad(78, &["broken.json", "is not JSON"]);
}

#[test]
fn what_is_inert_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let napping = fixture::detector().with_sleep();
    let path = write(folder.path(), "napping.wasm", napping.bytes());
    let json = extension(&["inspect", &path, "--json"]).json();
    let inert: Vec<&str> = json["imports"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["inert"] == true)
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(inert, ["wasi:clocks/monotonic-clock@0.2.0", "wasi:io/poll@0.2.0"]);
    let text = extension(&["inspect", &path]).good();
    let line = text.lines().find(|line| line.contains("wasi:clocks")).unwrap();
    assert!(line.trim_start().starts_with("inert"), "{text}");
}

#[test]
fn a_component_that_cannot_be_constructed_is_shown_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut picky = fixture::detector();
    picky.constructor = "(i32.store8 (i32.const 3072) (i32.const 1)) (i32.const 3072)".into();
    let path = write(folder.path(), "picky.wasm", picky.bytes());
    let text = extension(&["inspect", &path]).good();
    assert!(
        text.contains("unknown: the extension refused: not this one"),
        "{text}"
    );
}

#[test]
fn what_is_no_component_is_told_from_what_is_a_broken_one() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fixture::detector().bytes();
    let other = wat::parse_str("(component)").unwrap();
    let mut future = fixture::detector();
    future.version = "0.2.0";
    let cases: [(&str, Vec<u8>, &str); 7] = [
        ("text.wasm", b"hello".to_vec(), "found text"),
        ("empty.wasm", Vec::new(), "an empty file"),
        (
            "core.wasm",
            wat::parse_str("(module)").unwrap(),
            "found a core module",
        ),
        (
            "short.wasm",
            whole[..whole.len() / 2].to_vec(),
            "is not a valid component",
        ),
        ("other.wasm", other, "exports none of"),
        (
            "future.wasm",
            future.bytes(),
            "rebuild it against the `wit` of this host",
        ),
        ("wat.wasm", b"(component)".to_vec(), "WebAssembly text"),
    ];
    for (name, bytes, says) in cases {
        let path = write(folder.path(), name, bytes);
        extension(&["inspect", &path]).bad(1, &[name, says]);
    }
    extension(&["inspect", "no-such-file.wasm"]).bad(1, &["cannot read the component", "No such file"]);
    extension(&["inspect", folder.path().to_str().unwrap()]).bad(1, &["it is not a file"]);
}

#[test]
fn each_world_is_inspected() {
    let folder = tempfile::tempdir().unwrap();
    for (fixture, name) in [
        (fixture::detector(), "detector"),
        (fixture::gate(), "gate"),
        (fixture::processor(), "processor"),
    ] {
        assert!(matches!(
            fixture.world,
            World::Detector | World::Gate | World::Processor
        ));
        let path = write(folder.path(), name, fixture.bytes());
        assert_eq!(extension(&["inspect", &path, "--json"]).json()["world"], name);
    }
}
