//! The programs of other people that the tests hold the host against: Debian packages.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// What the tests need, by the names that Debian gives them.
const PACKAGES: [&str; 21] = [
    "chromium",
    "e2fsprogs",
    "ffmpeg",
    "gir1.2-gst-plugins-base-1.0",
    "gir1.2-gst-rtsp-server-1.0",
    "gstreamer1.0-libav",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-ugly",
    "gstreamer1.0-rtsp",
    "gstreamer1.0-tools",
    "make",
    "mount",
    "strace",
    "systemd",
    "python3",
    "python3-gi",
    "util-linux",
    "vlc-bin",
    "vlc-plugin-base",
];

/// Installs what is missing, or says what is.
///
/// # Errors
/// When something is missing that cannot be installed from here.
pub(super) fn ensure() -> Result<()> {
    let Some(missing) = missing()? else {
        let list = PACKAGES.join(" ");
        bail!("this is no Debian: `dpkg-query` is missing\nhint: the tests need what Debian calls: {list}");
    };
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing)?;
    match self::missing()? {
        Some(left) if !left.is_empty() => {
            bail!("`apt-get` ran, but these are missing still: {}", left.join(" "))
        }
        _ => Ok(()),
    }
}

/// Installs packages, or says that they are missing.
///
/// # Errors
/// When they cannot be installed from here.
pub(super) fn install(packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if !is_root()? {
        bail!(
            "Debian packages are missing: {list}\nhint: sudo apt-get install --no-install-recommends {list}"
        );
    }
    eprintln!("installing Debian packages: {list}");
    apt(&["update", "-q"])?;
    let mut install = vec!["install", "-q", "-y", "--no-install-recommends"];
    install.extend(packages);
    apt(&install)
}

/// Whether a program is there and starts.
pub(super) fn runs(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").output();
    asked.is_ok_and(|asked| asked.status.success())
}

/// Those that `dpkg` does not know as installed; none on a system without `dpkg`.
fn missing() -> Result<Option<Vec<&'static str>>> {
    let format = "-f=${db:Status-Status} ${Package}\n";
    // It ends with an error when it has never heard of a package; what it does know stands on its output still.
    let output = match Command::new("dpkg-query")
        .arg("-W")
        .arg(format)
        .args(PACKAGES)
        .output()
    {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context("cannot run `dpkg-query`"),
    };
    Ok(Some(not_in(&String::from_utf8_lossy(&output.stdout))))
}

fn not_in(status: &str) -> Vec<&'static str> {
    let installed: Vec<&str> = status
        .lines()
        .filter_map(|line| line.strip_prefix("installed "))
        .collect();
    PACKAGES
        .into_iter()
        .filter(|package| !installed.contains(package))
        .collect()
}

fn is_root() -> Result<bool> {
    let output = Command::new("id").arg("-u").output().context("cannot run `id`")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim() == "0")
}

fn apt(arguments: &[&str]) -> Result<()> {
    let log = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
        .context("cannot run `apt-get`")?;
    if !log.status.success() {
        eprintln!(
            "{}{}",
            String::from_utf8_lossy(&log.stdout),
            String::from_utf8_lossy(&log.stderr)
        );
        bail!("`apt-get {}` failed ({})", arguments.join(" "), log.status);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_counts_only_when_it_is_installed() {
        let everything: String = PACKAGES
            .iter()
            .map(|package| format!("installed {package}\n"))
            .collect();
        assert!(not_in(&everything).is_empty());
        let removed = everything.replace("installed ffmpeg", "config-files ffmpeg");
        assert_eq!(not_in(&removed), ["ffmpeg"]);
        assert_eq!(not_in("").len(), PACKAGES.len());
    }
}
