//! Where the library of ONNX Runtime may be.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Names the library, or the folder that it is in, or is `off`, where the configuration leaves it open.
pub const LIBRARY_VARIABLE: &str = "MEDIAGRAPH_ONNXRUNTIME";

/// In configurations: one of the usual places.
pub const USUAL: &str = "auto";
/// In configurations: none.
pub const OFF: &str = "off";

/// Where systems keep libraries that were installed for all.
const FOLDERS: [&str; 7] = [
    "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/opt/onnxruntime/lib",
    "/opt/mediagraph/lib",
];
const STEM: &str = "libonnxruntime.so";
/// Files of one folder that are looked at.
const MAX_FILES: usize = 10_000;
/// Writable by the group or by others.
const OTHERS_MAY_WRITE: u32 = 0o022;
const ROOT: u32 = 0;

/// Which library is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Asked {
    /// One of the usual ones.
    #[default]
    Usual,
    /// None.
    Off,
    /// This file, or one in this folder.
    At(PathBuf),
}

impl Asked {
    /// Whether none is wanted: the environment is asked where the configuration leaves it open.
    pub(super) fn is_off(&self) -> bool {
        match self {
            Self::Off => true,
            Self::Usual => std::env::var_os(LIBRARY_VARIABLE).is_some_and(|value| value == OFF),
            Self::At(_) => false,
        }
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Usual => f.write_str(USUAL),
            Self::Off => f.write_str(OFF),
            Self::At(path) => path.display().fmt(f),
        }
    }
}

/// Files to try, the one that is most likely meant first.
pub(super) fn candidates(asked: &Asked) -> Vec<PathBuf> {
    match asked {
        Asked::Off => Vec::new(),
        Asked::At(path) => at(path),
        Asked::Usual => {
            let variables = [LIBRARY_VARIABLE, "ORT_DYLIB_PATH"];
            let named = variables
                .iter()
                .filter_map(std::env::var_os)
                .filter(|path| !path.is_empty());
            let mut found: Vec<PathBuf> = named.flat_map(|path| named_or_all(Path::new(&path))).collect();
            found.extend(FOLDERS.iter().flat_map(|folder| at(Path::new(folder))));
            found
        }
    }
}

/// As [`at`]; where nothing is, the path itself, so that it is said what is wrong with it.
fn named_or_all(path: &Path) -> Vec<PathBuf> {
    match at(path) {
        none if none.is_empty() => vec![path.to_owned()],
        found => found,
    }
}

/// The file, or those of the folder, newest version first.
fn at(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let Ok(entries) = fs::read_dir(path) else {
        return Vec::new();
    };
    let names = entries.flatten().take(MAX_FILES).map(|entry| entry.file_name());
    let mut found: Vec<(Vec<u32>, PathBuf)> = names
        .filter_map(|name| Some((version(&name)?, path.join(&name))))
        .collect();
    found.sort_by(|(one, _), (other, _)| other.cmp(one));
    found.into_iter().map(|(_, path)| path).collect()
}

/// The version in the name of a library of ONNX Runtime; none in other names.
fn version(name: &OsStr) -> Option<Vec<u32>> {
    let rest = name.to_str()?.strip_prefix(STEM)?;
    let numbers = rest.split('.').skip(1).map(|number| number.parse().ok());
    numbers.collect()
}

/// Whether a file may be run as part of this process: nobody but root and us can have written it.
pub(super) fn check(path: &Path) -> Result<(), String> {
    let found = fs::metadata(path).map_err(|error| error.to_string())?;
    let us = fs::metadata("/proc/self").map_or(ROOT, |process| process.uid());
    if found.uid() != us && found.uid() != ROOT {
        return Err("it belongs to another user".to_owned());
    }
    if found.mode() & OTHERS_MAY_WRITE != 0 {
        return Err(format!(
            "others may write to it (mode {:o}); `chmod go-w` mends that",
            found.mode() & 0o777
        ));
    }
    Ok(())
}

/// A library that came with Python's package `onnxruntime`: told to people, never opened unless they say so.
#[must_use]
pub fn of_python() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let environment = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    let roots = environment
        .into_iter()
        .map(|root| root.join("lib"))
        .chain(home.map(|home| home.join(".local/lib")))
        .chain(["/usr/local/lib", "/usr/lib"].map(PathBuf::from));
    let versions = roots.flat_map(|root| {
        let entries = fs::read_dir(root).into_iter().flatten().flatten().take(MAX_FILES);
        let python = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("python3");
        entries.filter(python).map(|entry| entry.path())
    });
    let packages =
        versions.flat_map(|python| ["site-packages", "dist-packages"].map(|name| python.join(name)));
    packages
        .flat_map(|packages| at(&packages.join("onnxruntime/capi")))
        .next()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn of_a_folder_the_newest_version_comes_first_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "libonnxruntime.so.1.9.0",
            "libonnxruntime.so.1.22.1",
            "libonnxruntime.so",
            "libonnxruntime_providers_shared.so",
            "libonnxruntime.so.old",
            "libm.so.6",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = candidates(&Asked::At(folder.path().to_owned()));
        let names: Vec<&str> = found
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "libonnxruntime.so.1.22.1",
                "libonnxruntime.so.1.9.0",
                "libonnxruntime.so"
            ]
        );
        let file = folder.path().join("libm.so.6");
        assert_eq!(
            candidates(&Asked::At(file.clone())),
            [file],
            "a file is taken at its word"
        );
        assert!(candidates(&Asked::At(folder.path().join("none"))).is_empty());
        assert!(candidates(&Asked::Off).is_empty());
    }

    #[test]
    fn a_library_that_others_may_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libonnxruntime.so");
        fs::write(&path, "").unwrap();
        for (mode, allowed) in [(0o644, true), (0o755, true), (0o664, false), (0o646, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(check(&path).is_ok(), allowed, "{mode:o}");
        }
    }
}
