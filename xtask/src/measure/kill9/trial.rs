//! A host, its cameras, and what they are known to have done.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result};

use super::media::{Fate, fate, pictures};
use super::{FRAGMENT_S, Kill, ON_ITS_WAY_S};
use crate::clip;
use crate::demo::start_camera_with;
use crate::measure::median;
use crate::measure::recordings::{self, Content, Key, STORE};
use crate::measure::serve::{Host, until};
use crate::process::Guard;
use crate::time::{self, TICKS};

const CAMERAS: usize = 4;
/// The first two are recorded continuously, to one asset each.
const CONTINUOUS: usize = 2;
/// The one that is deactivated while the host is killed.
const SEALED: &str = "cam3";
const CONTINUOUS_TOPOLOGY: &str = "topologies/cvr-asset/topology.json";
const EACH_TOPOLOGY: &str = "xtask/src/measure/kill9/each.topology.json";
/// How often new segments are looked for.
const LOOK: Duration = Duration::from_millis(50);
/// A ledger that has not grown for so long is complete.
const QUIET: Duration = Duration::from_millis(150);
/// How long cameras may take to notice that nobody watches any more.
const NOTICED: Duration = Duration::from_secs(10);
/// How long a host may take after its start to have put everything in order and in the store.
const IN_ORDER: Duration = Duration::from_secs(30);
/// Findings that are told; more are counted only.
const MAX_FINDINGS: usize = 20;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Segments that were acknowledged.
    pub(super) acknowledged: usize,
    /// Those of them that are gone or have changed.
    pub(super) lost: usize,
    pub(super) longest_loss_s: f64,
    pub(super) median_loss_s: f64,
    /// Pictures that are not where they should be, and that no kill explains.
    pub(super) missing: usize,
    /// Pictures that were recorded.
    pub(super) pictures: usize,
    /// Recordings that are unsound, or that ffprobe does not play.
    pub(super) broken: usize,
    pub(super) left_over: usize,
    /// In words.
    pub(super) findings: Vec<String>,
}

#[derive(Debug)]
struct Camera {
    _process: Guard,
    ledger: PathBuf,
    /// How long the ledger was after each kill.
    marks: Vec<u64>,
}

/// The state of things between two rounds: no host runs.
#[derive(Debug)]
pub(super) struct Trial {
    binary: PathBuf,
    state: PathBuf,
    cameras: Vec<Camera>,
    acknowledged: BTreeMap<Key, Content>,
    /// After which kill a segment was missed first.
    gone: BTreeMap<Key, usize>,
    /// When the host was killed, in seconds since the Unix epoch.
    kills: Vec<f64>,
    /// Seconds of media that may be on their way at a kill.
    on_its_way: f64,
}

impl Trial {
    /// Starts cameras, and a host that records them; it is ended in good order.
    pub(super) fn start(binary: &Path, folder: &Path, on_its_way: f64) -> Result<Self> {
        let state = folder.join("state");
        let host = Host::start(binary, &state)?;
        let continuous = host.set_topology(CONTINUOUS_TOPOLOGY)?;
        let each = host.set_topology(EACH_TOPOLOGY)?;
        let mut cameras = Vec::new();
        for number in 0..CAMERAS {
            let ledger = folder.join(format!("camera{number}.jsonl"));
            let (process, url) = start_camera_with(binary, &clip::file(), Some(&ledger))?;
            let name = format!("cam{number}");
            let topology = if number < CONTINUOUS { &continuous } else { &each };
            host.set_instance(&name, topology, &[("rtspUrl", &url), ("assetPrefix", &name)])?;
            host.instance("GraphInstanceActivate", &name)?;
            cameras.push(Camera {
                _process: process,
                ledger,
                marks: Vec::new(),
            });
        }
        let mut trial = Self {
            binary: binary.to_owned(),
            state,
            cameras,
            acknowledged: BTreeMap::new(),
            gone: BTreeMap::new(),
            kills: Vec::new(),
            on_its_way,
        };
        // A first short life, so that every round has recordings to lose.
        std::thread::sleep(Duration::from_secs_f64(FRAGMENT_S + ON_ITS_WAY_S));
        host.kill();
        trial.after_kill()?;
        Ok(trial)
    }

