//! `cargo xtask order`: in which order the linker puts the functions of a release.
//!
//! A recorder's memory is mostly the pages of its own program that it touches, and the kernel maps sixteen around each. So what
//! starts a recorder and records stands together. Which functions these are is seen by recording under valgrind, and kept in
//! `host/link.order`; names that a later version has no more are passed over, and new functions stand elsewhere until this is
//! run again.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::clip;
use crate::demo::start_camera_on;
use crate::process::Guard;
use crate::project::{self, Profile};

/// What is recorded with: as a recorder of one camera runs.
const TOPOLOGY: &str = "topologies/cvr-asset/topology.json";
/// So long that a segment ends while it is watched, at a fiftieth of the usual speed.
const RECORD: Duration = Duration::from_secs(90);
/// How long valgrind may take to end.
const END: Duration = Duration::from_secs(120);
/// Below this something went wrong: a recorder runs thousands of functions.
const FEWEST: usize = 1_000;

/// Watches a release record, and writes down which functions it ran.
///
/// # Errors
/// When valgrind is missing or nothing was recorded.
pub(crate) fn run() -> Result<()> {
    let folder = project::target_directory()?.join("order");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let host = project::build_host(Profile::Release)?;
    let (_camera, url) = start_camera_on(&host, &clip::file())?;
    let profile = folder.join("profile");
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--tool=callgrind", "--demangle=no"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(&host)
        .arg("run")
        .arg(project::root().join(TOPOLOGY))
        .args([
            "-p",
            &format!("rtspUrl={url}"),
            "--instance",
            "order",
            "--state-dir",
        ])
        .arg(folder.join("state"))
        .stdout(Stdio::null());
    eprintln!("recording under valgrind for {} s", RECORD.as_secs());
    let mut recorder = Guard::spawn("valgrind (Debian: `apt install valgrind`)", &mut command)?;
    std::thread::sleep(RECORD);
    recorder.interrupt()?;
    if !recorder.wait(END)?.success() {
        bail!("the recorder did not end in good order");
    }
    let text = std::fs::read_to_string(&profile).context("valgrind wrote no profile")?;
    let names = functions(&text, &host);
    if names.len() < FEWEST {
        bail!("only {} functions were seen", names.len());
    }
    let path = project::root().join("host/link.order");
    std::fs::write(&path, names.join("\n") + "\n")?;
    println!("{} functions in {}", names.len(), path.display());
    Ok(())
}

/// The functions of a program in a profile of callgrind, each once, in the order of the profile. A name stands behind its
/// number the first time only.
fn functions(profile: &str, program: &Path) -> Vec<String> {
    let program = program.to_string_lossy();
    let (mut objects, mut names) = (HashMap::new(), HashMap::new());
    let (mut inside, mut seen, mut found) = (false, HashSet::new(), Vec::new());
    for line in profile.lines() {
        let Some((key, rest)) = line.split_once("=(") else {
            continue;
        };
        let Some((number, name)) = rest.split_once(')') else {
            continue;
        };
        let known = match key {
            "ob" | "cob" => &mut objects,
            "fn" | "cfn" => &mut names,
            _ => continue,
        };
        if !name.is_empty() {
            known.insert(number, name.trim_start());
        }
        let name = known.get(number).copied().unwrap_or_default();
        match key {
            "ob" => inside = name == program,
            // Behind an apostrophe stands how deep a recursion was.
            "fn" if inside => {
                let name = name.split('\'').next().unwrap_or_default();
                if is_symbol(name) && seen.insert(name) {
                    found.push(name.to_owned());
                }
            }
            _ => {}
        }
    }
    found
}

/// What has no name is given by its address, or in words.
fn is_symbol(name: &str) -> bool {
    let begins = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    begins && !name.contains([' ', '('])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_the_program_are_found_once_each() {
        let profile = "ob=(1) /bin/host\nfl=(1) a.rs\nfn=(1) _ZN1aE\n1 2\ncob=(2) /lib/c.so\ncfn=(2) malloc\ncalls=1 0\n\
                       fn=(3) _ZN1bE'2\n1 1\nob=(2)\nfn=(2)\n1 1\nob=(1)\nfn=(1)\nfn=(4) 0x00ff\nfn=(5) (below main)\n";
        assert_eq!(functions(profile, Path::new("/bin/host")), ["_ZN1aE", "_ZN1bE"]);
    }

    #[test]
    fn the_order_that_is_kept_names_functions() {
        let kept = std::fs::read_to_string(project::root().join("host/link.order")).unwrap();
        assert!(kept.lines().count() >= FEWEST);
        assert!(kept.lines().all(is_symbol));
    }
}
