//! What the tests in a browser use: packages of npm, in the versions that the tests themselves name. The browser is Debian's.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::authors::{STAMP, npm};
use crate::project;

/// Where the tests look for them, below the project's root.
const FOLDER: &str = "target/browser";
/// Names them, below the project's root.
const WANTED: &str = "tests/browser/package.json";

/// Installs them if they are not there in these versions.
///
/// # Errors
/// When they, or what they need, cannot be installed from here.
pub(super) fn ensure() -> Result<()> {
    let (folder, wanted) = (project::root().join(FOLDER), wanted()?);
    let list = wanted.join("\n");
    if std::fs::read_to_string(folder.join(STAMP)).is_ok_and(|installed| installed == list) {
        return Ok(());
    }
    eprintln!("installing what the tests in a browser use:\n{list}");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    npm(&folder, &wanted)?;
    std::fs::write(folder.join(STAMP), list).context("cannot write the list of what was installed")
}

/// Packages with their versions, as npm takes them.
fn wanted() -> Result<Vec<String>> {
    let text = std::fs::read_to_string(project::root().join(WANTED))
        .with_context(|| format!("cannot read {WANTED}"))?;
    let package: Value = serde_json::from_str(&text).with_context(|| format!("{WANTED} is no JSON"))?;
    let needed = package.get("devDependencies").and_then(Value::as_object);
    let one = |(name, version): (&String, &Value)| format!("{name}@{}", version.as_str().unwrap_or_default());
    Ok(needed.into_iter().flatten().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_has_one_version() {
        let wanted = wanted().unwrap();
        assert!(wanted.len() >= 4, "{wanted:?}");
        for package in &wanted {
            let (_, version) = package.rsplit_once('@').unwrap();
            assert!(
                version.starts_with(|first: char| first.is_ascii_digit()),
                "{package}"
            );
        }
    }
}
