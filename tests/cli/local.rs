//! What needs no host: completions and the reference page.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::common::repository;
use super::mediagraph;

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = mediagraph(&["completions", shell]).good();
        for word in ["topology", "instance", "deactivate", "keep-going"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    mediagraph(&["completions", "tcsh"]).bad(2, &["bash"]);
}

#[test]
fn bash_can_read_its_script() {
    let script = mediagraph(&["completions", "bash"]).good();
    // In a file, as shells load it: it is longer than an argument may be.
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(script.as_bytes()).unwrap();
    let mut command = Command::new("bash");
    command.arg("-n").arg(file.path()).stdin(Stdio::null());
    assert!(command.status().unwrap().success());
}

/// Compares with a file of the repository; `UPDATE=1` writes it instead.
#[test]
fn the_reference_of_the_command_line_is_up_to_date() {
    let page = mediagraph(&["list", "commands", "--markdown"]).good();
    let file = repository("docs/reference/cli.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).unwrap_or_default() == page,
        "docs/reference/cli.md is out of date: run this test with UPDATE=1. Now:\n{page}"
    );
}

#[test]
fn every_command_is_listed_and_described() {
    let table = mediagraph(&["list", "commands"]).good();
    for line in table.lines().skip(1) {
        let (command, about) = line.split_once("  ").unwrap();
        assert!(about.trim().len() > 10, "{command} says nothing of itself");
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        mediagraph(&words).good();
    }
    assert!(table.lines().count() > 20, "{table}");
}
