//! The tools with which the templates of `mediagraph extension new` are built: packages of npm and of PyPI, in the versions
//! that the templates themselves name.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::packages;
use crate::project;

/// Where the tests look for them, below the project's root.
const FOLDER: &str = "target/authors";
/// Below the project's root.
const TEMPLATES: &str = "host/cli/extension/templates";
/// Holds a list of what was installed, written last: what has it is whole.
pub(super) const STAMP: &str = "installed";

/// Installs them if they are not there in these versions.
///
/// # Errors
/// When they, or what they need, cannot be installed from here.
pub(super) fn ensure() -> Result<()> {
    let root = project::root();
    let (folder, wanted) = (root.join(FOLDER), Wanted::read(&root.join(TEMPLATES))?);
    let list = wanted.list();
    if std::fs::read_to_string(folder.join(STAMP)).is_ok_and(|installed| installed == list) {
        return Ok(());
    }
    eprintln!("installing the tools of the templates:\n{list}");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    npm(&folder, &wanted.npm)?;
    pip(&folder, &wanted.pip)?;
    std::fs::write(folder.join(STAMP), list).context("cannot write the list of what was installed")
}

/// Packages with their versions, as their installers take them.
#[derive(Debug)]
struct Wanted {
    npm: Vec<String>,
    pip: Vec<String>,
}

impl Wanted {
    fn read(templates: &Path) -> Result<Self> {
        let mut wanted = Self {
            npm: Vec::new(),
            pip: Vec::new(),
        };
        for language in ["c", "js"] {
            let package = text(&templates.join(language).join("package.json"))?;
            let package: Value = serde_json::from_str(&package).context("a `package.json` is no JSON")?;
            let needed = package.get("devDependencies").and_then(Value::as_object);
            for (name, version) in needed.into_iter().flatten() {
                let version = version.as_str().unwrap_or_default();
                wanted.npm.push(format!("{name}@{version}"));
            }
        }
        for language in ["c", "python"] {
            let needed = text(&templates.join(language).join("requirements.txt"))?;
            wanted.pip.extend(needed.lines().map(str::to_owned));
        }
        Ok(wanted)
    }

    fn list(&self) -> String {
        let mut list = String::new();
        for package in self.npm.iter().chain(&self.pip) {
            // Writing to a string does not fail.
            let _ = writeln!(list, "  {package}");
        }
        list
    }
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Installs these packages into `folder/node_modules`, without running anything of theirs.
///
/// # Errors
/// When they, or npm, cannot be installed from here.
pub(super) fn npm(folder: &Path, wanted: &[String]) -> Result<()> {
    if !packages::runs("node") || !packages::runs("npm") {
        packages::install(&["nodejs", "npm"])?;
    }
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
    ]);
    run(npm.arg(folder).args(wanted))
}

/// Makes an environment of Python in `folder/venv`, with these packages.
///
/// # Errors
/// When they, or Python, cannot be installed from here.
pub(super) fn pip(folder: &Path, wanted: &[String]) -> Result<()> {
    let venv = folder.join("venv");
    let make = || {
        let mut python = Command::new("python3");
        python.args(["-m", "venv"]).arg(&venv);
        run(&mut python)
    };
    if make().is_err() {
        packages::install(&["python3", "python3-venv"])?;
        make()?;
    }
    let mut pip = Command::new(venv.join("bin/pip"));
    run(pip.args(["install", "--quiet"]).args(wanted))
}

fn run(command: &mut Command) -> Result<()> {
    let shown = command.get_program().display().to_string();
    let log = command
        .output()
        .with_context(|| format!("cannot run `{shown}`"))?;
    if log.status.success() {
        return Ok(());
    }
    eprintln!(
        "{}{}",
        String::from_utf8_lossy(&log.stdout),
        String::from_utf8_lossy(&log.stderr)
    );
    bail!("`{shown}` failed ({})", log.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_one_version() {
        let wanted = Wanted::read(&project::root().join(TEMPLATES)).unwrap();
        assert!(wanted.npm.len() >= 2 && wanted.pip.len() >= 2, "{wanted:?}");
        for package in &wanted.npm {
            let (_, version) = package.rsplit_once('@').unwrap();
            assert!(
                version.starts_with(|first: char| first.is_ascii_digit()),
                "{package}"
            );
        }
        assert!(
            wanted.pip.iter().all(|package| package.contains("==")),
            "{wanted:?}"
        );
    }
}
