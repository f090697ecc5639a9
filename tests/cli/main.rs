//! The commands that ask a running host, from outside: the real binary, against a real host and, for what a host seldom
//! says, against a small server that says what a test wants and remembers what it was asked.

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

mod access;
#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../common/mod.rs"]
mod common;
mod events;
mod fake;
mod instances;
mod keeping;
mod local;
mod ops;
mod real;
#[path = "../common/room.rs"]
mod room;
mod system;
mod topologies;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs mediagraph to its end. No variable of whoever runs the tests reaches it, and nobody types anything.
fn mediagraph(arguments: &[&str]) -> Ran {
    ran(command(arguments))
}

/// The same against a server.
fn ask(server: &fake::Server, arguments: &[&str]) -> Ran {
    let mut command = command(arguments);
    command.args(["--server", &server.url()]);
    ran(command)
}

fn command(arguments: &[&str]) -> Command {
    let mut command = common::mediagraph();
    command.args(arguments);
    for variable in ["MEDIAGRAPH_SERVER", "MEDIAGRAPH_TOKEN", "MEDIAGRAPH_CA"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

fn ran(mut command: Command) -> Ran {
    Ran(command.output().expect("the binary starts"))
}

/// A command that has ended.
struct Ran(Output);

impl Ran {
    fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    fn err(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out()).unwrap_or_else(|error| panic!("{error}: {}", self.out()))
    }

    /// Success, and what was printed.
    fn good(self) -> String {
        assert_eq!(self.code(), 0, "{}{}", self.out(), self.err());
        self.out()
    }

    /// The exit code, and every one of these on standard error.
    fn bad(self, code: i32, told: &[&str]) {
        let err = self.err();
        assert_eq!(self.code(), code, "{}{err}", self.out());
        for text in told {
            assert!(err.contains(text), "no `{text}` in:\n{err}");
        }
    }
}

/// A file in a folder.
fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
