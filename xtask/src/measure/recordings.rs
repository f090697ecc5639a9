//! Recordings in a state directory as somebody sees them who does not trust the host: names and bytes of sealed segments,
//! what is left over, what `mediagraph check` and ffprobe say.
//!
//! A segment is acknowledged as soon as its sealed name is seen: from then on it may move from the cache to its store, and must
//! neither go nor change.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::demo::check_assets;

/// What a sealed segment's name ends with.
const SEALED: &str = ".m4s";
/// What the names of unfinished files end with.
const UNFINISHED: [&str; 2] = [".part", ".tmp"];
/// The folder of the store in a state directory.
pub(super) const STORE: &str = "assets";
/// How long a segment may be between the cache and its store, for one who lists folders one after the other.
const MOVING: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);
/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// Names a segment wherever it is: its asset and its file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) asset: String,
    pub(super) file: String,
}

/// What a segment must always be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) bytes: u64,
    pub(super) sha256: [u8; 32],
}

/// One sample of a recording, as `mediagraph check --samples` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Sample {
    pub(super) track: String,
    /// In ticks of 90 kHz since the Unix epoch.
    pub(super) time: i64,
    pub(super) sha256: String,
}

/// Every sealed segment of a state directory.
///
/// # Errors
/// When a folder cannot be listed.
pub(super) fn sealed(state: &Path) -> Result<BTreeMap<Key, PathBuf>> {
    let mut found = BTreeMap::new();
    // The cache before the store: what moves meanwhile is met in one of them.
    let store = state.join(STORE);
    let all = files(state, &[&store])?.into_iter().chain(files(&store, &[])?);
    for path in all {
        if let Some(key) = key(&path) {
            found.insert(key, path);
        }
    }
    Ok(found)
}

/// What of `wanted` is not there, also not a little later.
///
/// # Errors
/// When a folder cannot be listed.
pub(super) fn missing<'a>(
    state: &Path,
    wanted: impl Iterator<Item = &'a Key> + Clone,
) -> Result<Vec<&'a Key>> {
    let deadline = Instant::now() + MOVING;
    loop {
        let found = sealed(state)?;
        let missing: Vec<&Key> = wanted.clone().filter(|key| !found.contains_key(*key)).collect();
        if missing.is_empty() || Instant::now() >= deadline {
            return Ok(missing);
        }
        std::thread::sleep(POLL);
    }
}

/// Files of recordings whose names say that they are not finished.
///
/// # Errors
/// When a folder cannot be listed.
pub(super) fn unfinished(state: &Path) -> Result<Vec<PathBuf>> {
    let all = files(state, &[])?;
    let is_unfinished = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        UNFINISHED.iter().any(|ending| name.ends_with(ending))
    };
    Ok(all.into_iter().filter(is_unfinished).collect())
}

fn key(path: &Path) -> Option<Key> {
    let file = path.file_name()?.to_str()?;
    let folder = path.parent()?.file_name()?.to_str()?;
    // A folder of the cache may carry the name of its store behind a dot, which no asset's name has.
    let asset = folder.split('.').next()?;
    file.ends_with(SEALED).then(|| Key {
        asset: asset.to_owned(),
        file: file.to_owned(),
    })
}

/// Every file below a folder; what goes meanwhile is left out.
pub(super) fn files(folder: &Path, without: &[&Path]) -> Result<Vec<PathBuf>> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = waiting.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("cannot list {}", folder.display())),
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !without.contains(&path.as_path()) => waiting.push(path),
                Ok(kind) if kind.is_file() => found.push(path),
                _ => {}
            }
        }
    }
    Ok(found)
}

/// Size and SHA-256 of a file.
///
/// # Errors
/// As the operating system says.
pub(super) fn content(path: &Path) -> io::Result<Content> {
    let mut file = File::open(path)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(Content {
                bytes,
                sha256: hash.finalize().into(),
            });
        }
        hash.update(chunk.get(..read).unwrap_or_default());
        bytes += read as u64;
    }
}

