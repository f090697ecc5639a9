//! Structure with synthetic units; whether players like the result is asked in `tests/recording`.

mod adopted;
mod assets;
mod bench;
mod crashes;
mod deleted;
mod full;
mod settled;
mod witnessed;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::storage::failing::Failing;
use super::storage::{Disk, Storage};
use super::verify::{Report, verify};
use super::*;
use crate::media::{StreamFormat, TrackKind};

const BASE: u64 = 158_400_000_000_000;
const FRAME: u64 = 3600;
const SOUND: u64 = 1920;

fn sample_entry(kind: &[u8; 4], length: usize) -> Bytes {
    let mut entry = vec![0; length];
    entry[..4].copy_from_slice(&(length as u32).to_be_bytes());
    entry[4..8].copy_from_slice(kind);
    entry.into()
}

fn video_format() -> Arc<StreamFormat> {
    Arc::new(StreamFormat {
        kind: TrackKind::Video,
        codec: "avc1.64001F".into(),
        sample_entry: sample_entry(b"avc1", 86),
        decoder_config: Bytes::new(),
        width: 640,
        height: 360,
        sample_rate: 0,
    })
}

fn audio_format() -> Arc<StreamFormat> {
    Arc::new(StreamFormat {
        kind: TrackKind::Audio,
        codec: "mp4a.40.2".into(),
        sample_entry: sample_entry(b"mp4a", 36),
        decoder_config: Bytes::new(),
        width: 0,
        height: 0,
        sample_rate: 48_000,
    })
}

fn unit(format: &Arc<StreamFormat>, time: u64, random_access: bool) -> Arc<AccessUnit> {
    let data = match format.kind {
        TrackKind::Video => Bytes::from(vec![0, 0, 0, 5, 0x65, 1, 2, 3, (time / FRAME) as u8]),
        TrackKind::Audio => Bytes::from(vec![7; 6]),
    };
    Arc::new(AccessUnit {
        time: MediaTime::from_ticks(BASE + time),
        format: Arc::clone(format),
        data,
        random_access,
        disposable: false,
        discontinuity: false,
    })
}

/// `seconds` of 25 pictures a second with a random access point every second, with sound, from `from` on.
fn stream(from: u64, seconds: u64, sound: bool) -> Vec<Arc<AccessUnit>> {
    let (video, audio) = (video_format(), audio_format());
    let mut units: Vec<_> = (0..seconds * 25)
        .map(|index| unit(&video, from + index * FRAME, index % 25 == 0))
        .collect();
    if sound {
        units.extend((0..seconds * 90_000 / SOUND).map(|index| unit(&audio, from + index * SOUND, true)));
    }
    units.sort_by_key(|unit| (unit.time, unit.kind()));
    units
}

fn disk() -> Arc<dyn Storage> {
    Arc::new(Disk)
}

fn feed(recorder: &mut dyn Recorder, units: &[Arc<AccessUnit>]) -> Vec<Notice> {
    let mut notices = Vec::new();
    for unit in units {
        if recorder.push(unit).unwrap() {
            notices.extend(recorder.flush().unwrap());
        }
    }
    notices
}

fn count(report: &Report, kind: &str) -> u64 {
    report
        .tracks
        .iter()
        .filter(|track| track.kind == kind)
        .map(|track| track.samples)
        .sum()
}

fn file_options(directory: &Path, name: &str) -> FileOptions {
    FileOptions {
        directory: directory.to_owned(),
        name: name.into(),
        owner: "sink".into(),
        maximum_size_mib: None,
        segments: None,
    }
}

#[test]
fn a_file_is_sound_before_and_after_it_is_closed() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = FileWriter::open(file_options(root.path(), "clips/door"), disk()).unwrap();
    feed(&mut writer, &stream(0, 9, true));
    let path = root.path().join("clips/door.mp4");
    let open = verify(&path).unwrap();
    assert_eq!(open.problems, Vec::<String>::new());
    assert_eq!(count(&open, "video"), 200);
    let notices = writer.close().unwrap();
    assert!(
        matches!(notices.last(), Some(Notice::Available { .. })),
        "{notices:?}"
    );
    let closed = verify(&path).unwrap();
    assert_eq!(closed.problems, Vec::<String>::new());
    assert_eq!((count(&closed, "video"), count(&closed, "audio")), (225, 421));
    assert_eq!(closed.duration, Ticks::from_secs(9));
}

#[derive(Debug)]
struct ByTheSecond;

impl FileNames for ByTheSecond {
    fn name(&self, start: MediaTime) -> String {
        format!("clip-{}", start.since(MediaTime::from_ticks(BASE)).0 / 90_000)
    }
}

