//! Libraries of ONNX Runtime that are none, and what happens then. What is opened holds for a process: each case is a process of
//! its own.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::onnx;
use crate::support::file;

/// What `mediagraph doctor` says of models, with this library.
fn doctor(library: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mediagraph"))
        .args(["doctor", "--json", "--state-dir"])
        .arg(folder.path().join("none"))
        .env("MEDIAGRAPH_ONNXRUNTIME", library)
        .env_remove("ORT_DYLIB_PATH")
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let lines = told["value"].as_array().unwrap();
    lines
        .iter()
        .find(|line| line["what"] == "models")
        .unwrap()
        .clone()
}

/// What `mediagraph model` says, and whether it went well.
fn model(arguments: &[&str], path: &Path, library: &str) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_mediagraph"))
        .arg("model")
        .args(arguments)
        .arg(path)
        .env("MEDIAGRAPH_ONNXRUNTIME", library)
        .env_remove("ORT_DYLIB_PATH")
        .output()
        .unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.success(), text)
}

/// A library of this system that is not ONNX Runtime.
fn another_library() -> Option<String> {
    [
        "/lib/x86_64-linux-gnu/libm.so.6",
        "/lib/aarch64-linux-gnu/libm.so.6",
        "/lib64/libm.so.6",
    ]
    .into_iter()
    .find(|path| Path::new(path).is_file())
    .map(str::to_owned)
}

#[test]
fn without_the_library_models_run_and_doctor_says_how_to_get_it() {
    let off = doctor("off");
    assert_eq!(off["state"], "ok");
    assert!(
        off["message"]
            .as_str()
            .unwrap()
            .contains("as the configuration says"),
        "{off}"
    );
    let white = file(&onnx::truck_in_white().file());
    let (good, said) = model(&["run", "--runs", "2"], &white.path, "off");
    assert!(
        good && said.starts_with("tract") && said.contains("`output` of 1x21x7 float32"),
        "{said}"
    );
}

#[test]
fn what_is_no_library_of_onnx_runtime_is_told_and_models_run_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("libonnxruntime.so");
    std::fs::write(&text, "not a library").unwrap();
    let mut cases = vec![(text.display().to_string(), "cannot be used")];
    let other = another_library().expect("this system has a libm");
    cases.push((other, "does not export `OrtGetApiBase`"));
    let white = file(&onnx::truck_in_white().file());
    for (library, part) in cases {
        let line = doctor(&library);
        assert_eq!(line["state"], "warning", "{line}");
        let message = line["message"].as_str().unwrap();
        assert!(message.contains(part) && message.contains(&library), "{message}");
        assert!(line["hint"].as_str().unwrap().contains("onnxruntime"), "{line}");
        let (good, said) = model(&["run", "--runs", "1"], &white.path, &library);
        assert!(good && said.contains("tract"), "{said}");
    }
}

#[test]
fn inspect_names_what_is_not_known_and_ends_with_an_error() {
    let unknown = file(&onnx::unknown_operator().file());
    let (good, said) = model(&["inspect"], &unknown.path, "off");
    assert!(!good && said.contains("does not know Frobnicate"), "{said}");
    let white = file(&onnx::truck_in_white().file());
    let (good, said) = model(&["inspect", "--json"], &white.path, "off");
    let told: Value = serde_json::from_str(&said).unwrap();
    assert!(good);
    assert_eq!(told["inputs"][0]["shape"], serde_json::json!([1, 3, 32, 32]));
    assert_eq!(told["operators"]["ReduceMean"], 1);
    assert_eq!(told["backends"][0]["runs"], true);
}
