//! Structure with synthetic units; whether players like the result is asked in `tests/recording`.

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

fn options(root: &Path) -> AssetOptions {
    AssetOptions {
        root: root.to_owned(),
        name: "lobby".into(),
        host: "box".into(),
        segment_length: Ticks::from_secs(6),
    }
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

fn record(root: &Path, units: &[Arc<AccessUnit>]) -> Vec<Notice> {
    let mut writer = AssetWriter::open(options(root), disk()).unwrap();
    let mut notices = feed(&mut writer, units);
    notices.extend(writer.close().unwrap());
    notices
}

fn sound_report(root: &Path) -> Report {
    let report = verify(&root.join("lobby")).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    report
}

fn count(report: &Report, kind: &str) -> u64 {
    report
        .tracks
        .iter()
        .filter(|track| track.kind == kind)
        .map(|track| track.samples)
        .sum()
}

#[test]
fn an_asset_holds_every_unit_that_was_pushed() {
    let root = tempfile::tempdir().unwrap();
    let units = stream(0, 20, true);
    let notices = record(root.path(), &units);
    let report = sound_report(root.path());
    assert_eq!((count(&report, "video"), count(&report, "audio")), (500, 937));
    assert_eq!(report.duration, Ticks::from_secs(20));
    assert_eq!(report.start, MediaTime::from_ticks(BASE));
    assert!(matches!(notices[0], Notice::Started { at, .. } if at == MediaTime::from_ticks(BASE)));
    let sealed = notices
        .iter()
        .filter(|notice| matches!(notice, Notice::SegmentSealed { .. }))
        .count();
    assert_eq!(sealed, 4);
    let Some(Notice::Stopped { totals, .. }) = notices.last() else {
        panic!("{notices:?}");
    };
    assert_eq!(
        (totals.units, totals.dropped, totals.duration),
        (1437, 0, Ticks::from_secs(20))
    );
}

#[test]
fn units_before_the_first_random_access_point_are_dropped_and_counted() {
    let root = tempfile::tempdir().unwrap();
    let units = stream(0, 5, true);
    let notices = record(root.path(), &units[1..]);
    let Some(Notice::Stopped { totals, .. }) = notices.last() else {
        panic!("{notices:?}");
    };
    assert_eq!(totals.dropped + totals.units, units.len() as u64 - 1);
    assert_eq!(count(&sound_report(root.path()), "video"), 100);
}

#[test]
fn a_second_writer_is_refused_and_a_closed_asset_is_appended_to() {
    let root = tempfile::tempdir().unwrap();
    let mut first = AssetWriter::open(options(root.path()), disk()).unwrap();
    let second = AssetWriter::open(options(root.path()), disk());
    assert!(matches!(second, Err(RecordingError::Locked { .. })), "{second:?}");
    feed(&mut first, &stream(0, 5, true));
    first.close().unwrap();
    record(root.path(), &stream(90_000 * 60, 5, true));
    let report = sound_report(root.path());
    assert_eq!(count(&report, "video"), 250);
    assert_eq!(report.gaps.len(), 1);
    let names = super::asset::scan::segments(&root.path().join("lobby")).unwrap();
    assert_eq!(
        names.iter().map(|name| name.epoch.counter).collect::<Vec<_>>(),
        [1, 2]
    );
    let other = AssetOptions {
        host: "other".into(),
        ..options(root.path())
    };
    AssetWriter::open(other, disk()).unwrap().close().unwrap();
}

#[test]
fn an_asset_that_another_host_has_not_let_go_of_is_refused() {
    let root = tempfile::tempdir().unwrap();
    drop(AssetWriter::open(options(root.path()), disk()).unwrap());
    let other = AssetOptions {
        host: "other".into(),
        ..options(root.path())
    };
    assert!(matches!(
        AssetWriter::open(other, disk()),
        Err(RecordingError::OtherHost { .. })
    ));
    AssetWriter::open(options(root.path()), disk()).unwrap();
}

#[test]
fn a_discontinuity_and_a_codec_change_begin_epochs() {
    let root = tempfile::tempdir().unwrap();
    let mut units = stream(0, 4, false);
    let mut later = stream(90_000 * 10, 4, false);
    Arc::make_mut(&mut later[0]).discontinuity = true;
    units.extend(later);
    let mut wide = (*video_format()).clone();
    wide.sample_entry = sample_entry(b"avc1", 90);
    let wide = Arc::new(wide);
    units.extend((0..50).map(|index| unit(&wide, 90_000 * 14 + index * FRAME, index == 0)));
    let notices = record(root.path(), &units);
    let report = sound_report(root.path());
    assert_eq!(count(&report, "video"), 250);
    assert_eq!(report.gaps.len(), 1);
    assert_eq!(
        notices
            .iter()
            .filter(|notice| matches!(notice, Notice::Gap { .. }))
            .count(),
        1
    );
    let playlist = std::fs::read_dir(root.path().join("lobby"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with(".video.m3u8"))
        .unwrap();
    let text = std::fs::read_to_string(playlist).unwrap();
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY").count(), 2);
    assert_eq!(
        text.matches("#EXT-X-MAP").count(),
        2,
        "the second epoch shares the first one's"
    );
}

#[test]
fn without_random_access_points_fragments_are_cut_all_the_same() {
    let root = tempfile::tempdir().unwrap();
    let video = video_format();
    let units: Vec<_> = (0..500)
        .map(|index| unit(&video, index * FRAME, index == 0))
        .collect();
    let mut writer = AssetWriter::open(options(root.path()), disk()).unwrap();
    let mut flushes = 0;
    for unit in &units {
        if writer.push(unit).unwrap() {
            writer.flush().unwrap();
            flushes += 1;
        }
    }
    assert_eq!(flushes, 4);
    writer.close().unwrap();
    assert_eq!(count(&sound_report(root.path()), "video"), 500);
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_torn_tail_costs_only_the_fragments_that_are_torn() {
    let root = tempfile::tempdir().unwrap();
    let mut writer = AssetWriter::open(options(root.path()), disk()).unwrap();
    feed(&mut writer, &stream(0, 6, true));
    drop(writer);
    let dir = root.path().join("lobby");
    let find = |ending: &str| {
        let mut names = std::fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        names
            .find(|name| name.to_string_lossy().ends_with(ending))
            .unwrap()
    };
    let (video, audio) = (find(".m4s.part"), find(".audio.part"));
    for (name, track, other) in [(&video, "video", "audio"), (&audio, "audio", "video")] {
        let whole = std::fs::read(dir.join(name)).unwrap();
        let mut kept = Vec::new();
        for length in 0..=whole.len() {
            let torn = tempfile::tempdir().unwrap();
            copy_dir(&dir, &torn.path().join("lobby"));
            std::fs::write(torn.path().join("lobby").join(name), &whole[..length]).unwrap();
            let storage = Arc::new(Failing::never());
            let mut writer = AssetWriter::open(options(torn.path()), storage).unwrap();
            writer.close().unwrap();
            let report = verify(&torn.path().join("lobby")).unwrap();
            let samples = count(&report, track);
            if track == "video" && samples == 0 {
                assert_eq!(report.bytes, 0);
            } else {
                assert_eq!(report.problems, Vec::<String>::new(), "{track} cut at {length}");
                assert!(count(&report, other) > 0);
            }
            kept.push(samples);
        }
        assert!(kept.is_sorted());
        kept.dedup();
        assert_eq!(kept.len(), 3, "nothing, one fragment, two: {kept:?}");
    }
}

#[test]
fn whichever_operation_fails_the_asset_stays_sound_and_nothing_is_lost() {
    for operation in 0.. {
        let root = tempfile::tempdir().unwrap();
        let storage = Failing::at(operation);
        let mut writer = AssetWriter::open(options(root.path()), Arc::new(storage.clone()))
            .or_else(|_| AssetWriter::open(options(root.path()), Arc::new(storage.clone())))
            .unwrap();
        for unit in stream(0, 14, true) {
            if writer.push(&unit).unwrap()
                && let Err(error) = writer.flush()
            {
                assert!(error.to_string().contains("lobby"), "{error}");
            }
        }
        let notices = writer.close().or_else(|_| writer.close()).unwrap();
        assert!(
            matches!(notices.last(), Some(Notice::Stopped { .. })),
            "{operation}: {notices:?}"
        );
        let report = verify(&root.path().join("lobby")).unwrap();
        assert_eq!(report.problems, Vec::<String>::new(), "{operation}");
        assert_eq!(
            (count(&report, "video"), count(&report, "audio")),
            (350, 656),
            "{operation}"
        );
        if !storage.has_failed() {
            assert!(operation > 30, "{operation}");
            break;
        }
    }
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

#[test]
fn a_sweep_finishes_what_a_crash_cut_off_and_leaves_the_rest_alone() {
    let root = tempfile::tempdir().unwrap();
    let mut crashed = AssetWriter::open(options(root.path()), disk()).unwrap();
    feed(&mut crashed, &stream(0, 6, true));
    drop(crashed);
    let mut other = options(root.path());
    other.name = "yard".into();
    let mut running = AssetWriter::open(other, disk()).unwrap();
    feed(&mut running, &stream(0, 6, true));
    std::fs::create_dir(root.path().join("foreign")).unwrap();

    let swept = super::asset::sweep(root.path(), "box", &disk()).unwrap();
    let names: Vec<&str> = swept.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["lobby"], "the other is being written");
    let notices = swept[0].result.as_ref().unwrap();
    assert!(
        notices
            .iter()
            .any(|notice| matches!(notice, Notice::SegmentSealed { .. })),
        "{notices:?}"
    );
    let report = verify(&root.path().join("lobby")).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert!(root.path().join("lobby/index.m3u8").is_file());
    assert!(
        super::asset::sweep(root.path(), "box", &disk())
            .unwrap()
            .is_empty(),
        "once is enough"
    );
}
