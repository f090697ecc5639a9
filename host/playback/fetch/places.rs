//! Where the bytes of a segment may lie, and reading files.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::media::TrackKind;
use crate::playback::source::{Part, Source};
use crate::recording::asset::name::{AUDIO_PART, SEGMENT, VIDEO_PART};

/// A place where bytes may be.
#[derive(Debug)]
pub(super) enum Place {
    /// A file.
    File(PathBuf, Range<u64>),
    /// The store of the asset, under a name.
    Store(String, Range<u64>),
}

/// Where a range of a part may be, the likeliest first. `again`: it was not where it was thought to be.
pub(super) fn places(source: &Source, part: Part, range: &Range<u64>, again: bool) -> Vec<Place> {
    let whole = source.part(part);
    let (start, end) = (
        whole.start.saturating_add(range.start),
        whole.start.saturating_add(range.end),
    );
    // Only what belongs to it.
    if end > whole.end || start >= end {
        return Vec::new();
    }
    let sealed = source.name.file(SEGMENT);
    let mut places = Vec::with_capacity(2);
    if let Some(folder) = &source.folder {
        if let (true, Part::Track(kind)) = (source.growing, part) {
            let side = match kind {
                TrackKind::Video => VIDEO_PART,
                TrackKind::Audio => AUDIO_PART,
            };
            places.push(Place::File(folder.join(source.name.file(side)), start..end));
            // It has just been sealed, and the index does not know yet: sound stands behind the video.
            let behind = match kind {
                TrackKind::Video => 0,
                TrackKind::Audio => source.video.end,
            };
            if again {
                places.push(Place::File(
                    folder.join(&sealed),
                    start.saturating_add(behind)..end.saturating_add(behind),
                ));
            }
        } else {
            places.push(Place::File(folder.join(&sealed), start..end));
        }
    }
    if source.stored {
        places.push(Place::Store(sealed, start..end));
    }
    places
}

/// Blocks.
pub(super) fn read_file(path: &Path, range: &Range<u64>) -> io::Result<Vec<u8>> {
    read_range(&File::open(path)?, range)
}

/// Opens each file once for the ranges of it that stand together. Blocks.
pub(super) fn read_files(files: &[(PathBuf, Range<u64>)]) -> io::Result<Vec<Bytes>> {
    let mut all = Vec::with_capacity(files.len());
    for of_one in files.chunk_by(|(one, _), (next, _)| one == next) {
        let Some((path, _)) = of_one.first() else { continue };
        let file = File::open(path)?;
        for (_, range) in of_one {
            all.push(read_range(&file, range)?.into());
        }
    }
    Ok(all)
}

fn read_range(file: &File, range: &Range<u64>) -> io::Result<Vec<u8>> {
    let length = range.end.saturating_sub(range.start);
    let length = usize::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_in_their_order_whatever_files_they_are_in_or_none_is() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other, none] = ["one", "other", "none"].map(|name| folder.path().join(name));
        std::fs::write(&one, "abcdef").unwrap();
        std::fs::write(&other, "uvwxyz").unwrap();
        let asked = |ranges: &[(&PathBuf, Range<u64>)]| {
            let files: Vec<_> = ranges
                .iter()
                .map(|(path, range)| ((*path).clone(), range.clone()))
                .collect();
            read_files(&files)
        };
        let read = asked(&[(&one, 0..2), (&one, 4..6), (&other, 1..3), (&one, 2..4)]).unwrap();
        assert_eq!(read, ["ab", "ef", "vw", "cd"]);
        let missing = asked(&[(&one, 0..2), (&none, 0..1)]).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let short = asked(&[(&other, 4..7)]).unwrap_err();
        assert_eq!(short.kind(), io::ErrorKind::UnexpectedEof);
    }
}
