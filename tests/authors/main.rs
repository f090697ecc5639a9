//! What authors of components are given, from outside: `mediagraph extension new`, `inspect` and `test`, and the templates
//! of all languages, built with the very commands that their READMEs give.
//!
//! The tools of the languages are installed by `cargo xtask test` into `target/authors`.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test crate: what goes wrong here is to fail loudly"
)]

#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../common/component.rs"]
mod fixture;
mod inspecting;
mod making;
mod project;
mod reference;
mod templates;
mod testing;

use std::path::Path;
use std::process::Output;

use serde_json::Value;

/// Runs `mediagraph extension` to its end.
fn extension(arguments: &[&str]) -> Ran {
    let output = common::mediagraph()
        .arg("extension")
        .args(arguments)
        .output()
        .unwrap();
    Ran(output)
}

/// A command that has ended.
struct Ran(Output);

impl Ran {
    fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    fn err(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// Success, and what was printed.
    fn good(self) -> String {
        assert_eq!(self.0.status.code(), Some(0), "{}{}", self.out(), self.err());
        self.out()
    }

    /// What was printed, as JSON.
    fn json(&self) -> Value {
        serde_json::from_str(&self.out()).unwrap_or_else(|error| panic!("{error}: {}", self.out()))
    }

    /// The exit code, and every one of these on standard error.
    fn bad(self, code: i32, told: &[&str]) -> String {
        let err = self.err();
        assert_eq!(self.0.status.code(), Some(code), "{}{err}", self.out());
        for text in told {
            assert!(err.contains(text), "no `{text}` in:\n{err}");
        }
        err
    }
}

/// Writes a file, and gives its path as text.
fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}
