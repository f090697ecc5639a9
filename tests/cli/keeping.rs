//! Recordings of a stopped host: whether index and files agree, what is put right, and what is told of the time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mediagraph::graph::Recordings;
use mediagraph::media::{AccessUnit, Clock, MediaTime, StreamFormat, SystemClock, Ticks, TrackKind};
use mediagraph::recording::cache::sink_folder;
use mediagraph::recording::listener::Deaf;
use mediagraph::recording::{AssetSpec, Recorder};
use mediagraph::state::StateDir;
use serde_json::Value;

use super::mediagraph;

/// How long an uploader may take for a few kilobytes.
const UPLOADED: Duration = Duration::from_secs(60);
const FRAME: i64 = 3600;

/// A state directory in which `lobby/sink` recorded.
struct Host {
    folder: tempfile::TempDir,
    start: MediaTime,
}

impl Host {
    fn new() -> Self {
        // An hour ago, so that all of it is in the last days.
        let start = SystemClock::new().media().offset(Ticks::from_secs(-3600));
        Self {
            folder: tempfile::tempdir().unwrap(),
            start,
        }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn asset(&self, name: &str) -> PathBuf {
        self.state().join("assets").join(name)
    }

    /// Records so many seconds, from a second on, and carries all of it to the store.
    fn record(&self, name: &str, from: i64, seconds: i64) {
        self.open(|recordings| {
            let cache = recordings.cache();
            let spec = AssetSpec {
                store: "local".into(),
                name: name.into(),
                owner: "lobby/sink".into(),
                folder: sink_folder(cache.root(), "lobby", "sink"),
                budget: None,
                segment_length: Ticks::from_secs(2),
            };
            let mut writer = cache.open_asset(spec).unwrap();
            for unit in self.stream(from, seconds) {
                if writer.push(&unit).unwrap() {
                    writer.flush().unwrap();
                }
            }
            writer.close().unwrap();
        });
    }

    /// Starts what a host has for recording and stops it again.
    fn open(&self, work: impl FnOnce(&Arc<Recordings>)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let state = StateDir::open(&self.state()).unwrap();
            let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
            let recordings =
                Recordings::open(&state, crate::room::recordings(), clock, Arc::new(Deaf)).unwrap();
            work(&recordings);
            recordings.shutdown(UPLOADED).await;
        });
    }

    fn stream(&self, from: i64, seconds: i64) -> Vec<Arc<AccessUnit>> {
        let mut entry = vec![0; 86];
        entry[..4].copy_from_slice(&86_u32.to_be_bytes());
        entry[4..8].copy_from_slice(b"avc1");
        let format = Arc::new(StreamFormat {
            kind: TrackKind::Video,
            codec: "avc1.64001F".into(),
            sample_entry: entry.into(),
            decoder_config: Bytes::new(),
            width: 640,
            height: 360,
            sample_rate: 0,
        });
        let unit = |index: i64| {
            Arc::new(AccessUnit {
                time: self.start.offset(Ticks(from * 90_000 + index * FRAME)),
                format: Arc::clone(&format),
                data: Bytes::from(vec![0, 0, 0, 5, 0x65, 1, 2, 3, index as u8]),
                random_access: index % 25 == 0,
                disposable: false,
                discontinuity: false,
            })
        };
        (0..seconds * 25).map(unit).collect()
    }

    fn segments(&self, name: &str) -> Vec<PathBuf> {
        self.files(name, ".m4s")
    }

    fn files(&self, name: &str, ending: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.asset(name)).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.to_string_lossy().ends_with(ending));
        files.sort();
        files
    }

    fn check(&self, more: &[&str]) -> super::Ran {
        let state = self.state();
        let mut arguments = vec!["check", "--state-dir", state.to_str().unwrap()];
        arguments.extend(more);
        mediagraph(&arguments)
    }

    fn coverage(&self) -> Value {
        let state = self.state();
        let arguments = [
            "coverage",
            "--since",
            "2d",
            "--json",
            "--state-dir",
            state.to_str().unwrap(),
        ];
        serde_json::from_str(&mediagraph(&arguments).good()).unwrap()
    }
}

