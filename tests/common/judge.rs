//! Is a recording sound? `mediagraph check` says so, and ffmpeg, which knows nothing of us, must agree.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{mediagraph, run};

/// One recorded access unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) track: String,
    /// Ticks of 90 kHz: since the epoch in an asset, since its start in a file.
    pub(crate) time: u64,
    pub(crate) sync: bool,
    pub(crate) sha256: String,
}

/// A recording, read back.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    pub(crate) report: Value,
    pub(crate) samples: Vec<Sample>,
}

impl Recording {
    pub(crate) fn video(&self) -> Vec<&Sample> {
        self.samples
            .iter()
            .filter(|sample| sample.track == "video")
            .collect()
    }

    pub(crate) fn audio(&self) -> Vec<&Sample> {
        self.samples
            .iter()
            .filter(|sample| sample.track == "audio")
            .collect()
    }

    pub(crate) fn gaps(&self) -> usize {
        self.report["gaps"].as_array().unwrap().len()
    }

    /// Of the video, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.report["duration"].as_f64().unwrap()
    }

    pub(crate) fn hashes(&self) -> Vec<&str> {
        self.video().iter().map(|sample| sample.sha256.as_str()).collect()
    }
}

/// Reads a recording with `mediagraph check`, which must find nothing wrong with it.
pub(crate) fn check(path: &Path) -> Recording {
    let text = run(mediagraph().args(["check", "--json", "--samples"]).arg(path));
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let report = lines.next().unwrap();
    assert_eq!(report["problems"], serde_json::json!([]), "{report}");
    let sample = |line: Value| Sample {
        track: line["track"].as_str().unwrap().to_owned(),
        time: line["time"].as_u64().unwrap(),
        sync: line["sync"].as_bool().unwrap(),
        sha256: line["sha256"].as_str().unwrap().to_owned(),
    };
    Recording {
        report,
        samples: lines.map(sample).collect(),
    }
}

/// As [`check`]; then ffprobe must count the same pictures, and ffmpeg decode all of them without a complaint: of an
/// asset from its playlist.
pub(crate) fn judged(path: &Path) -> Recording {
    let recording = check(path);
    let playable = if path.is_dir() {
        path.join("index.m3u8")
    } else {
        path.to_owned()
    };
    let pictures = recording.video().len();
    assert!(pictures > 0, "{path:?} is empty");
    assert_eq!(decoded_pictures(&playable), pictures, "{playable:?}");
    recording
}

/// How many pictures ffprobe decodes; ffmpeg decodes everything, and neither may warn.
fn decoded_pictures(path: &Path) -> usize {
    let mut probe = Command::new("ffprobe");
    probe.args(["-v", "warning", "-select_streams", "v:0", "-count_frames"]);
    probe
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(path);
    let told = quiet(&mut probe);
    let mut decode = Command::new("ffmpeg");
    decode
        .args(["-v", "warning", "-i"])
        .arg(path)
        .args(["-map", "0", "-f", "null", "-"]);
    quiet(&mut decode);
    // A playlist's stream is told twice: of the program, and of the whole.
    told.split_whitespace()
        .next()
        .unwrap()
        .trim_matches(',')
        .parse()
        .unwrap()
}

/// What it prints; it must succeed and say nothing on its standard error.
fn quiet(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && complaints.is_empty(),
        "{command:?}: {complaints}"
    );
    String::from_utf8(output.stdout).unwrap()
}
