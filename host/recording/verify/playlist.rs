//! Playlists against the media: every entry must name an existing byte range, and tell its length.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Report;
use crate::recording::RecordingError;
use crate::recording::asset::scan::{self, Part};

/// Playlists are written with microseconds; a tick is 11.1 of them.
const TOLERANCE_SECONDS: f64 = 0.000_012;
/// The largest playlist that is read, in bytes: a day of 1 s segments.
const MAX_PLAYLIST: u64 = 32 << 20;

/// The init segments are there; video; audio.
pub(super) type Parts = (bool, Part, Option<Part>);

pub(super) fn verify(
    dir: &Path,
    parts: &BTreeMap<String, Parts>,
    report: &mut Report,
) -> Result<(), RecordingError> {
    let mut listed = BTreeSet::new();
    for name in scan::list(dir)? {
        if name.ends_with(".m3u8") {
            let text = read(&dir.join(&name))?;
            check(dir, &name, &text, parts, report, &mut listed);
        }
    }
    for missing in parts.keys().filter(|name| !listed.contains(*name)) {
        report.problem(format!("`{missing}` is in no playlist"));
    }
    if !parts.is_empty() && !dir.join("index.m3u8").exists() {
        report.problem("`index.m3u8` is missing".into());
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, RecordingError> {
    let size = std::fs::metadata(path)
        .map_err(RecordingError::io("inspect", path))?
        .len();
    if size > MAX_PLAYLIST {
        let error = std::io::Error::from(std::io::ErrorKind::FileTooLarge);
        return Err(RecordingError::io("read", path)(error));
    }
    std::fs::read_to_string(path).map_err(RecordingError::io("read", path))
}

fn check(
    dir: &Path,
    playlist: &str,
    text: &str,
    parts: &BTreeMap<String, Parts>,
    report: &mut Report,
    listed: &mut BTreeSet<String>,
) {
    let audio = playlist.ends_with(".audio.m3u8");
    let (mut seconds, mut range) = (None, None);
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("#EXTINF:") {
            seconds = value.trim_end_matches(',').parse::<f64>().ok();
        } else if let Some(value) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            range = value
                .split_once('@')
                .and_then(|(bytes, offset)| Some((offset.parse::<u64>().ok()?, bytes.parse::<u64>().ok()?)));
        } else if let Some(uri) = line
            .split("URI=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
        {
            exists(dir, playlist, uri, report);
        } else if !line.starts_with('#') && !line.is_empty() {
            exists(dir, playlist, line, report);
            if line.ends_with(".m3u8") {
                continue;
            }
            let part = parts
                .get(line)
                .and_then(|(_, video, sound)| if audio { *sound } else { Some(*video) });
            if !part.is_some_and(|part| agrees(&part, seconds.take(), range.take())) {
                report.problem(format!("`{playlist}` and the media of `{line}` disagree"));
            }
            listed.insert(line.to_owned());
        }
    }
}

fn exists(dir: &Path, playlist: &str, uri: &str, report: &mut Report) {
    if uri.contains('/') || !dir.join(uri).is_file() {
        report.problem(format!("`{playlist}` refers to `{uri}`, which does not exist"));
    }
}

fn agrees(part: &Part, seconds: Option<f64>, range: Option<(u64, u64)>) -> bool {
    let length = part.ticks as f64 / crate::media::TICKS_PER_SECOND as f64;
    range == Some((part.offset, part.bytes))
        && seconds.is_some_and(|seconds| (seconds - length).abs() <= TOLERANCE_SECONDS)
}