fn kinds(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|one| one["problem"].as_str().unwrap().to_owned())
        .collect()
}

fn forget_row(state: &Path, segment: &Path) {
    let stem = segment.file_stem().unwrap().to_str().unwrap();
    let name = mediagraph::recording::asset::name::SegmentName::parse(stem).unwrap();
    let index = rusqlite::Connection::open(state.join("index.db")).unwrap();
    let start = i64::try_from(name.start.ticks()).unwrap();
    assert_eq!(
        index
            .execute("DELETE FROM segment WHERE start = ?1", [start])
            .unwrap(),
        1
    );
}

#[test]
fn what_was_recorded_is_sound_at_every_depth() {
    let host = Host::new();
    host.record("Lobby", 0, 11);
    assert!(host.segments("Lobby").len() >= 5, "{:?}", host.segments("Lobby"));
    for depth in ["presence", "size", "content"] {
        let told = host.check(&["--depth", depth]).good();
        assert!(told.contains("sound"), "{told}");
    }
}

#[test]
fn what_index_and_files_do_not_agree_on_is_found_and_put_right() {
    let host = Host::new();
    host.record("Lobby", 0, 17);
    let segments = host.segments("Lobby");
    std::fs::remove_file(&segments[1]).unwrap();
    let cut = std::fs::OpenOptions::new()
        .write(true)
        .open(&segments[3])
        .unwrap();
    cut.set_len(100).unwrap();
    let mut bytes = std::fs::read(&segments[5]).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&segments[5], bytes).unwrap();
    forget_row(&host.state(), &segments[6]);
    std::fs::remove_file(&host.files("Lobby", ".video.mp4")[0]).unwrap();
    std::fs::remove_file(host.asset("Lobby").join("index.m3u8")).unwrap();

    let found = |depth: &str| {
        let ran = host.check(&["--depth", depth, "--json"]);
        assert_eq!(ran.0.status.code(), Some(1));
        kinds(&serde_json::from_slice(&ran.0.stdout).unwrap())
    };
    let set = |kinds: &[&str]| {
        kinds
            .iter()
            .map(|kind| (*kind).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        found("presence"),
        set(&["missing", "unknown", "init", "playlist"])
    );
    assert_eq!(
        found("size"),
        set(&["missing", "size", "unknown", "init", "playlist"])
    );
    let told = host.check(&["--depth", "content"]);
    told.bad(1, &["--repair"]);

    let first = host.check(&["--repair"]).good();
    assert!(first.contains("all repaired"), "{first}");
    let second = host.check(&["--repair", "--depth", "content", "--json"]);
    let report: Value = serde_json::from_slice(&second.0.stdout).unwrap();
    assert_eq!(kinds(&report), set(&["damaged"]), "{report:#}");
    assert!(
        report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["repaired"] == true)
    );
    let sound = host.check(&["--depth", "content"]).good();
    assert!(sound.contains("sound"), "{sound}");

    // What is damaged is not thrown away, and what is gone is told with its cause.
    assert_eq!(host.files("Lobby", ".damaged").len(), 2);
    let causes = host.coverage()["cameras"][0]["days"].to_string();
    assert!(causes.contains("\"damaged\""), "{causes}");
    // The next start writes the playlists.
    host.open(|_| {});
    mediagraph(&["check", host.asset("Lobby").to_str().unwrap()]).good();
}

