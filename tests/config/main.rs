//! Configuration, paths, backup and packaging from outside: the real binary, real files, a real camera.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test crate: what goes wrong here is to fail loudly, and real time is what cameras live in"
)]

mod backup;
#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../common/mod.rs"]
mod common;
mod file;
mod host;
mod packaging;
mod paths;
mod serve;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How a command ended, and what it said.
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Said {
    fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }
}

fn say(command: &mut Command) -> Said {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Said {
        code: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

fn mediagraph(arguments: &[&str]) -> Said {
    say(common::mediagraph().args(arguments))
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