    /// Starts the host, kills it, and notes what it had acknowledged.
    pub(super) fn round(&mut self, kill: Kill) -> Result<()> {
        let started = Instant::now();
        let mut host = Host::spawn(Command::new(&self.binary), &self.state)?;
        match kill {
            Kill::Any(after) => self.watch(started, after)?,
            Kill::Turn(after) => {
                host.ready()?;
                self.watch(Instant::now(), after)?;
            }
            Kill::Sealing(after, later) => {
                host.ready()?;
                host.instance("GraphInstanceActivate", SEALED)?;
                self.watch(Instant::now(), after)?;
                std::thread::scope(|scope| -> Result<()> {
                    // It is cut off in the middle: that this fails is what is wanted.
                    scope.spawn(|| host.instance("GraphInstanceDeactivate", SEALED).is_ok());
                    self.watch(Instant::now(), later)?;
                    host.kill_now()
                })?;
            }
        }
        host.kill();
        self.after_kill()
    }

    /// Notes new segments until so many seconds have passed.
    fn watch(&mut self, from: Instant, seconds: f64) -> Result<()> {
        let until = from + Duration::from_secs_f64(seconds);
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.acknowledge()?;
            std::thread::sleep(LOOK.min(left));
        }
        Ok(())
    }

    fn acknowledge(&mut self) -> Result<()> {
        for (key, path) in recordings::sealed(&self.state)? {
            if self.acknowledged.contains_key(&key) {
                continue;
            }
            // One that has just moved to its store is met there the next time.
            if let Ok(content) = recordings::content(&path) {
                self.acknowledged.insert(key, content);
            }
        }
        Ok(())
    }

    fn after_kill(&mut self) -> Result<()> {
        self.kills.push(time::now());
        let gone = recordings::missing(&self.state, self.acknowledged.keys())?;
        for key in gone {
            let round = self.kills.len();
            self.gone.entry(key.clone()).or_insert(round);
        }
        self.acknowledge()?;
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let lengths = |cameras: &[Camera]| -> Vec<u64> {
            cameras.iter().map(|camera| length(&camera.ledger)).collect()
        };
        let (mut before, mut since) = (lengths(&self.cameras), Instant::now());
        let quiet = until("end of what the cameras send", NOTICED, || {
            let now = lengths(&self.cameras);
            if now != before {
                (before, since) = (now, Instant::now());
            }
            Ok((since.elapsed() >= QUIET).then(|| before.clone()))
        })?;
        for (camera, mark) in self.cameras.iter_mut().zip(quiet) {
            camera.marks.push(mark);
        }
        Ok(())
    }

    /// Starts the host once more, lets it put everything in order, ends it, and judges.
    pub(super) fn finish(mut self) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let started = SystemTime::now();
        let mut host = Host::start(&self.binary, &self.state)?;
        let stale = until("order in the state directory", IN_ORDER, || {
            let stale = older(&recordings::unfinished(&self.state)?, started);
            Ok(stale.is_empty().then_some(stale))
        });
        if stale.is_err() {
            for path in older(&recordings::unfinished(&self.state)?, started) {
                outcome.left_over += 1;
                outcome.tell(format!("left over after the start: {}", path.display()));
            }
        }
        host.stop()?;
        self.acknowledge()?;
        self.judge_segments(&mut outcome)?;
        self.judge_recordings(&mut outcome)?;
        self.judge_media(&mut outcome)?;
        Ok(outcome)
    }

    fn judge_segments(&self, outcome: &mut Outcome) -> Result<()> {
        let found = recordings::sealed(&self.state)?;
        outcome.acknowledged = self.acknowledged.len();
        for (key, wanted) in &self.acknowledged {
            let now = found.get(key).map(|path| recordings::content(path));
            let what = match now {
                Some(Ok(content)) if content == *wanted && !self.gone.contains_key(key) => continue,
                Some(Ok(content)) if content == *wanted => "was away for a while".to_owned(),
                Some(Ok(content)) => format!("has {} bytes, had {}", content.bytes, wanted.bytes),
                Some(Err(error)) => error.to_string(),
                None => "is gone".to_owned(),
            };
            outcome.lost += 1;
            let when = self
                .gone
                .get(key)
                .map(|kill| format!(", first after kill {kill}"));
            let when = when.unwrap_or_default();
            outcome.tell(format!("{}/{} {what}{when}", key.asset, key.file));
        }
        let store = self.state.join(STORE);
        for path in found.values().filter(|path| !path.starts_with(&store)) {
            outcome.left_over += 1;
            outcome.tell(format!("has not reached the store: {}", path.display()));
        }
        for path in recordings::unfinished(&self.state)? {
            outcome.left_over += 1;
            outcome.tell(format!("left over at the end: {}", path.display()));
        }
        Ok(())
    }

    fn judge_recordings(&self, outcome: &mut Outcome) -> Result<()> {
        for problem in recordings::unsound(&self.binary, &self.state)? {
            outcome.broken += 1;
            outcome.tell(problem);
        }
        let playlists = recordings::playlists(&self.state)?;
        eprintln!("playing {} recordings", playlists.len());
        for playlist in playlists {
            if let Some(problem) = recordings::unplayable(&playlist)? {
                outcome.broken += 1;
                outcome.tell(problem);
            }
        }
        Ok(())
    }

    fn judge_media(&self, outcome: &mut Outcome) -> Result<()> {
        let mut losses = Vec::new();
        for (number, camera) in self.cameras.iter().enumerate() {
            let ledger = std::fs::read(&camera.ledger)?;
            let rounds = self.recorded(number)?;
            let mut from = 0;
            for (round, (mark, recorded)) in camera.marks.iter().zip(&rounds).enumerate() {
                let to = usize::try_from(*mark)?;
                let lines = String::from_utf8_lossy(ledger.get(from..to).context("the ledger shrank")?);
                from = to;
                let fate = fate(&pictures(&lines), recorded);
                losses.push(fate.lost_s);
                outcome.add(number, round, fate, FRAGMENT_S + self.on_its_way);
            }
        }
        outcome.median_loss_s = median(&losses)?;
        Ok(())
    }

    /// The digests of the pictures of a camera, kill by kill.
    fn recorded(&self, camera: usize) -> Result<Vec<Vec<String>>> {
        let prefix = format!("cam{camera}-");
        let found = recordings::sealed(&self.state)?;
        let assets: BTreeSet<&String> = found.keys().map(|key| &key.asset).collect();
        let mut samples = Vec::new();
        for asset in assets.into_iter().filter(|asset| asset.starts_with(&prefix)) {
            let path = self.state.join(STORE).join(asset);
            // What has not reached the store is told where the segments are judged.
            if path.is_dir() {
                samples.extend(recordings::samples(&self.binary, &path)?);
            }
        }
        samples.retain(|sample| sample.track == "video");
        samples.sort_by_key(|sample| sample.time);
        let mut rounds = vec![Vec::new(); self.kills.len()];
        for sample in samples {
            let at = sample.time as f64 / TICKS;
            let round = self.kills.partition_point(|kill| *kill < at);
            // What came after the last kill ended in good order.
            if let Some(round) = rounds.get_mut(round) {
                round.push(sample.sha256);
            }
        }
        Ok(rounds)
    }
}

impl Outcome {
    fn tell(&mut self, finding: String) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }

    fn add(&mut self, camera: usize, round: usize, fate: Fate, limit_s: f64) {
        self.pictures += fate.recorded;
        self.longest_loss_s = self.longest_loss_s.max(fate.lost_s);
        self.missing += fate.missing + fate.foreign;
        if fate.missing + fate.foreign > 0 || fate.lost_s > limit_s {
            self.tell(format!(
                "camera {camera}, kill {round}: {:.2} s lost, {} pictures missing before, {} that do not fit",
                fate.lost_s, fate.missing, fate.foreign
            ));
        }
    }
}

/// Those that were last written before a moment.
fn older(paths: &[PathBuf], than: SystemTime) -> Vec<PathBuf> {
    let written = |path: &PathBuf| std::fs::metadata(path).and_then(|metadata| metadata.modified());
    let is_older = |path: &&PathBuf| written(path).is_ok_and(|at| at < than);
    paths.iter().filter(is_older).cloned().collect()
}
