//! After a crash: the sound prefix of the open segment is sealed, playlists are rebuilt from the media alone.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use jiff::civil::Date;

use super::name::{AUDIO_PART, Epoch, SEGMENT, SegmentName, VIDEO_PART};
use super::playlist::{Day, Inits};
use super::scan::{self, Part};
use super::segment::{OpenSegment, Sealing};
use crate::media::mp4::{AUDIO_TRACK, VIDEO_TRACK};
use crate::media::{Ticks, TrackKind};
use crate::recording::storage::Storage;
use crate::recording::{Notice, RecordingError};

/// What an asset that is opened has to offer.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    /// The newest day.
    pub(super) day: Option<Day>,
    pub(super) notices: Vec<Notice>,
}

pub(super) fn recover(dir: &Path, output: &str, storage: &dyn Storage) -> Result<Recovered, RecordingError> {
    let mut recovered = Recovered::default();
    let mut days = BTreeSet::new();
    for name in scan::list(dir)? {
        if let Some(segment) = name.strip_suffix(VIDEO_PART).and_then(SegmentName::parse) {
            days.insert(segment.day());
            recovered.notices.extend(finish(dir, segment, storage)?);
        }
    }
    remove_leftovers(dir, storage)?;
    let segments = scan::segments(dir)?;
    days.extend(segments.iter().map(SegmentName::day).max());
    for date in days {
        let day = read_day(dir, date, &segments);
        day.write(dir, storage, true)?;
        recovered.day = Some(day);
    }
    if let Some(Notice::SegmentSealed { end, .. }) = recovered.notices.last() {
        let until = *end;
        recovered.notices.push(Notice::Available {
            output: output.to_owned(),
            until,
        });
    }
    Ok(recovered)
}

/// Seals what is sound of an open segment, or removes it when nothing is.
fn finish(dir: &Path, name: SegmentName, storage: &dyn Storage) -> Result<Option<Notice>, RecordingError> {
    let path = dir.join(name.file(VIDEO_PART));
    let tracks = match scan::tracks(dir, &name.epoch) {
        Ok(tracks) => tracks,
        Err(error) if is_final(&error) => {
            // Fragments without their init segment cannot be played; it is written before them.
            storage
                .remove(&path)
                .map_err(RecordingError::io("remove", &path))?;
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let video = scan::valid_prefix(&path, VIDEO_TRACK, &tracks)?;
    if video.samples == 0 {
        storage
            .remove(&path)
            .map_err(RecordingError::io("remove", &path))?;
        return Ok(None);
    }
    let side = dir.join(name.file(AUDIO_PART));
    let audio = if side.exists() {
        Some(scan::valid_prefix(&side, AUDIO_TRACK, &tracks)?)
    } else {
        None
    };
    let start = name.start;
    let segment = OpenSegment::resume(dir, name, (video, audio), storage)?;
    let sealed = Sealing::new(segment).run(storage)?;
    Ok(Some(Notice::SegmentSealed {
        path: sealed.path,
        start,
        end: start.offset(Ticks(i64::try_from(video.ticks).unwrap_or(i64::MAX))),
        bytes: video.bytes + sealed.audio.map_or(0, |audio: Part| audio.bytes),
    }))
}

/// Whether it would be the same another time. What fails for lack of a file handle must not cost the media.
fn is_final(error: &RecordingError) -> bool {
    match error {
        RecordingError::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
        RecordingError::Media { source, .. } => !scan::is_refusal(source),
        _ => false,
    }
}

fn remove_leftovers(dir: &Path, storage: &dyn Storage) -> Result<(), RecordingError> {
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
    let stem = [".", ".video", ".audio"]
        .iter()
        .find_map(|ending| stem.strip_suffix(ending))
        .unwrap_or(stem);
    matches!(stem, "index" | ".epoch") || stem.parse::<Date>().is_ok() || Epoch::parse(stem).is_some()
}

fn read_day(dir: &Path, date: Date, segments: &[SegmentName]) -> Day {
    let mut day = Day::new(date);
    for name in segments.iter().filter(|name| name.day() == date) {
        let read = scan::tracks(dir, &name.epoch)
            .and_then(|tracks| Ok((scan::segment(dir, name, &tracks, |_| ())?, tracks)));
        // One rotten segment must not keep a camera from being recorded.
        let ((video, audio), tracks) = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(%error, segment = %name, "a segment is left out of the playlist");
                continue;
            }
        };
        let of = |kind| tracks.iter().find(|track| track.kind == kind).cloned();
        let inits = Inits {
            video: of(TrackKind::Video),
            audio: of(TrackKind::Audio),
        };
        day.add(name.clone(), video, audio, &inits);
    }
    day
}

/// The highest epoch that a host has used: what was noted, or what the media shows if the note is lost.
pub(super) fn last_counter(dir: &Path, note: &str, host: &str) -> Result<u64, RecordingError> {
    let noted = std::fs::read_to_string(dir.join(note)).ok();
    let noted = noted.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let shown = scan::list(dir)?
        .iter()
        .filter_map(|name| epoch_of(name))
        .filter(|epoch| epoch.host == host)
        .map(|epoch| epoch.counter)
        .max();
    Ok(shown.unwrap_or(0).max(noted))
}

fn epoch_of(name: &str) -> Option<Epoch> {
    if let Some(stem) = name.strip_suffix(SEGMENT) {
        return SegmentName::parse(stem).map(|name| name.epoch);
    }
    Epoch::parse(name.strip_suffix(".video.mp4")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::storage::Disk;

    #[test]
    fn media_is_not_removed_because_something_cannot_be_read_just_now() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("20261120T225535.000000Z-host-1.m4s.part");
        std::fs::write(&open, [7; 100]).unwrap();
        // Opens and cannot be read, as on a disk with trouble.
        let init = folder.path().join("host-1.video.mp4");
        std::fs::create_dir(&init).unwrap();
        assert!(recover(folder.path(), "asset", &Disk).is_err());
        assert!(open.exists());
        std::fs::remove_dir(&init).unwrap();
        recover(folder.path(), "asset", &Disk).unwrap();
        assert!(!open.exists(), "without its init segment it is of no use");
    }
}
