//! `cargo xtask audit`: no dependency with a known weakness, in any workspace.
//!
//! Everything counts: vulnerabilities, and crates that are unsound, unmaintained or yanked. Nothing is ignored.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::project;

/// The line of versions whose options this file uses.
const VERSION: &str = "0.22";

/// Look for known weaknesses in the dependencies (RustSec).
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A copy of the advisory database to use as it is, without the network.
    #[arg(long, value_name = "DIR")]
    db: Option<PathBuf>,
}

/// What every checkout has.
const LOCK_FILES: [&str; 4] = [
    "Cargo.lock",
    "extensions/Cargo.lock",
    "fuzz/Cargo.lock",
    "host/cli/extension/templates/rust/Cargo.lock",
];
/// Crates that stand by themselves, each with a lock file.
const ALONE: &str = "tests/detectors";

/// Audits all lock files.
///
/// # Errors
/// When one of them names a crate with an advisory, or `cargo-audit` cannot be had.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let db = arguments.db.as_deref().map(absolute).transpose()?;
    ensure_tool()?;
    let mut bad = Vec::new();
    for name in lock_files()? {
        let lock = project::root().join(&name);
        if !lock.is_file() {
            bail!(
                "{name} is missing\nhint: `cargo generate-lockfile` makes it; it belongs into the repository"
            );
        }
        println!("==> {name}");
        if !audit(&lock, db.as_deref()).status()?.success() {
            bad.push(name);
        }
    }
    if !bad.is_empty() {
        bail!("advisories stand against {}", bad.join(" and "));
    }
    println!("no advisory stands against any of them");
    Ok(())
}

/// Their paths, from the root.
fn lock_files() -> Result<Vec<String>> {
    let mut files = LOCK_FILES.map(str::to_owned).to_vec();
    let folder = project::root().join(ALONE);
    if folder.is_dir() {
        for entry in
            std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
        {
            let name = entry?.file_name();
            files.push(format!("{ALONE}/{}/Cargo.lock", name.to_string_lossy()));
        }
    }
    files.sort();
    Ok(files)
}

fn audit(lock: &Path, db: Option<&Path>) -> Command {
    let mut command = project::cargo();
    command.args(["audit", "--deny", "warnings", "--file"]).arg(lock);
    if let Some(db) = db {
        command.args(["--no-fetch", "--stale", "--db"]).arg(db);
    }
    command
}

fn absolute(db: &Path) -> Result<PathBuf> {
    db.canonicalize()
        .with_context(|| format!("there is no advisory database at {}", db.display()))
}

fn ensure_tool() -> Result<()> {
    // `cargo audit --version` says `cargo-audit-audit 0.22.1` or the like: the last word is the version.
    let said = project::cargo().args(["audit", "--version"]).output()?;
    let text = String::from_utf8_lossy(&said.stdout);
    if said.status.success() && is_wanted(&text) {
        return Ok(());
    }
    eprintln!("installing cargo-audit {VERSION} (some minutes)");
    let mut install = project::cargo();
    install.args([
        "install",
        "--locked",
        "cargo-audit",
        "--version",
        &format!("^{VERSION}"),
    ]);
    if !install.status()?.success() {
        bail!("`cargo install cargo-audit` failed; its own messages stand above");
    }
    Ok(())
}

fn is_wanted(said: &str) -> bool {
    let version = said.split_whitespace().last().unwrap_or_default();
    version
        .strip_prefix(VERSION)
        .is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_line_of_versions_is_not_taken() {
        assert!(is_wanted("cargo-audit-audit 0.22.1\n"));
        for said in [
            "",
            "cargo-audit-audit 0.21.2",
            "cargo-audit-audit 0.220.0",
            "cargo-audit 1.0.0",
        ] {
            assert!(!is_wanted(said), "{said}");
        }
    }

    #[test]
    fn nothing_is_ignored() {
        let command = audit(Path::new("Cargo.lock"), Some(Path::new("db")));
        let arguments: Vec<_> = command.get_args().collect();
        assert!(arguments.iter().all(|argument| *argument != "--ignore"));
        assert!(arguments.windows(2).any(|pair| pair == ["--deny", "warnings"]));
    }
}
