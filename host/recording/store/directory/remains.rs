//! What a crash or a power cut left half written in an asset's folder.
//!
//! Invariant: only names that this host makes itself are removed, and only while the asset is claimed, so that nobody writes them.

use std::path::Path;

use jiff::civil::Date;

use crate::media::TrackKind;
use crate::recording::asset::name::{Epoch, SEGMENT, SegmentName};
use crate::recording::storage::Storage;

/// Names that are looked at in one folder: a network's disk lists them within the time that a claim has. What stays in a larger
/// folder is in nobody's way: most of it is written anew under the same name, and no reader sees it.
const MAX_LOOKED_AT: usize = 1 << 17;

/// Best effort: what cannot be removed is left, and recordings go on.
pub(super) fn remove(storage: &dyn Storage, folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.take(MAX_LOOKED_AT).flatten() {
        if !entry.file_name().to_str().is_some_and(is_ours) {
            continue;
        }
        if let Err(error) = storage.remove(&entry.path()) {
            tracing::debug!(path = %entry.path().display(), %error, "What a crash left behind stays");
        }
    }
}

/// Whether it is the name under which something of ours is written, before it gets its own.
fn is_ours(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".tmp") else {
        return false;
    };
    is_segment(stem) || is_init(stem) || is_playlist(stem)
}

fn is_segment(name: &str) -> bool {
    let parsed = name.strip_suffix(SEGMENT).and_then(SegmentName::parse);
    parsed.is_some_and(|parsed| parsed.file(SEGMENT) == name)
}

fn is_init(name: &str) -> bool {
    [(".video.mp4", TrackKind::Video), (".audio.mp4", TrackKind::Audio)]
        .into_iter()
        .filter_map(|(ending, kind)| Some((Epoch::parse(name.strip_suffix(ending)?)?, kind)))
        .any(|(epoch, kind)| epoch.init(kind) == name)
}

/// A playlist's ending makes way for that of what is being written.
fn is_playlist(stem: &str) -> bool {
    let date = ["", ".video", ".audio"]
        .into_iter()
        .filter_map(|ending| stem.strip_suffix(ending))
        .any(|day| day.parse::<Date>().is_ok_and(|date| date.to_string() == day));
    date || stem == "index"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_made_here_are_ours() {
        for name in [
            "20261120T225535.000000Z-host-1.m4s.tmp",
            "my-host-7.video.mp4.tmp",
            "my-host-7.audio.mp4.tmp",
            "index.tmp",
            "2026-11-20.tmp",
            "2026-11-20.video.tmp",
            "2026-11-20.audio.tmp",
        ] {
            assert!(is_ours(name), "{name}");
        }
        for name in [
            "",
            ".tmp",
            "notes.tmp",
            "index.m3u8",
            "index.m3u8.tmp",
            "index.tmp.tmp",
            "2026-11-20",
            "2026-11-20.text.tmp",
            "2026-13-20.tmp",
            "20261120.tmp",
            "2026-11-20T00:00.tmp",
            "20261120T225535.000000Z-host-1.m4s",
            "20261120T225535.000000Z-host-1.tmp",
            "20261120T225535.000000Z-host-01.m4s.tmp",
            "my-host-7.mp4.tmp",
            "my-host-x.video.mp4.tmp",
        ] {
            assert!(!is_ours(name), "{name}");
        }
    }
}
