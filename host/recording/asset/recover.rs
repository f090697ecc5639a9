//! What a writer left open: its sound prefix is sealed, the rest goes.

use std::io;
use std::path::Path;

use jiff::civil::Date;

use super::name::{AUDIO_PART, Epoch, SegmentName, VIDEO_PART};
use super::scan::{self, Prefix};
use super::segment::{OpenSegment, Sealed, Sealing};
use crate::media::TrackKind;
use crate::recording::RecordingError;
use crate::recording::storage::Storage;

/// The segments that stand open in a folder.
pub(in crate::recording) fn open_segments(dir: &Path) -> Result<Vec<SegmentName>, RecordingError> {
    let names = scan::list(dir)?;
    let mut open: Vec<SegmentName> = names
        .iter()
        .filter_map(|name| SegmentName::parse(name.strip_suffix(VIDEO_PART)?))
        .collect();
    open.sort();
    Ok(open)
}

/// What is sound of an open segment; none when nothing is.
///
/// # Errors
/// When it cannot be read just now: what fails for lack of a file handle must not cost the media.
pub(in crate::recording) fn sound(
    dir: &Path,
    name: &SegmentName,
) -> Result<Option<(Prefix, Option<Prefix>)>, RecordingError> {
    let tracks = match scan::tracks(dir, &name.epoch) {
        Ok(tracks) => tracks,
        // Fragments without their init segment cannot be played; it is written before them.
        Err(error) if is_final(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let video = scan::valid_prefix(&dir.join(name.file(VIDEO_PART)), TrackKind::Video, &tracks)?;
    if video.part.samples == 0 {
        return Ok(None);
    }
    let side = dir.join(name.file(AUDIO_PART));
    let audio = side
        .exists()
        .then(|| scan::valid_prefix(&side, TrackKind::Audio, &tracks));
    Ok(Some((video, audio.transpose()?)))
}

/// Seals what is sound of an open segment.
///
/// # Errors
/// When the disk refuses; may be tried again.
pub(in crate::recording) fn finish(
    dir: &Path,
    name: SegmentName,
    parts: (Prefix, Option<Prefix>),
    storage: &dyn Storage,
) -> Result<Sealed, RecordingError> {
    Sealing::new(OpenSegment::resume(dir, name, parts, storage)?).run(storage)
}

/// Removes an open segment of which nothing is sound.
///
/// # Errors
/// When the disk refuses.
pub(in crate::recording) fn discard(
    dir: &Path,
    name: &SegmentName,
    storage: &dyn Storage,
) -> Result<(), RecordingError> {
    let path = dir.join(name.file(VIDEO_PART));
    storage.remove(&path).map_err(RecordingError::io("remove", &path))
}

/// Whether it would be the same another time.
fn is_final(error: &RecordingError) -> bool {
    match error {
        RecordingError::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
        RecordingError::Media { source, .. } => !scan::is_refusal(source),
        _ => false,
    }
}

/// Removes sound without its video, and small files that were not finished.
///
/// # Errors
/// When the disk refuses.
pub(in crate::recording) fn remove_leftovers(
    dir: &Path,
    storage: &dyn Storage,
) -> Result<(), RecordingError> {
    for name in scan::list(dir)? {
        let audio = name
            .strip_suffix(AUDIO_PART)
            .and_then(SegmentName::parse)
            .is_some();
        let temporary = name == ".tmp" || name.strip_suffix(".tmp").is_some_and(is_ours);
        if audio || temporary {
            let path = dir.join(&name);
            storage
                .remove(&path)
                .map_err(RecordingError::io("remove", &path))?;
        }
    }
    Ok(())
}

/// What [`crate::recording::storage::replace`] leaves behind of a playlist, a counter or an init segment.
fn is_ours(stem: &str) -> bool {
    // Of a segment that the disk refused to sync.
    if stem.ends_with(VIDEO_PART) {
        return true;
    }
    let stem = [".", ".video", ".audio"]
        .iter()
        .find_map(|ending| stem.strip_suffix(ending))
        .unwrap_or(stem);
    matches!(stem, "index" | ".epoch") || stem.parse::<Date>().is_ok() || Epoch::parse(stem).is_some()
}
