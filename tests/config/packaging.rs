//! The unit file and the recipe of the container.

use std::path::Path;
use std::process::Command;

use crate::common::repository;
use crate::{say, text, write};

fn packaged(name: &str) -> String {
    std::fs::read_to_string(repository("packaging").join(name)).unwrap()
}

/// The unit with the binary under test in place of the installed one, which need not be there.
fn unit(folder: &Path) -> std::path::PathBuf {
    let unit = packaged("mediagraph.service");
    let installed = "ExecStart=/usr/bin/mediagraph ";
    assert!(unit.contains(installed));
    let here = format!("ExecStart={} ", env!("CARGO_BIN_EXE_mediagraph"));
    write(folder, "mediagraph.service", &unit.replace(installed, &here))
}

/// Debian's package `systemd` has it; it needs no running systemd.
fn analyze(arguments: &[&str]) -> crate::Said {
    say(Command::new("systemd-analyze").args(arguments))
}

#[test]
fn systemd_has_nothing_to_say_of_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let unit = unit(folder.path());
    let said = analyze(&["verify", "--man=no", text(&unit)]).ended(0);
    assert_eq!(said.stdout.clone() + &said.stderr, "");
}

#[test]
fn the_units_command_line_is_one_that_the_program_takes() {
    let unit = packaged("mediagraph.service");
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/usr/bin/mediagraph "));
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("mediagraph.toml");
    let line = line
        .unwrap()
        .replace("/etc/mediagraph/mediagraph.toml", text(&nowhere));
    let said = say(crate::common::mediagraph().args(line.split(' ')));
    // Not a usage error: it looks for its configuration first.
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(
        said.stderr.contains("cannot read the configuration"),
        "{}",
        said.stderr
    );
}

#[test]
fn the_unit_gives_away_little() {
    /// In tenths, of a hundred; most services that people write have more than 50.
    const MOST: &str = "15";
    let folder = tempfile::tempdir().unwrap();
    let unit = unit(folder.path());
    let said = analyze(&["security", "--offline=yes", "--threshold", MOST, text(&unit)]);
    assert_eq!(said.code, Some(0), "{}", said.stdout);
}

#[test]
fn the_container_runs_as_an_ordinary_user_and_asks_the_program_how_it_is() {
    let recipe = packaged("Containerfile");
    let last_stage = recipe.rsplit("\nFROM ").next().unwrap();
    assert!(last_stage.contains("\nUSER 10001:10001\n"));
    assert!(last_stage.contains("\nHEALTHCHECK "));
    let known = say(crate::common::mediagraph().args(["health", "--help"]));
    known.ended(0);
    // The user is never taken back, and nothing is added after it is given up.
    let after = last_stage.split("\nUSER ").nth(1).unwrap();
    assert!(!after.contains("\nRUN ") && !after.contains("\nCOPY ") && !after.contains("\nADD "));
}
