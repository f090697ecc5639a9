//! Recordings of real H.264 and AAC, judged by ffprobe and ffmpeg.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only functions marked as tests for tests, and not their helpers"
)]

mod clip;
#[path = "../common/room.rs"]
mod room;
mod segments;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use clip::{Clip, run};
use mediagraph::graph::Recordings;
use mediagraph::media::{AccessUnit, SystemClock, Ticks};
use mediagraph::recording::cache::sink_folder;
use mediagraph::recording::listener::Deaf;
use mediagraph::recording::storage::Disk;
use mediagraph::recording::store::LOCAL;
use mediagraph::recording::verify::{samples, verify};
use mediagraph::recording::{AssetSpec, AssetWriter, FileOptions, FileWriter, Recorder};
use mediagraph::state::{StateDir, StateError};

/// The store has everything within this.
const DRAIN: Duration = Duration::from_secs(60);

const PLAIN: &[&str] = &["-bf", "0", "-g", "25"];
const B_FRAMES: &[&str] = &[
    "-bf",
    "3",
    "-b_strategy",
    "0",
    "-g",
    "50",
    "-x264-params",
    "b-pyramid=normal",
];

/// How often a locked directory is tried, 10 ms apart.
const LOCK_TRIES: u32 = 1_000;

fn feed(recorder: &mut dyn Recorder, units: &[Arc<AccessUnit>]) {
    for unit in units {
        if recorder.push(unit).unwrap() {
            recorder.flush().unwrap();
        }
    }
}

/// A host that records into a state directory, and carries what it records to the local store.
struct Host {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Host {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            runtime: tokio::runtime::Runtime::new().unwrap(),
        }
    }

    /// Records; what it came to is given to `end`, and is in the store afterwards.
    fn record(&self, units: &[Arc<AccessUnit>], end: impl FnOnce(AssetWriter)) {
        let _runtime = self.runtime.enter();
        let state = self.state();
        let clock = Arc::new(SystemClock::new());
        let recordings = Recordings::open(&state, room::recordings(), clock, Arc::new(Deaf)).unwrap();
        let mut writer = recordings.cache().open_asset(self.spec(&state)).unwrap();
        feed(&mut writer, units);
        end(writer);
        self.runtime.block_on(recordings.shutdown(DRAIN));
    }

    fn state(&self) -> StateDir {
        // A program that another test starts holds all locks of this process, until it has become that program.
        for _ in 0..LOCK_TRIES {
            match StateDir::open(self.folder.path()) {
                Err(StateError::InUse { .. }) => std::thread::sleep(Duration::from_millis(10)),
                opened => return opened.unwrap(),
            }
        }
        panic!("the state directory stays locked")
    }

    fn spec(&self, state: &StateDir) -> AssetSpec {
        AssetSpec {
            store: LOCAL.into(),
            name: "lobby".into(),
            owner: "box/sink".into(),
            folder: sink_folder(&state.cache(), "box", "sink"),
            budget: None,
            segment_length: Ticks::from_secs(4),
        }
    }

    fn asset(&self) -> PathBuf {
        self.folder.path().join("assets/lobby")
    }
}

fn close(mut writer: AssetWriter) {
    writer.close().unwrap();
}

fn file(root: &Path) -> FileWriter {
    let options = FileOptions {
        directory: root.to_owned(),
        name: "door".into(),
        owner: "sink".into(),
        maximum_size_mib: None,
        segments: None,
    };
    FileWriter::open(options, Arc::new(Disk)).unwrap()
}

