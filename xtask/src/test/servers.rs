//! The libraries of the inference servers that the tests ask: packages of PyPI, each of one version.

use anyhow::{Context as _, Result};

use super::authors::{STAMP, pip};
use crate::project;

/// Where the tests look for them, below the project's root.
const FOLDER: &str = "target/servers";
/// Names them, below the project's root.
const WANTED: &str = "tests/servers/requirements.txt";

/// Installs them if they are not there in these versions.
///
/// # Errors
/// When they, or what they need, cannot be installed from here.
pub(super) fn ensure() -> Result<()> {
    let folder = project::root().join(FOLDER);
    let list = std::fs::read_to_string(project::root().join(WANTED))
        .with_context(|| format!("cannot read {WANTED}"))?;
    if std::fs::read_to_string(folder.join(STAMP)).is_ok_and(|installed| installed == list) {
        return Ok(());
    }
    eprintln!("installing the libraries of the tests' servers:\n{list}");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let wanted: Vec<String> = list.lines().map(str::to_owned).collect();
    pip(&folder, &wanted)?;
    std::fs::write(folder.join(STAMP), list).context("cannot write the list of what was installed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_has_one_version() {
        let list = std::fs::read_to_string(project::root().join(WANTED)).unwrap();
        assert!(
            list.lines().count() >= 4 && list.lines().all(|line| line.contains("==")),
            "{list}"
        );
    }
}
