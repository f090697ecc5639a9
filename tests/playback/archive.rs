//! A host with recordings whose every picture is known: written by the host's own recorder, without a camera.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mediagraph::graph::Recordings;
use mediagraph::media::{AccessUnit, SystemClock, Ticks};
use mediagraph::recording::cache::sink_folder;
use mediagraph::recording::detections::{Detection, Recent};
use mediagraph::recording::listener::Deaf;
use mediagraph::recording::store::LOCAL;
use mediagraph::recording::{AssetSpec, Recorder as _};
use mediagraph::state::{StateDir, StateError};

use crate::clip::Clip;
use crate::common;
use crate::common::graph::START;
use crate::common::mediagraph;
use crate::common::process::Process;
use crate::room;

/// The store has everything within this.
const DRAIN: Duration = Duration::from_secs(60);
/// How often a locked directory is tried, 10 ms apart.
const LOCK_TRIES: u32 = 1_000;
/// How often a host is started on a locked directory.
const HOST_TRIES: u32 = 50;
/// When the clips begin.
pub(crate) const NOON: &str = "2026-11-20T12:00:00";

/// Ten seconds of pictures, one in two seconds needing no other, with sound.
pub(crate) fn clip() -> &'static Clip {
    static CLIP: OnceLock<Clip> = OnceLock::new();
    CLIP.get_or_init(|| {
        Clip::make(
            &["-bf", "2", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0"],
            true,
        )
    })
}

/// The same of another size.
pub(crate) fn larger() -> &'static Clip {
    static CLIP: OnceLock<Clip> = OnceLock::new();
    CLIP.get_or_init(|| Clip::make(&["-bf", "0", "-g", "50", "-s", "640x360"], true))
}

/// A state directory that is recorded into.
pub(crate) struct Archive {
    pub(crate) folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Archive {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            runtime: tokio::runtime::Runtime::new().unwrap(),
        }
    }

    /// Records units into an asset; they stand in its store afterwards.
    pub(crate) fn record(&self, asset: &str, instance: &str, units: &[Arc<AccessUnit>]) {
        self.record_seen(asset, instance, units, Vec::new());
    }

    /// The same, with what was seen meanwhile.
    pub(crate) fn record_seen(
        &self,
        asset: &str,
        instance: &str,
        units: &[Arc<AccessUnit>],
        seen: Vec<Detection>,
    ) {
        let _runtime = self.runtime.enter();
        let state = self.state();
        let clock = Arc::new(SystemClock::new());
        let recordings = Recordings::open(&state, room::recordings(), clock, Arc::new(Deaf)).unwrap();
        let spec = AssetSpec {
            store: LOCAL.into(),
            name: asset.into(),
            owner: format!("{instance}/sink"),
            folder: sink_folder(&state.cache(), instance, "sink"),
            budget: None,
            segment_length: Ticks::from_secs(4),
        };
        let mut writer = recordings.cache().open_asset(spec).unwrap();
        let recent = Arc::new(Recent::default());
        recent.add(0, &[], seen);
        writer.watch(recent);
        for unit in units {
            if writer.push(unit).unwrap() {
                writer.flush().unwrap();
            }
        }
        writer.close().unwrap();
        self.runtime.block_on(recordings.shutdown(DRAIN));
    }

    fn state(&self) -> StateDir {
        // A program that another test starts holds all locks of this process, until it has become that program.
        for _ in 0..LOCK_TRIES {
            match StateDir::open(&self.path()) {
                Err(StateError::InUse { .. }) => std::thread::sleep(Duration::from_millis(10)),
                opened => return opened.unwrap(),
            }
        }
        panic!("the state directory stays locked")
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The segments of a recording, the oldest first; none when nothing of it is left, not even its folder.
    pub(crate) fn segments(&self, asset: &str) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.path().join("assets").join(asset)) else {
            return Vec::new();
        };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|ending| ending == "m4s"));
        files.sort();
        files
    }

    /// Serves it.
    pub(crate) fn serve(&self) -> Played {
        Played::start(&self.path(), &[])
    }

    /// Serves it with a configuration.
    pub(crate) fn serve_with(&self, text: &str) -> Played {
        self.serve_configured(&common::configuration(self.folder.path(), text))
    }

    /// The same with a whole file.
    pub(crate) fn serve_configured(&self, config: &Path) -> Played {
        Played::start(&self.path(), &["--config", config.to_str().unwrap()])
    }
}

/// An archive of two stretches of one asset, an hour apart.
pub(crate) fn gapped() -> Archive {
    let archive = Archive::new();
    for hour in 0..2 {
        archive.record("lobby", "box", &clip().later(Ticks::from_secs(hour * 3600)));
    }
    archive
}

/// A host that plays.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Played {
    fn start(state: &Path, arguments: &[&str]) -> Self {
        let mut command = mediagraph();
        command.args(["serve", "--listen", "127.0.0.1:0", "--state-dir"]);
        command.arg(state).args(arguments);
        for _ in 0..HOST_TRIES {
            let process = Process::start("the host", &mut command);
            let address = process.wait_stderr_for("address", START, |lines| {
                // As in `Archive::state`: whoever holds it is about to let go of it.
                if lines.iter().any(|line| line.contains("is in use by process")) {
                    return Some(None);
                }
                let listens = "The host listens url=\"http://";
                let rest = lines.iter().find_map(|line| line.split(listens).nth(1))?;
                Some(rest.split(['"', '/']).next()?.parse().ok())
            });
            if let Some(address) = address {
                return Self { process, address };
            }
        }
        panic!("the state directory stays locked")
    }

    /// SIGTERM, and the end that must follow.
    pub(crate) fn stop(self) {
        self.process.signal("TERM");
        let ended = self.process.end(DRAIN);
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}