#[test]
fn a_file_that_somebody_takes_away_is_a_gap_and_the_next_is_begun() {
    let root = tempfile::tempdir().unwrap();
    let options = FileOptions {
        segments: Some(Segments {
            length: Ticks::from_secs(6),
            names: Arc::new(ByTheSecond),
        }),
        ..file_options(root.path(), "clip-0")
    };
    let mut writer = FileWriter::open(options, disk()).unwrap();
    feed(&mut writer, &stream(0, 4, false));
    std::fs::remove_file(root.path().join("clip-0.mp4")).unwrap();
    let mut notices = feed(&mut writer, &stream(90_000 * 4, 16, false));
    notices.extend(writer.close().unwrap());
    let gaps: Vec<_> = notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Gap { start, units, .. } => Some((*start, *units)),
            _ => None,
        })
        .collect();
    assert_eq!(gaps.len(), 1, "{notices:?}");
    assert_eq!(gaps[0].0, MediaTime::from_ticks(BASE));
    let kept: u64 = std::fs::read_dir(root.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "mp4"))
        .map(|path| {
            let report = verify(&path).unwrap();
            assert_eq!(report.problems, Vec::<String>::new());
            count(&report, "video")
        })
        .sum();
    assert_eq!(kept + gaps[0].1, 20 * 25, "there, or a gap");
    assert!(kept >= 10 * 25, "{kept}");
    let told = |wanted: fn(&Notice) -> bool| notices.iter().filter(|notice| wanted(notice)).count();
    let started = told(|notice| matches!(notice, Notice::Started { .. }));
    let stopped = told(|notice| matches!(notice, Notice::Stopped { .. }));
    // The first was begun before.
    assert_eq!(started + 1, stopped);
}

#[test]
fn whichever_operation_fails_the_file_stays_sound() {
    for operation in 0.. {
        let root = tempfile::tempdir().unwrap();
        let storage = Failing::at(operation);
        let open = || FileWriter::open(file_options(root.path(), "door"), Arc::new(storage.clone()));
        let mut writer = open().or_else(|_| open()).unwrap();
        for unit in stream(0, 9, true) {
            if writer.push(&unit).unwrap() {
                let _ = writer.flush();
            }
        }
        writer.close().or_else(|_| writer.close()).unwrap();
        let report = verify(&root.path().join("door.mp4")).unwrap();
        assert_eq!(report.problems, Vec::<String>::new(), "{operation}");
        assert_eq!(
            (count(&report, "video"), count(&report, "audio")),
            (225, 421),
            "{operation}"
        );
        if !storage.has_failed() {
            assert!(operation > 10, "{operation}");
            break;
        }
    }
}

#[test]
fn a_file_name_cannot_leave_its_directory() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), root.path().join("link")).unwrap();
    for name in [
        "",
        "..",
        "../x",
        "a/../../x",
        "/tmp/x",
        "a/",
        ".hidden",
        "a\0b",
        "a\\b",
    ] {
        assert!(
            FileWriter::open(file_options(root.path(), name), disk()).is_err(),
            "{name:?}"
        );
    }
    let mut writer = FileWriter::open(file_options(root.path(), "link/x"), disk()).unwrap();
    for unit in stream(0, 3, false) {
        writer.push(&unit).unwrap();
    }
    assert!(matches!(writer.flush(), Err(RecordingError::FileName { .. })));
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn the_oldest_own_files_make_room_and_foreign_ones_stay() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("foreign.mp4"), vec![0; 3 << 20]).unwrap();
    let mut big = (*unit(&video_format(), 0, true)).clone();
    let mut payload = vec![0; 600 << 10];
    let length = payload.len() as u32 - 4;
    payload[..4].copy_from_slice(&length.to_be_bytes());
    big.data = payload.into();
    let mut removed = Vec::new();
    for number in 0..4 {
        let options = FileOptions {
            maximum_size_mib: Some(1),
            ..file_options(root.path(), &format!("clip{number}"))
        };
        let mut writer = FileWriter::open(options, disk()).unwrap();
        writer.push(&Arc::new(big.clone())).unwrap();
        removed.extend(
            writer
                .close()
                .unwrap()
                .into_iter()
                .filter_map(|notice| match notice {
                    Notice::Removed { path, .. } => Some(path),
                    _ => None,
                }),
        );
    }
    assert_eq!(removed.len(), 3);
    let mut left: Vec<_> = std::fs::read_dir(root.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    left.sort();
    assert_eq!(left, ["clip3.mp4", "foreign.mp4"]);
}

#[test]
fn no_broken_byte_of_a_file_makes_the_reader_panic_or_read_outside() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = FileWriter::open(file_options(root.path(), "door"), disk()).unwrap();
    feed(&mut writer, &stream(0, 3, true));
    let path = root.path().join("door.mp4");
    let fragmented = std::fs::read(&path).unwrap();
    writer.close().unwrap();
    let finished = std::fs::read(&path).unwrap();
    for whole in [fragmented, finished] {
        for place in 0..whole.len() {
            for value in [0, 0x7f, 0xff] {
                let mut broken = whole.clone();
                broken[place] = value;
                let length = broken.len() as u64;
                let mut input = std::io::Cursor::new(broken);
                let Ok(movie) = crate::media::mp4::read::movie(&mut input, length) else {
                    continue;
                };
                let fragments = crate::media::mp4::read::Fragments::new(&mut input, &movie.tracks, 0..length);
                let samples = fragments.flatten().flat_map(|fragment| fragment.samples);
                for sample in samples.chain(movie.samples.iter().copied()) {
                    assert!(sample.offset + u64::from(sample.size) <= length);
                }
            }
        }
    }
}
