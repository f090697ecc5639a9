//! A recording without an end in files of bounded length: nothing is lost or doubled where they meet.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use mediagraph::media::{MediaTime, Ticks};
use mediagraph::recording::storage::Disk;
use mediagraph::recording::{FileNames, FileOptions, FileWriter, Notice, Recorder, Segments};

use crate::clip::Clip;
use crate::{B_FRAMES, PLAIN, complaints, digests, frames, sound};

/// Names files by the seconds of their first moment; keeps what it was asked.
#[derive(Debug, Default)]
struct BySecond(Mutex<Vec<MediaTime>>);

impl FileNames for BySecond {
    fn name(&self, start: MediaTime) -> String {
        self.0.lock().unwrap().push(start);
        format!("door-{}", start.to_timestamp().as_second())
    }
}

fn writer(root: &Path, seconds: i64, maximum_size_mib: Option<u64>) -> (FileWriter, Arc<BySecond>) {
    let names = Arc::<BySecond>::default();
    let options = FileOptions {
        directory: root.to_owned(),
        name: "door".into(),
        owner: "sink".into(),
        maximum_size_mib,
        segments: Some(Segments {
            length: Ticks::from_secs(seconds),
            names: Arc::clone(&names) as _,
        }),
    };
    (FileWriter::open(options, Arc::new(Disk)).unwrap(), names)
}

fn files(notices: &[Notice]) -> Vec<PathBuf> {
    let started = notices.iter().filter_map(|notice| match notice {
        Notice::Started { output, .. } => Some(PathBuf::from(output)),
        _ => None,
    });
    started.collect()
}

fn size(root: &Path) -> u64 {
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap());
    let media = entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "mp4"));
    media.map(|entry| entry.metadata().unwrap().len()).sum()
}

/// Records a clip into files of three seconds; all units of both tracks stand in them, once and in order.
fn cut_up(clip: &Clip) {
    let root = tempfile::tempdir().unwrap();
    let (mut writer, names) = writer(root.path(), 3, None);
    let mut notices = Vec::new();
    for unit in &clip.units {
        if writer.push(unit).unwrap() {
            notices.extend(writer.flush().unwrap());
        }
    }
    notices.extend(writer.close().unwrap());
    let files = files(&notices);
    assert!(files.len() >= 3, "{files:?}");
    assert_eq!(files.len(), names.0.lock().unwrap().len() + 1);
    let mut counted = 0;
    for file in &files {
        sound(file);
        assert_eq!(complaints(file), "", "{}", file.display());
        counted += frames(file, "v:0");
        let again = re_mp4::Mp4::read_file(file).unwrap().0;
        let tracks = if clip.count("audio") > 0 { 2 } else { 1 };
        assert_eq!(again.tracks().len(), tracks, "another reader agrees");
    }
    assert_eq!(counted, clip.count("video"));
    let all = |track: &str| -> Vec<String> { files.iter().flat_map(|file| digests(file, track)).collect() };
    assert_eq!(all("video"), clip.digests());
    assert_eq!(
        all("audio"),
        clip.sounds(),
        "not a frame of sound is lost where files meet"
    );
    let stops = notices
        .iter()
        .filter(|notice| matches!(notice, Notice::Stopped { .. }));
    assert_eq!(stops.count(), files.len());
    assert!(!notices.iter().any(|notice| matches!(notice, Notice::Gap { .. })));
}

#[test]
fn files_that_follow_each_other_hold_everything_once() {
    for arguments in [PLAIN, B_FRAMES] {
        cut_up(&Clip::make(arguments, true));
        cut_up(&Clip::make(arguments, false));
    }
}

#[test]
fn sound_that_comes_late_still_stands_in_the_file_of_its_pictures() {
    let mut clip = Clip::make(PLAIN, true);
    // As from a camera that sends its sound half a second behind its pictures.
    let late = |unit: &Arc<mediagraph::media::AccessUnit>| {
        let behind = if unit.format.sample_rate > 0 { 45_000 } else { 0 };
        unit.time.ticks() + behind
    };
    clip.units.sort_by_key(late);
    cut_up(&clip);
}

#[test]
fn h265_is_cut_into_files_without_a_word_from_a_decoder() {
    let arguments = [
        "-c:v",
        "libx265",
        "-tag:v",
        "hvc1",
        "-x265-params",
        "log-level=error:keyint=25:min-keyint=25:bframes=3",
    ];
    cut_up(&Clip::make(&arguments, true));
}

#[test]
fn all_files_together_stay_below_the_limit_all_the_time() {
    // More than 2 MB, and one of them may be used.
    let noise = [
        "-vf",
        "noise=alls=60:allf=t",
        "-g",
        "25",
        "-b:v",
        "3M",
        "-maxrate",
        "3M",
        "-bufsize",
        "1M",
    ];
    let clip = Clip::make(&noise, true);
    let bytes: u64 = clip.units.iter().map(|unit| unit.data.len() as u64).sum();
    assert!(bytes > 2 << 20, "{bytes}");
    let root = tempfile::tempdir().unwrap();
    let foreign = root.path().join("door-foreign.mp4");
    std::fs::write(&foreign, b"not ours").unwrap();
    let (mut writer, _) = writer(root.path(), 3_600, Some(1));
    let (mut notices, mut highest) = (Vec::new(), 0);
    for unit in &clip.units {
        if writer.push(unit).unwrap() {
            notices.extend(writer.flush().unwrap());
            highest = highest.max(size(root.path()));
        }
    }
    notices.extend(writer.close().unwrap());
    assert!(highest <= 1 << 20, "{highest} bytes");
    let removed: Vec<_> = notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Removed { path, .. } => Some(path.clone()),
            _ => None,
        })
        .collect();
    let files = files(&notices);
    assert_eq!(removed[..], files[..removed.len()], "the oldest go first");
    assert!(files.len() > removed.len() && foreign.exists());
    for file in &files[removed.len()..] {
        sound(file);
        assert_eq!(complaints(file), "", "{}", file.display());
    }
}

#[test]
fn a_clock_that_is_set_by_an_hour_either_way_begins_a_file_and_loses_nothing() {
    let clip = Clip::make(PLAIN, true);
    for hours in [-1, 1] {
        let root = tempfile::tempdir().unwrap();
        let (mut writer, _) = writer(root.path(), 3_600, None);
        let mut notices = Vec::new();
        for unit in clip
            .units
            .iter()
            .chain(&clip.later(Ticks::from_secs(hours * 3_600)))
        {
            if writer.push(unit).unwrap() {
                notices.extend(writer.flush().unwrap());
            }
        }
        notices.extend(writer.close().unwrap());
        let files = files(&notices);
        assert_eq!(files.len(), 2, "{hours} h: {files:?}");
        for file in &files {
            sound(file);
            assert_eq!(complaints(file), "", "{}", file.display());
            assert_eq!(digests(file, "video"), clip.digests());
        }
    }
}