/// What ffmpeg has to say while it decodes everything.
fn complaints(path: &Path) -> String {
    let output = Command::new("ffmpeg")
        .args(["-v", "warning", "-i"])
        .arg(path)
        .args(["-map", "0", "-f", "null", "-"])
        .output()
        .expect("ffmpeg must be installed");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn frames(path: &Path, stream: &str) -> u64 {
    let text = run(Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-select_streams", stream])
        .args(["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"])
        .arg(path));
    text.lines()
        .next()
        .and_then(|line| line.trim_matches(',').parse().ok())
        .unwrap_or_else(|| panic!("{text:?}"))
}

fn judge(path: &Path, clip: &Clip) {
    assert_eq!(complaints(path), "", "{}", path.display());
    assert_eq!(frames(path, "v:0"), clip.count("video"), "{}", path.display());
    if clip.count("audio") > 0 {
        assert_eq!(frames(path, "a:0"), clip.count("audio"), "{}", path.display());
    }
}

fn digests(path: &Path, track: &str) -> Vec<String> {
    samples(path)
        .unwrap()
        .map(Result::unwrap)
        .filter(|sample| sample.track == track)
        .map(|sample| sample.sha256)
        .collect()
}

fn sound(path: &Path) {
    assert_eq!(verify(path).unwrap().problems, Vec::<String>::new());
}

fn playlists(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "m3u8"))
        .collect();
    found.sort();
    found
}

fn asset_case(arguments: &[&str], sound_too: bool) {
    let clip = Clip::make(arguments, sound_too);
    let host = Host::new();
    host.record(&clip.units, close);
    let dir = host.asset();
    sound(&dir);
    judge(&dir.join("index.m3u8"), &clip);
    assert_eq!(digests(&dir, "video"), clip.digests());
    let found = playlists(&dir);
    assert_eq!(found.len(), if sound_too { 4 } else { 3 });
    for path in found {
        let bytes = std::fs::read(&path).unwrap();
        m3u8_rs::parse_playlist_res(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

#[test]
fn an_asset_plays_without_a_warning() {
    asset_case(PLAIN, true);
}

#[test]
fn an_asset_with_b_frames_plays_without_a_warning() {
    asset_case(B_FRAMES, true);
}

#[test]
fn an_asset_without_sound_plays_without_a_warning() {
    asset_case(PLAIN, false);
}

#[test]
fn a_file_plays_without_a_warning_while_it_is_written_and_after() {
    for arguments in [PLAIN, B_FRAMES] {
        let clip = Clip::make(arguments, true);
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("door.mp4");
        let mut writer = file(root.path());
        feed(&mut writer, &clip.units);
        assert_eq!(complaints(&path), "", "as a crash would leave it");
        assert!(frames(&path, "v:0") > clip.count("video") / 2);
        writer.close().unwrap();
        sound(&path);
        judge(&path, &clip);
        assert_eq!(digests(&path, "video"), clip.digests());
        let again = re_mp4::Mp4::read_file(&path).unwrap().0;
        assert_eq!(again.tracks().len(), 2, "another reader agrees");
    }
}

#[test]
fn an_asset_plays_after_a_crash() {
    let clip = Clip::make(B_FRAMES, true);
    let host = Host::new();
    // A process that is gone cleans nothing up.
    host.record(&clip.units, std::mem::forget);
    host.record(&[], close);
    let dir = host.asset();
    sound(&dir);
    let index = dir.join("index.m3u8");
    assert_eq!(complaints(&index), "");
    let kept = digests(&dir, "video");
    assert!(kept.len() > clip.digests().len() / 2);
    assert_eq!(kept, clip.digests()[..kept.len()]);
    assert_eq!(frames(&index, "v:0"), kept.len() as u64);
}

#[test]
fn an_asset_that_is_appended_to_plays_through() {
    let clip = Clip::make(PLAIN, true);
    let host = Host::new();
    for hour in 0..2 {
        host.record(&clip.later(Ticks::from_secs(hour * 3600)), close);
    }
    let dir = host.asset();
    sound(&dir);
    assert_eq!(verify(&dir).unwrap().gaps.len(), 1);
    assert_eq!(frames(&dir.join("index.m3u8"), "v:0"), 2 * clip.count("video"));
    assert_eq!(complaints(&dir.join("index.m3u8")), "");
}
