//! A real clip, made by ffmpeg, taken apart into access units.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use mediagraph::media::mp4::read::movie;
use mediagraph::media::{AccessUnit, MediaTime, StreamFormat, Ticks, TrackKind};
use sha2::{Digest as _, Sha256};

/// Noon of a day, so that no test crosses midnight.
const START: u64 = 1_795_176_000 * 90_000;

pub(crate) struct Clip {
    pub(crate) units: Vec<Arc<AccessUnit>>,
}

pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} cannot be started, is ffmpeg installed? {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// In hexadecimal digits, as reports have it.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Clip {
    /// Ten seconds of 25 pictures a second, with `arguments` for the encoder.
    pub(crate) fn make(arguments: &[&str], sound: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clip.mp4");
        Self::draw(arguments, sound, &path);
        Self::read(&path)
    }

    /// A clip that was drawn before.
    pub(crate) fn read(path: &Path) -> Self {
        Self {
            units: demux(&std::fs::read(path).unwrap()),
        }
    }

    /// As [`Clip::make`], to a file.
    pub(crate) fn draw(arguments: &[&str], sound: bool, path: &Path) {
        let mut command = Command::new("ffmpeg");
        command.args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=320x180:rate=25",
        ]);
        if sound {
            command.args(["-f", "lavfi", "-i", "sine=sample_rate=44100", "-c:a", "aac"]);
        }
        command
            .args([
                "-t", "10", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
            ])
            .args(arguments)
            .arg(path);
        run(&mut command);
    }

    pub(crate) fn count(&self, kind: &str) -> u64 {
        let wanted = if kind == "video" {
            TrackKind::Video
        } else {
            TrackKind::Audio
        };
        self.units.iter().filter(|unit| unit.kind() == wanted).count() as u64
    }

    /// Of the pictures, in decoding order.
    pub(crate) fn digests(&self) -> Vec<String> {
        let video = self.units.iter().filter(|unit| unit.kind() == TrackKind::Video);
        video.map(|unit| sha256(&unit.data)).collect()
    }

    /// Of the sound, in order.
    pub(crate) fn sounds(&self) -> Vec<String> {
        let audio = self.units.iter().filter(|unit| unit.kind() == TrackKind::Audio);
        audio.map(|unit| sha256(&unit.data)).collect()
    }

    pub(crate) fn later(&self, by: Ticks) -> Vec<Arc<AccessUnit>> {
        let shift = |unit: &Arc<AccessUnit>| {
            let mut unit = AccessUnit::clone(unit);
            unit.time = unit.time.offset(by);
            Arc::new(unit)
        };
        self.units.iter().map(shift).collect()
    }
}

fn demux(bytes: &[u8]) -> Vec<Arc<AccessUnit>> {
    let mp4 = re_mp4::Mp4::read_bytes(bytes).unwrap();
    // Sample entries byte for byte, which re_mp4 does not give.
    let entries = movie(&mut std::io::Cursor::new(bytes), bytes.len() as u64).unwrap();
    let mut units: Vec<(i64, Arc<AccessUnit>)> = Vec::new();
    for (id, track) in mp4.tracks() {
        let entry = entries.tracks.iter().find(|entry| entry.id == *id).unwrap();
        let format = Arc::new(StreamFormat {
            kind: entry.kind,
            codec: entry.codec().unwrap(),
            sample_entry: entry.sample_entry.clone().into(),
            decoder_config: track.raw_codec_config(&mp4).unwrap_or_default().into(),
            width: track.width.into(),
            height: track.height.into(),
            sample_rate: if entry.kind == TrackKind::Audio { 44_100 } else { 0 },
        });
        for sample in &track.samples {
            let ticks = |time: i64| time * 90_000 / i64::try_from(sample.timescale).unwrap();
            let unit = AccessUnit {
                time: MediaTime::from_ticks(START).offset(Ticks(ticks(sample.composition_timestamp))),
                format: Arc::clone(&format),
                data: Bytes::copy_from_slice(&bytes[sample.byte_range()]),
                random_access: sample.is_sync || entry.kind == TrackKind::Audio,
                disposable: false,
                discontinuity: false,
            };
            units.push((ticks(sample.decode_timestamp), Arc::new(unit)));
        }
    }
    // As a camera sends them; a picture goes before the sound of the same moment.
    units.sort_by_key(|(decode, unit)| (*decode, unit.kind()));
    units.into_iter().map(|(_, unit)| unit).collect()
}
