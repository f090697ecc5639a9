//! The host, its cameras, its store and the wire between them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::judge::Verdict;
use super::ledger::Ledger;
use super::wire::{State, Wire};
use crate::clip;
use crate::demo::start_camera_with;
use crate::measure::azurite::{Azurite, KEY, container_at};
use crate::measure::recordings;
use crate::measure::serve::{Host, until};
use crate::process::Guard;

const CONTINUOUS_TOPOLOGY: &str = "topologies/cvr-asset/topology.json";
const BURST_TOPOLOGY: &str = "xtask/src/measure/outage/burst.topology.json";
/// The node that records, in both.
const RECORDER: &str = "recorder";
const STORE: &str = "cloud";
/// How long the one is active, and then is not.
const ACTIVE: Duration = Duration::from_secs(9);
const INACTIVE: Duration = Duration::from_secs(2);
/// How often new segments are looked for, and how often sizes are.
const LOOK: Duration = Duration::from_millis(50);
const MEASURE: Duration = Duration::from_millis(500);
/// The wire is frozen for so long before it is cut.
const FROZEN: Duration = Duration::from_secs(20);
/// How long anything may take: the first segments, the outage, the backlog.
const LIMIT: Duration = Duration::from_secs(1200);

/// Names, sizes of their caches in MiB, and whether they come and go. A segment of our clip has 0.6 MB.
const CAMERAS: [(&str, u64, bool); 3] = [("steady", 2, false), ("tight", 1, false), ("bursts", 1, true)];

#[derive(Debug)]
pub(super) struct Camera {
    pub(super) name: &'static str,
    /// Bytes that its cache may hold.
    cache: u64,
    _process: Guard,
    /// What it says that it has sent.
    pub(super) ledger: PathBuf,
}

#[derive(Debug)]
pub(super) struct Trial {
    pub(super) binary: PathBuf,
    pub(super) state: PathBuf,
    pub(super) azurite: Azurite,
    wire: Wire,
    host: Host,
    pub(super) cameras: Vec<Camera>,
    pub(super) ledger: Ledger,
    verdict: Verdict,
    /// When the one that comes and goes does so next, and whether it is active now.
    change: Instant,
    active: bool,
    measured: Instant,
}

impl Trial {
    /// Starts everything; the wire is whole.
    pub(super) fn start(binary: &Path, folder: &Path) -> Result<Self> {
        let azurite = Azurite::start(&folder.join("azurite"))?;
        let wire = Wire::to(azurite.address)?;
        let state = folder.join("state");
        let config = configuration(folder, &wire)?;
        let host = Host::start_with(binary, &state, &config)?;
        let continuous = host.set_topology(CONTINUOUS_TOPOLOGY)?;
        let bursts = host.set_topology(BURST_TOPOLOGY)?;
        let mut cameras = Vec::new();
        for (name, mib, comes_and_goes) in CAMERAS {
            let ledger = folder.join(format!("{name}.jsonl"));
            let (process, url) = start_camera_with(binary, &clip::file(), Some(&ledger))?;
            let topology = if comes_and_goes { &bursts } else { &continuous };
            let mib_text = mib.to_string();
            let parameters = [
                ("rtspUrl", url.as_str()),
                ("assetPrefix", name),
                ("cacheMiB", &mib_text),
            ];
            host.set_instance(name, topology, &parameters)?;
            host.instance("GraphInstanceActivate", name)?;
            cameras.push(Camera {
                name,
                cache: mib << 20,
                _process: process,
                ledger,
            });
        }
        let now = Instant::now();
        Ok(Self {
            binary: binary.to_owned(),
            state,
            azurite,
            wire,
            host,
            cameras,
            ledger: Ledger::default(),
            verdict: Verdict::default(),
            change: now + ACTIVE,
            active: true,
            measured: now,
        })
    }

    /// Until each camera has something in the container.
    pub(super) fn record_with_a_store(&mut self) -> Result<()> {
        self.until("first segments in the container", |trial| {
            let names = trial.azurite.list()?;
            let has = |camera: &Camera| {
                let prefix = format!("{}-", camera.name);
                names
                    .keys()
                    .any(|name| name.starts_with(&prefix) && name.ends_with(".m4s"))
            };
            Ok(trial.cameras.iter().all(has))
        })
    }

