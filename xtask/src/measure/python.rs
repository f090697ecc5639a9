//! Python with packages of PyPI in the versions of a list, in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::project;

/// An environment.
#[derive(Debug)]
pub(super) struct Python {
    pub(super) venv: PathBuf,
}

impl Python {
    /// Installs what is not there in these versions; both paths are below the project's root.
    ///
    /// # Errors
    /// When it cannot be installed.
    pub(super) fn ensure(folder: &str, requirements: &str) -> Result<Self> {
        let (folder, requirements) = (project::root().join(folder), project::root().join(requirements));
        let stamp = folder.join("installed");
        let wanted = std::fs::read_to_string(&requirements)
            .with_context(|| format!("cannot read {}", requirements.display()))?;
        let python = Self {
            venv: folder.join("venv"),
        };
        if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(python);
        }
        eprintln!("installing for Python:\n{wanted}");
        std::fs::create_dir_all(&folder)?;
        output(Command::new("python3").args(["-m", "venv"]).arg(&python.venv))
            .context("hint: apt-get install python3 python3-venv")?;
        let pip = python.venv.join("bin/pip");
        output(
            Command::new(pip)
                .args(["install", "--quiet", "-r"])
                .arg(requirements),
        )?;
        std::fs::write(stamp, wanted)?;
        Ok(python)
    }

    /// Its program, with a script.
    pub(super) fn script(&self, script: &Path) -> Command {
        let mut command = Command::new(self.venv.join("bin/python"));
        command.arg(script);
        command
    }
}

/// Runs a program to its end; gives what it prints.
///
/// # Errors
/// When it fails, with what it says.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let shown = command.get_program().display().to_string();
    let output = command
        .output()
        .with_context(|| format!("cannot run `{shown}`"))?;
    if !output.status.success() {
        bail!(
            "`{shown}` failed ({}):\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).context("it prints no text")
}
