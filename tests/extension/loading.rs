//! What is refused before a node ever sees it, and with which words.

use std::os::unix::fs::PermissionsExt;

use mediagraph::extension::limits::{MAX_COMPONENT_BYTES, MAX_KEPT_COMPILED};
use mediagraph::extension::{Engine, EngineOptions};

use crate::fixture;
use crate::host::{limits, load, refusal, still_works};

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn what_is_no_component_is_named() {
    let good = fixture::detector().bytes();
    for (bytes, says) in [
        (&b""[..], "found an empty file"),
        (b"hello", "found text"),
        (b"\xff\xfe\x00", "found something else"),
        (b"  (component)", "hint: translate it with `wasm-tools parse`"),
        (b"\x7fELF\x02\x01\x01", "precompiled components are not accepted"),
        (b"\0asm", "cut off"),
        (
            &component("(module)"),
            "found a core module\nhint: build for wasm32-wasip2",
        ),
        (&good[..good.len() / 2], "is not a valid component"),
        (&good[..good.len() - 1], "is not a valid component"),
    ] {
        let text = refusal(bytes);
        assert!(text.starts_with("extension `test.wasm`: "), "{text}");
        assert!(text.contains(says), "{says}: {text}");
    }
    still_works().await;
}

#[test]
fn every_truncation_is_an_error() {
    let good = fixture::gate().bytes();
    for end in (0..good.len()).step_by(97) {
        refusal(&good[..end]);
    }
}

#[test]
fn a_file_that_is_too_big_is_not_even_read() {
    let mut bytes = fixture::detector().bytes();
    bytes.resize(MAX_COMPONENT_BYTES + 1, 0);
    assert!(refusal(&bytes).contains("at most 67108864 are accepted"));
}

#[test]
fn a_component_of_no_world_is_told_what_it_exports() {
    let text = refusal(&component("(component)"));
    assert!(
        text.contains("exports none of `mediagraph:extension/detection@0.1`"),
        "{text}"
    );
    assert!(text.contains("it exports nothing"), "{text}");
    let text = refusal(&component(
        r#"(component (instance $i) (export "wasi:cli/run@0.2.0" (instance $i)))"#,
    ));
    assert!(text.contains("it exports `wasi:cli/run@0.2.0`"), "{text}");
}

#[test]
fn a_component_of_two_worlds_is_refused() {
    let text = refusal(&component(
        r#"(component (instance $i)
            (export "mediagraph:extension/detection@0.1.0" (instance $i))
            (export "mediagraph:extension/gating@0.1.0" (instance $i)))"#,
    ));
    assert!(
        text.contains("an extension is one of detector, gate and processor"),
        "{text}"
    );
}

#[test]
fn another_version_names_found_and_expected() {
    let mut newer = fixture::detector();
    newer.version = "0.2.0";
    let text = refusal(&newer.bytes());
    assert!(text.contains("@0.2.0`, this host speaks 0.1.x"), "{text}");
}

#[test]
fn a_later_patch_level_is_accepted() {
    let mut newer = fixture::detector();
    newer.version = "0.1.9";
    load(&newer);
}

#[test]
fn all_forbidden_imports_are_named_at_once() {
    let text = refusal(&component(
        r#"(component (import "wasi:http/types@0.2.0" (instance)) (import "wasi:cli/environment@0.3.0" (instance))
            (import "acme:gpu/device" (instance)) (import "run" (func)) (import "wasi:io/error@0.2.3" (instance)))"#,
    ));
    assert!(
        text.contains(
            "imports `acme:gpu/device`, `run`, `wasi:cli/environment@0.3.0`, `wasi:http/types@0.2.0`, which is not"
        ),
        "{text}"
    );
    assert!(
        text.contains("offered are mediagraph:extension/{types, frames, logging, inference}@0.1; wasi:cli/"),
        "{text}"
    );
}

#[test]
fn functions_of_other_types_are_refused_at_load() {
    let text = refusal(&component(
        r#"(component (instance $i) (export "mediagraph:extension/about@0.1.0" (instance $i))
            (export "mediagraph:extension/gating@0.1.0" (instance $i)))"#,
    ));
    assert!(text.contains("does not fit the interface"), "{text}");
    let text = refusal(&component(
        r#"(component (import "mediagraph:extension/logging@0.1.0" (instance (export "log" (func (param "x" u8)))))
            (instance $i) (export "mediagraph:extension/gating@0.1.0" (instance $i)))"#,
    ));
    assert!(text.contains("does not fit the interface"), "{text}");
}