    /// The outage: until each camera was recorded to so many times as much as its cache holds.
    pub(super) fn record_without(&mut self, caches: usize) -> Result<()> {
        let sealed = |trial: &Self| -> Vec<u64> {
            let cameras = trial.cameras.iter();
            cameras.map(|camera| trial.ledger.bytes_of(camera.name)).collect()
        };
        let (before, began) = (sealed(self), Instant::now());
        eprintln!("the store is away now, until {caches} times as much was recorded as the caches hold");
        self.wire.set(State::Frozen);
        let mut times = 0.0;
        self.until("end of the outage", |trial| {
            if began.elapsed() >= FROZEN {
                trial.wire.set(State::Cut);
            }
            let now = sealed(trial);
            let cameras = trial.cameras.iter().zip(now.iter().zip(&before));
            let each = cameras.map(|(camera, (now, before))| (now - before) as f64 / camera.cache as f64);
            times = each.fold(f64::INFINITY, f64::min);
            Ok(times >= caches as f64)
        })?;
        self.verdict.outage_s = began.elapsed().as_secs_f64();
        self.verdict.times = times;
        for camera in &self.cameras {
            let part = self.cached(camera)? as f64 / camera.cache as f64;
            self.verdict.empty = self.verdict.empty.max(1.0 - part);
        }
        Ok(())
    }

    /// The store is there again, and recording goes on until nothing waits for it.
    pub(super) fn record_until_drained(&mut self) -> Result<()> {
        let began = Instant::now();
        eprintln!("the store is there again");
        self.wire.set(State::Whole);
        self.until("empty backlog", |trial| Ok(trial.backlog()? == 0))?;
        self.verdict.drained_s = began.elapsed().as_secs_f64();
        // Each seals once more.
        let last = Instant::now() + 2 * ACTIVE;
        self.until("last segments", |_| Ok(Instant::now() >= last))
    }

    /// Ends everything and compares.
    pub(super) fn finish(mut self) -> Result<Verdict> {
        for camera in &self.cameras {
            if self.active || camera.name != bursting() {
                self.host.instance("GraphInstanceDeactivate", camera.name)?;
            }
        }
        until("empty backlog at the end", LIMIT, || {
            Ok((self.backlog()? == 0).then_some(()))
        })?;
        self.host.stop()?;
        self.ledger.look(&self.state)?;
        self.ledger.compare(&self.azurite)?;
        let mut verdict = std::mem::take(&mut self.verdict);
        verdict.changed = self.ledger.changed;
        self.judge_gaps(&mut verdict)?;
        self.judge_playlists(&mut verdict)?;
        self.judge_pictures(&mut verdict)?;
        Ok(verdict)
    }

    /// Waits, and does meanwhile what is to be done all the time.
    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while !done(self)? {
            if Instant::now() >= deadline {
                bail!("within {} s: no {what}", LIMIT.as_secs());
            }
            self.ledger.look(&self.state)?;
            self.toggle()?;
            self.measure()?;
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn toggle(&mut self) -> Result<()> {
        if Instant::now() < self.change {
            return Ok(());
        }
        let (method, next) = if self.active {
            ("GraphInstanceDeactivate", INACTIVE)
        } else {
            ("GraphInstanceActivate", ACTIVE)
        };
        self.host.instance(method, bursting())?;
        self.active = !self.active;
        self.change = Instant::now() + next;
        Ok(())
    }

    fn measure(&mut self) -> Result<()> {
        if self.measured.elapsed() < MEASURE {
            return Ok(());
        }
        self.measured = Instant::now();
        for camera in &self.cameras {
            let beyond = self.cached(camera)?.saturating_sub(camera.cache);
            self.verdict.beyond = self.verdict.beyond.max(beyond);
        }
        Ok(())
    }

    /// Bytes in the cache of a camera.
    fn cached(&self, camera: &Camera) -> Result<u64> {
        let own = Path::new(camera.name).join(RECORDER);
        let folder = |path: &Path| path.ancestors().any(|folder| folder.ends_with(&own));
        let files = recordings::files(&self.state, &[])?;
        let sizes = files.iter().filter(|path| folder(path)).map(|path| {
            // What goes meanwhile has no size.
            std::fs::metadata(path).map_or(0, |metadata| metadata.len())
        });
        Ok(sizes.sum())
    }

    fn backlog(&self) -> Result<u64> {
        let all = self.host.get("/api/uploads")?;
        let stores = all.get("value").and_then(Value::as_array).into_iter().flatten();
        let mut own = stores.filter(|store| store.get("store").and_then(Value::as_str) == Some(STORE));
        let backlog = own
            .next()
            .and_then(|store| store.get("backlogSegments")?.as_u64());
        backlog.context("the host does not say what waits for the store")
    }
}

/// The one that comes and goes.
fn bursting() -> &'static str {
    let found = CAMERAS.iter().find(|(_, _, comes_and_goes)| *comes_and_goes);
    found.map_or("", |(name, _, _)| name)
}

/// A configuration with the container behind the wire as the store of everything.
fn configuration(folder: &Path, wire: &Wire) -> Result<String> {
    let key = folder.join("key");
    std::fs::write(&key, KEY)?;
    Ok(format!(
        "[stores.{STORE}]\nkind = \"azure-blob\"\ncontainer_url = \"{}\"\naccount_key = \"${{file:{}}}\"\n\
         [recording]\nstore = \"{STORE}\"\n[limits]\ndrain_timeout = \"PT5S\"\n",
        container_at(wire.address),
        key.display()
    ))
}