#[test]
fn an_index_is_made_anew_from_the_media_and_twice_gives_the_same_bytes() {
    let host = Host::new();
    host.record("Lobby", 0, 9);
    host.record("Aisle", 100, 9);
    host.record("Lobby", 200, 5);
    let covered = host.coverage();
    let index = host.state().join("index.db");
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(host.state().join(format!("index.db{ending}")));
    }
    host.check(&[]).bad(1, &["--rebuild"]);
    let told = host.check(&["--rebuild"]).good();
    assert!(told.contains("2 assets"), "{told}");
    let first = std::fs::read(&index).unwrap();
    let told = host.check(&["--rebuild"]).good();
    assert!(told.contains("index.db.old"), "{told}");
    assert!(
        std::fs::read(&index).unwrap() == first,
        "the same media gives the same index"
    );
    let sound = host.check(&["--depth", "content"]).good();
    assert!(sound.contains("2 assets") && sound.contains("sound"), "{sound}");
    // Nobody knows any more who recorded; the time is the same.
    let seconds = |answer: &Value| {
        answer["cameras"][0]["days"]
            .as_array()
            .unwrap()
            .iter()
            .map(|day| day["recordedSeconds"].as_f64().unwrap())
            .sum::<f64>()
    };
    assert!((seconds(&host.coverage()) - seconds(&covered)).abs() < 0.01);
}

#[test]
fn an_index_that_can_be_read_hands_on_who_recorded_and_what_is_held() {
    let host = Host::new();
    host.record("Lobby", 0, 9);
    let index = host.state().join("index.db");
    let state = host.state();
    let state = state.to_str().unwrap();
    mediagraph(&[
        "asset",
        "hold",
        "Lobby",
        "--reason",
        "case 12",
        "--state-dir",
        state,
    ])
    .good();
    // The old index alone has it.
    std::fs::remove_file(host.state().join("holds.json")).unwrap();
    host.check(&["--rebuild"]).good();
    assert_eq!(host.coverage()["cameras"][0]["instance"], "lobby");
    let held: String = rusqlite::Connection::open(&index)
        .unwrap()
        .query_row("SELECT reason FROM hold", [], |row| row.get(0))
        .unwrap();
    assert_eq!(held, "case 12");
}

#[test]
fn a_host_that_runs_is_not_checked_and_it_is_said_how() {
    let host = Host::new();
    let _running = StateDir::open(&host.state()).unwrap();
    host.check(&[])
        .bad(1, &["in use by process", "systemctl stop mediagraph"]);
    let nothing = host.folder.path().join("nothing");
    mediagraph(&["check", "--state-dir", nothing.to_str().unwrap()]).bad(1, &["no state directory"]);
    assert!(!nothing.exists(), "looking makes nothing");
}

#[test]
fn coverage_of_a_stopped_host_says_what_is_there() {
    let host = Host::new();
    host.record("Lobby", 0, 10);
    host.record("Lobby", 60, 10);
    let answer = host.coverage();
    let camera = &answer["cameras"][0];
    assert_eq!(
        (camera["instance"].as_str(), camera["node"].as_str()),
        (Some("lobby"), Some("sink"))
    );
    let days = camera["days"].as_array().unwrap();
    let recorded: f64 = days
        .iter()
        .map(|day| day["recordedSeconds"].as_f64().unwrap())
        .sum();
    assert!((recorded - 20.0).abs() < 0.2, "{recorded}");
    let state = host.state();
    let told = mediagraph(&["coverage", "--state-dir", state.to_str().unwrap()]).good();
    assert!(told.contains("lobby") && told.contains("RECORDED"), "{told}");
    let none = mediagraph(&[
        "coverage",
        "--state-dir",
        state.to_str().unwrap(),
        "--instance",
        "yard",
    ])
    .good();
    assert!(none.starts_with("nothing was recorded"), "{none}");
    mediagraph(&[
        "coverage",
        "--state-dir",
        state.to_str().unwrap(),
        "--since",
        "soon",
    ])
    .bad(2, &["`soon`"]);
}

