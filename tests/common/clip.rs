//! Clips to show, cut so short that a test lasts seconds, and what they hold.

use std::path::{Path, PathBuf};
use std::process::Command;

use mediagraph::media::TrackKind;
use mediagraph::media::demux::{MediaFile, nal};
use sha2::{Digest, Sha256};

use super::{repository, run};

/// The clip of the demo: keyframes every 2 s, 25 pictures a second; what moves in it is known.
pub(crate) fn yard() -> PathBuf {
    repository("tests/fixtures/clips/yard.mp4")
}

/// Cuts `seconds` out of a clip, from a keyframe on, without coding anything anew.
pub(crate) fn cut(from: &Path, start: u32, seconds: u32, to: &Path) -> PathBuf {
    let mut command = Command::new("ffmpeg");
    command.args([
        "-v",
        "error",
        "-y",
        "-ss",
        &start.to_string(),
        "-t",
        &seconds.to_string(),
    ]);
    command
        .arg("-i")
        .arg(from)
        .args(["-c", "copy", "-avoid_negative_ts", "make_zero"])
        .arg(to);
    run(&mut command);
    to.to_owned()
}

/// Parameter sets, delimiters and filler (ITU-T H.264, table 7-1): cameras and receivers move or drop them.
const MOVED: [u8; 5] = [7, 8, 9, 12, 13];

/// The pictures of a file in decoding order: SHA-256 of all other NAL units, each behind its length.
pub(crate) fn pictures(path: &Path) -> Vec<String> {
    let file = MediaFile::open(path).unwrap();
    let track = file
        .tracks()
        .iter()
        .position(|track| track.kind() == TrackKind::Video)
        .unwrap();
    let samples = 0..file.tracks()[track].samples.len();
    samples
        .map(|sample| digest(&file.read_sample(track, sample).unwrap()))
        .collect()
}

fn digest(sample: &[u8]) -> String {
    let mut hash = Sha256::new();
    for unit in nal::units(sample).flat_map(split) {
        if !MOVED.contains(&nal::kind(unit)) {
            hash.update(u32::try_from(unit.len()).unwrap().to_be_bytes());
            hash.update(unit);
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Some files carry remains of a byte stream within their NAL units: zeros at the end, or the start code of another
/// unit. Neither can be part of a unit (ITU-T H.264, 7.4.1), and receivers take them out.
fn split(unit: &[u8]) -> Vec<&[u8]> {
    let start_code = |at: &usize| unit[*at..].starts_with(&[0, 0, 1]);
    let mut units = Vec::new();
    let mut begin = 0;
    for at in (0..unit.len()).filter(start_code) {
        units.push(&unit[begin..at]);
        begin = at + 3;
    }
    units.push(&unit[begin..]);
    let trim = |unit: &&[u8]| {
        unit.iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1)
    };
    units
        .iter()
        .map(|unit| &unit[..trim(unit)])
        .filter(|unit| !unit.is_empty())
        .collect()
}
