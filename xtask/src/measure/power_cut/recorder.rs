//! The recorder whose file operations are logged: a host with four cameras, killed once and started again.

use std::fs::{DirBuilder, File};
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::disk::Disk;
use super::strace::{self, Call};
use crate::clip;
use crate::demo::start_camera_with;
use crate::measure::serve::{Host, until};

/// The state directory in the measure's folder.
pub(super) const STATE: &str = "state";
const CONTINUOUS_TOPOLOGY: &str = "topologies/cvr-asset/topology.json";
const EACH_TOPOLOGY: &str = "xtask/src/measure/kill9/each.topology.json";
/// Two are recorded continuously, two are activated again and again.
const CAMERAS: usize = 4;
const CONTINUOUS: usize = 2;
/// How long the two are active, and then are not.
const ACTIVE: Duration = Duration::from_secs(5);
const INACTIVE: Duration = Duration::from_secs(1);
/// Seconds until the host is killed, and seconds until it is ended the second time. The long ones see the turn of
/// segments, which are 30 s long.
const LONG: [u64; 2] = [40, 65];
const SHORT: [u64; 2] = [8, 10];
/// Bytes of one string that strace prints; a write of more could not be read.
const STRING: &str = "67108864";
/// How long strace may take to write the end of its log.
const LOGGED: Duration = Duration::from_secs(60);
/// Bytes at the end of a log in which the end of the process stands.
const TAIL: u64 = 4096;
/// As the host makes its directories.
const OWNER_ONLY: u32 = 0o700;
/// More descriptors than this no process has.
const LAST_DESCRIPTOR: i32 = i32::MAX;

/// The logs of a recorder: one for each life of it.
#[derive(Debug)]
pub(super) struct Recording {
    state: PathBuf,
    logs: Vec<PathBuf>,
}

impl Recording {
    /// Records; the state directory is left as the disk had it in the end.
    pub(super) fn make(binary: &Path, folder: &Path, long: bool) -> Result<Self> {
        let lives = if long { LONG } else { SHORT };
        eprintln!(
            "recording for {} s, with a kill after {} s",
            lives.iter().sum::<u64>(),
            lives[0]
        );
        // Whoever installs the host makes its state directory, long before the power is cut.
        let state = folder.join(STATE);
        DirBuilder::new().mode(OWNER_ONLY).create(&state)?;
        let mut cameras = Vec::new();
        for _ in 0..CAMERAS {
            cameras.push(start_camera_with(binary, &clip::file(), None)?);
        }
        let urls: Vec<&str> = cameras.iter().map(|(_, url)| url.as_str()).collect();
        let logs: Vec<PathBuf> = (0..lives.len())
            .map(|life| folder.join(format!("life{life}.strace")))
            .collect();
        for (life, (log, seconds)) in logs.iter().zip(lives).enumerate() {
            let first = life == 0;
            let mut host =
                Host::spawn(traced(binary, log), &state).context("hint: apt-get install strace")?;
            host.ready()?;
            let process = host.process.id();
            if first {
                set_up(&host, &urls)?;
            }
            toggle(&host, Duration::from_secs(seconds))?;
            if first {
                host.kill();
            } else {
                host.stop()?;
            }
            wait_for_log(log, process)?;
        }
        Ok(Self { state, logs })
    }

    /// All calls of all lives.
    pub(super) fn calls(&self) -> Result<Vec<Call>> {
        let mut calls = Vec::new();
        for log in &self.logs {
            let file = File::open(log).with_context(|| format!("cannot read {}", log.display()))?;
            calls.extend(strace::read(BufReader::new(file)).with_context(|| log.display().to_string())?);
            // What the process had open is closed with it.
            calls.push(Call::Close {
                first: 0,
                last: LAST_DESCRIPTOR,
            });
        }
        Ok(calls)
    }

    /// The disk at the end of the log.
    pub(super) fn disk(&self, calls: &[Call]) -> Result<Disk> {
        let mut disk = Disk::new(&self.state);
        for (number, call) in calls.iter().enumerate() {
            disk.apply(call)
                .with_context(|| format!("call {number} of the log"))?;
        }
        Ok(disk)
    }
}

/// The host under strace. The tracer is the grandchild (`-D`), so that signals to our child reach the host itself.
fn traced(binary: &Path, log: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-q", "-xx", "-v", "--seccomp-bpf", "-s", STRING]);
    command.args(["-e", &format!("trace={}", strace::CALLS)]);
    command.arg("-o").arg(log).arg(binary);
    command
}

fn set_up(host: &Host, urls: &[&str]) -> Result<()> {
    let continuous = host.set_topology(CONTINUOUS_TOPOLOGY)?;
    let each = host.set_topology(EACH_TOPOLOGY)?;
    for (number, url) in urls.iter().enumerate() {
        let name = format!("cam{number}");
        let topology = if number < CONTINUOUS { &continuous } else { &each };
        host.set_instance(&name, topology, &[("rtspUrl", url), ("assetPrefix", &name)])?;
        host.instance("GraphInstanceActivate", &name)?;
    }
    Ok(())
}

/// Lets the host record, and some of the instances come and go.
fn toggle(host: &Host, time: Duration) -> Result<()> {
    let deadline = Instant::now() + time;
    let pause = |wanted: Duration| {
        let left = deadline.saturating_duration_since(Instant::now());
        std::thread::sleep(wanted.min(left));
        !left.is_zero()
    };
    let all = |method: &str| {
        (CONTINUOUS..CAMERAS).try_for_each(|number| host.instance(method, &format!("cam{number}")))
    };
    while pause(ACTIVE) {
        all("GraphInstanceDeactivate")?;
        pause(INACTIVE);
        all("GraphInstanceActivate")?;
    }
    Ok(())
}

/// Waits until the end of the process stands in the log.
fn wait_for_log(log: &Path, process: u32) -> Result<()> {
    // `strace` fills numbers up to five places.
    let ends = [
        format!("{process:<5} +++ exited with"),
        format!("{process:<5} +++ killed by"),
    ];
    until("end of strace's log", LOGGED, || {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let tail = String::from_utf8_lossy(&tail);
        let ended = tail
            .lines()
            .any(|line| ends.iter().any(|end| line.trim_start().starts_with(end)));
        Ok(ended.then_some(()))
    })
}