#[test]
fn doctor_looks_at_everything_and_says_how_long_the_room_lasts() {
    let host = Host::new();
    host.record("Lobby", 0, 20);
    let state = host.state();
    let arguments = ["doctor", "--state-dir", state.to_str().unwrap(), "--json"];
    let report = mediagraph(&arguments).json();
    let lines = report["value"].as_array().unwrap();
    let state_of = |what: &str| {
        let line = lines.iter().find(|line| line["what"] == what);
        line.unwrap_or_else(|| panic!("no `{what}` in {report:#}"))["state"].clone()
    };
    for what in [
        "state",
        "disk",
        "clock",
        "decoder",
        "index",
        "store",
        "bit rate",
        "days left",
    ] {
        assert_ne!(state_of(what), "problem", "{what}: {report:#}");
    }
    let rate = lines.iter().find(|line| line["what"] == "bit rate").unwrap();
    assert!(
        rate["message"].as_str().unwrap().starts_with("lobby/sink: "),
        "{rate}"
    );

    std::fs::write(
        state.join("index.db"),
        "no database at all, but as long as the head of one would be: 100 bytes and more",
    )
    .unwrap();
    let told = mediagraph(&arguments[..3]);
    assert!(
        told.out().contains("index") && told.out().contains("PROBLEM"),
        "{}",
        told.out()
    );
    told.bad(1, &["there is a problem"]);
}

#[test]
fn doctor_finds_nothing_wrong_before_the_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = folder.path().join("nothing");
    let told = mediagraph(&["doctor", "--state-dir", nothing.to_str().unwrap()]).good();
    assert!(told.contains("no state directory yet"), "{told}");
    assert!(!nothing.exists());
}

#[test]
fn validate_says_how_long_a_disk_lasts_and_what_it_assumes() {
    let host = Host::new();
    let topology = super::common::repository("topologies/cvr-asset");
    let validate = || {
        let state = host.state();
        mediagraph(&[
            "validate",
            topology.to_str().unwrap(),
            "--state-dir",
            state.to_str().unwrap(),
        ])
        .good()
    };
    let assumed = validate();
    assert!(
        assumed.contains("4.0 Mbit/s (assumed: nothing was measured)"),
        "{assumed}"
    );
    assert!(assumed.contains(" days, then the oldest goes"), "{assumed}");
    host.record("Lobby", 0, 20);
    let measured = validate();
    assert!(
        measured.contains("measured: one camera in the last day"),
        "{measured}"
    );
}

#[test]
fn validate_says_when_a_topology_records_nothing() {
    let told = |topology: &str| {
        let path = super::common::repository(topology);
        mediagraph(&["validate", path.to_str().unwrap()]).good()
    };
    assert!(told("topologies/motion-detection").contains("nothing is recorded"));
    assert!(!told("topologies/cvr-files").contains("nothing is recorded"));
}

#[test]
fn a_store_elsewhere_is_looked_at_and_the_index_is_made_anew_from_it() {
    let host = Host::new();
    host.record("Lobby", 0, 9);
    // The same media, as another store has it.
    let elsewhere = host.folder.path().join("elsewhere");
    std::fs::rename(host.state().join("assets"), &elsewhere).unwrap();
    let text = format!(
        "[stores.far]\nkind = \"directory\"\npath = \"{}\"\n",
        elsewhere.display()
    );
    let config = super::common::configuration(host.folder.path(), &text);
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(host.state().join(format!("index.db{ending}")));
    }
    let with = ["--config", config.to_str().unwrap()];
    let made = host.check(&[&["--rebuild"], &with[..]].concat()).good();
    assert!(made.contains("1 assets"), "{made}");
    let told = host.check(&[&["--depth", "content"], &with[..]].concat()).good();
    assert!(told.contains("sound"), "{told}");
    let lobby = elsewhere.join("Lobby");
    let segment = std::fs::read_dir(&lobby)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with(".m4s"))
        .unwrap();
    std::fs::remove_file(&segment).unwrap();
    host.check(&with).bad(1, &["--repair"]);
    host.check(&[&["--repair"], &with[..]].concat()).good();
}