#[tokio::test]
async fn a_description_must_make_sense() {
    let with = |spoil: fn(&mut fixture::Fixture)| {
        let mut fixture = fixture::detector();
        spoil(&mut fixture);
        fixture
    };
    for (fixture, says) in [
        (with(|f| f.name = "../../etc".into()), "`describe` says name"),
        (with(|f| f.name = String::new()), "`describe` says name"),
        (
            with(|f| f.summary = "a\u{1b}[31mb".into()),
            "`describe` says summary",
        ),
        (
            with(|f| f.schema = "{".into()),
            "`describe` says config-schema: is not JSON",
        ),
        (
            with(|f| f.schema = r##"{"$ref": "#"}"##.into()),
            "`describe` says config-schema",
        ),
        (
            with(|f| f.describe = "(loop (br 0)) unreachable".into()),
            "`describe` failed: the extension gave no answer",
        ),
        (
            with(|f| f.describe = "unreachable".into()),
            "`describe` failed: the extension crashed",
        ),
        // A string of 2 GiB at an address outside of the memory.
        (
            with(|f| {
                f.describe = "(i32.store (i32.const 2052) (i32.const 0x7fffffff)) (i32.const 2048)".into()
            }),
            "`describe` failed: the extension gave a bad answer",
        ),
        (
            with(|f| f.describe = "(i32.const -8)".into()),
            "`describe` failed: the extension gave a bad answer",
        ),
    ] {
        let text = refusal(&fixture.bytes());
        assert!(text.contains(says), "{says}: {text}");
    }
    still_works().await;
}

#[test]
fn inspection_shows_the_permission_list() {
    let mut fixture = fixture::detector().with_sleep();
    fixture.schema = r#"{"type": "object"}"#.into();
    let shown = serde_json::to_value(load(&fixture).inspect()).unwrap();
    assert_eq!(shown["world"], "detector");
    assert_eq!(shown["configSchema"], serde_json::json!({"type": "object"}));
    assert_eq!(shown["sha256"].as_str().unwrap().len(), 64);
    let imports: Vec<_> = shown["imports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|import| {
            (
                import["name"].as_str().unwrap().to_owned(),
                import["inert"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        imports,
        [
            ("mediagraph:extension/frames@0.1.0".to_owned(), false),
            ("mediagraph:extension/types@0.1.0".to_owned(), false),
            ("wasi:clocks/monotonic-clock@0.2.0".to_owned(), true),
            ("wasi:io/poll@0.2.0".to_owned(), true),
        ]
    );
}

fn cached(dir: &std::path::Path) -> Result<Engine, String> {
    let options = EngineOptions {
        cache_dir: Some(dir.to_owned()),
        limits: limits(),
        ..EngineOptions::default()
    };
    Engine::new(options).map_err(|error| error.to_string())
}

#[test]
fn compiled_code_is_kept_privately_and_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("compiled");
    let bytes = fixture::detector().bytes();
    let first = cached(&cache).unwrap().load(&bytes, "a").unwrap();
    let files: Vec<_> = std::fs::read_dir(&cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [file] = files.as_slice() else {
        panic!("{files:?}")
    };
    assert!(
        file.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(&first.sha256)
    );
    assert_eq!(
        std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let written = std::fs::metadata(file).unwrap().modified().unwrap();
    assert_eq!(cached(&cache).unwrap().load(&bytes, "a").unwrap().name, "test");
    assert_eq!(
        std::fs::metadata(file).unwrap().modified().unwrap(),
        written,
        "it was compiled again"
    );
}

#[test]
fn the_folder_of_compiled_code_does_not_grow_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("compiled");
    let engine = cached(&cache).unwrap();
    let files = || std::fs::read_dir(&cache).unwrap().count();
    for number in 0..MAX_KEPT_COMPILED {
        std::fs::write(cache.join(format!("{number}.cwasm")), "older").unwrap();
    }
    let mut last = None;
    for number in 0..2 {
        let mut one = fixture::detector();
        one.summary = format!("number {number}");
        last = Some(engine.load(&one.bytes(), "one").unwrap());
        assert_eq!(files(), MAX_KEPT_COMPILED);
    }
    let last = last.unwrap();
    assert!(engine.is_compiled(&last.sha256));
    engine.forget(&last.sha256);
    assert_eq!(files(), MAX_KEPT_COMPILED - 1);
}

#[test]
fn a_damaged_or_public_cache_file_is_compiled_anew() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("compiled");
    let bytes = fixture::detector().bytes();
    cached(&cache).unwrap().load(&bytes, "a").unwrap();
    let file = std::fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    let good = std::fs::read(&file).unwrap();
    std::fs::write(&file, &good[..100]).unwrap();
    cached(&cache).unwrap().load(&bytes, "a").unwrap();
    assert_eq!(std::fs::read(&file).unwrap().len(), good.len());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    cached(&cache).unwrap().load(&bytes, "a").unwrap();
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_cache_that_others_may_write_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let text = cached(dir.path()).unwrap_err();
    assert!(text.contains("others may write to it"), "{text}");
}
