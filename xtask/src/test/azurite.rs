//! Microsoft's stand-in for Azure Blob Storage, which the tests of stores run against: a package of npm, of one version.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::packages;
use crate::project;

const VERSION: &str = "3.37.0";
/// Where the tests look for it, below the project's root.
const FOLDER: &str = "target/azurite";
const PROGRAMS: [&str; 2] = ["nodejs", "npm"];

/// Installs it if it is not there in this version.
///
/// # Errors
/// When it, or what it needs, cannot be installed from here.
pub(crate) fn ensure() -> Result<()> {
    let folder = folder();
    if installed(&folder).as_deref() == Some(VERSION) {
        return Ok(());
    }
    if !packages::runs("node") || !packages::runs("npm") {
        packages::install(&PROGRAMS)?;
    }
    eprintln!("installing Azurite {VERSION}");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let log = Command::new("npm")
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
        ])
        .arg(&folder)
        .arg(format!("azurite@{VERSION}"))
        .output()
        .context("cannot run `npm`")?;
    if log.status.success() && installed(&folder).as_deref() == Some(VERSION) {
        return Ok(());
    }
    eprintln!(
        "{}{}",
        String::from_utf8_lossy(&log.stdout),
        String::from_utf8_lossy(&log.stderr)
    );
    bail!("`npm install azurite@{VERSION}` failed ({})", log.status);
}

/// Where it is.
pub(crate) fn folder() -> PathBuf {
    project::root().join(FOLDER)
}

fn installed(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join("node_modules/azurite/package.json")).ok()?;
    let package: Value = serde_json::from_str(&text).ok()?;
    package.get("version")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_package_counts_as_installed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(installed(folder.path()), None);
        let package = folder.path().join("node_modules/azurite");
        std::fs::create_dir_all(&package).unwrap();
        std::fs::write(package.join("package.json"), r#"{"version": "3.37.0"}"#).unwrap();
        assert_eq!(installed(folder.path()).as_deref(), Some("3.37.0"));
    }
}