/// What the host's own check finds wrong with the recordings of a state directory.
///
/// # Errors
/// When it does not say.
pub(super) fn unsound(binary: &Path, state: &Path) -> Result<Vec<String>> {
    let clips = check_assets(binary, state)?;
    let first = |clip: &crate::demo::Clip| {
        let problem = clip.problems.first()?;
        Some(format!("{}: {problem}", clip.name))
    };
    Ok(clips.iter().filter_map(first).collect())
}

/// Every playlist of a whole recording in the store.
///
/// # Errors
/// When a folder cannot be listed.
pub(super) fn playlists(state: &Path) -> Result<Vec<PathBuf>> {
    let all = files(&state.join(STORE), &[])?;
    let mut playlists: Vec<PathBuf> = all
        .into_iter()
        .filter(|path| path.ends_with("index.m3u8"))
        .collect();
    playlists.sort();
    Ok(playlists)
}

/// What ffprobe complains of, when it plays a playlist from its start to its end and decodes every picture.
///
/// # Errors
/// Without ffprobe.
pub(super) fn unplayable(playlist: &Path) -> Result<Option<String>> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-count_frames", "-select_streams", "v:0"]);
    command.args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"]);
    let output = command
        .arg(playlist)
        .output()
        .context("cannot run `ffprobe`\nhint: apt-get install ffmpeg")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let shown = String::from_utf8_lossy(&output.stdout);
    let pictures: u64 = shown
        .lines()
        .filter_map(|line| line.trim_matches(',').parse::<u64>().ok())
        .sum();
    let complaint = match said.lines().next() {
        Some(line) => line.to_owned(),
        None if pictures == 0 => format!("no picture ({})", output.status),
        None => return Ok(None),
    };
    Ok(Some(format!("{}: {complaint}", playlist.display())))
}

/// The samples of one asset of the store, segment by segment.
///
/// # Errors
/// When the host does not list them.
pub(super) fn samples(binary: &Path, asset: &Path) -> Result<Vec<Sample>> {
    let output = Command::new(binary)
        .args(["check", "--json", "--samples"])
        .arg(asset)
        .output()
        .context("cannot run `mediagraph check`")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found: Vec<Sample> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    if found.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`mediagraph check --samples {}`: {}",
            asset.display(),
            said.trim()
        );
    }
    Ok(found)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::measure) fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn put(state: &Path, path: &str, content: &str) {
        let path = state.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn a_segment_is_the_same_in_the_cache_and_in_the_store() {
        let state = folder("sealed");
        put(&state, "cache/lobby/sink/door.azure/a.m4s", "one");
        put(&state, "cache/lobby/sink/door/b.m4s.part", "open");
        put(&state, "assets/door/c.m4s", "two");
        let found = sealed(&state).unwrap();
        let names: Vec<_> = found
            .keys()
            .map(|key| (key.asset.as_str(), key.file.as_str()))
            .collect();
        assert_eq!(names, [("door", "a.m4s"), ("door", "c.m4s")]);
        assert_eq!(unfinished(&state).unwrap().len(), 1);
        let wanted: Vec<Key> = found.keys().cloned().collect();
        fs::rename(
            state.join("cache/lobby/sink/door.azure/a.m4s"),
            state.join("assets/door/a.m4s"),
        )
        .unwrap();
        assert!(missing(&state, wanted.iter()).unwrap().is_empty());
        fs::remove_dir_all(&state).unwrap();
    }

    #[test]
    fn a_segment_that_goes_is_missed() {
        let state = folder("missing");
        put(&state, "assets/door/a.m4s", "one");
        let gone = Key {
            asset: "door".into(),
            file: "b.m4s".into(),
        };
        assert_eq!(missing(&state, [&gone].into_iter()).unwrap(), [&gone]);
        fs::remove_dir_all(&state).unwrap();
    }

    #[test]
    fn content_is_size_and_digest() {
        let state = folder("content");
        put(&state, "x", "abc");
        let content = content(&state.join("x")).unwrap();
        assert_eq!((content.bytes, content.sha256[0]), (3, 0xba));
        fs::remove_dir_all(&state).unwrap();
    }
}
