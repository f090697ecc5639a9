//! What many activated instances cost whose cameras are away, and whether they record once the cameras are there.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::serve::{Host, free_address, until};
use super::usage::{self, resident_mb};
use super::{Besides, Context, Reading};
use crate::clip;
use crate::demo::check_assets;
use crate::process::Guard;

const INSTANCES: usize = 200;
/// Cameras that come up in the end.
const CAMERAS: usize = 10;
/// Motion, gate and asset sink.
const TOPOLOGY: &str = "topologies/evr-motion-assets/topology.json";
/// What the topology calls its sink.
const RECORDER: &str = "recorder";
/// Before it is measured: sources that lost their camera try again less and less often.
const SETTLE: Duration = Duration::from_secs(60);
/// How long it is measured.
const IDLE: Duration = Duration::from_secs(60);
/// How long cameras may take to be found, and something to move before them.
const COME_UP: Duration = Duration::from_secs(180);
/// Resident memory, in units of 1,000,000 bytes.
const MEMORY_GOAL_MB: f64 = 200.0;
const LOOK: Duration = Duration::from_millis(500);

/// Measures once.
///
/// # Errors
/// When something does not run.
pub(super) fn run(context: &Context) -> Result<Reading> {
    let folder = super::fresh_folder("idle-instances")?;
    let binary = context.host()?;
    let state = folder.join("state");
    let host = Host::start(&binary, &state)?;
    let topology = host.set_topology(TOPOLOGY)?;
    let ports = ports()?;
    eprintln!("activating {INSTANCES} instances");
    for (index, port) in ports.iter().enumerate() {
        let url = format!("rtsp://127.0.0.1:{port}/media/yard.mp4");
        let prefix = format!("idle{index}");
        let parameters = [
            ("rtspUrl", url.as_str()),
            ("assetPrefix", &prefix),
            ("minimumClip", "PT5S"),
        ];
        host.set_instance(&prefix, &topology, &parameters)?;
        host.instance("GraphInstanceActivate", &prefix)?;
    }
    eprintln!(
        "letting them settle for {} s, then measuring for {} s",
        SETTLE.as_secs(),
        IDLE.as_secs()
    );
    std::thread::sleep(SETTLE);
    let (percent, memory) = idle(&host)?;
    let peak = usage::peak_mb(host.process.id()).unwrap_or(0.0);
    let missing = come_up(&binary, host, &state, &ports)?;
    Ok(reading(percent, memory, peak, missing))
}

/// Ports at which nobody listens; the cameras that come up have one each.
fn ports() -> Result<Vec<u16>> {
    // Held together, so that they differ.
    let held: Vec<_> = (0..CAMERAS)
        .map(|_| std::net::TcpListener::bind("127.0.0.1:0"))
        .collect::<std::io::Result<_>>()?;
    let mut ports: Vec<u16> = held
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()))
        .collect::<std::io::Result<_>>()?;
    let away = free_address()?.port();
    ports.resize(INSTANCES, away);
    Ok(ports)
}

/// Percent of a core, and the highest resident memory.
fn idle(host: &Host) -> Result<(f64, f64)> {
    let id = host.process.id();
    let (before, began) = (usage::cpu_s(id)?, Instant::now());
    let mut memory = 0.0_f64;
    while began.elapsed() < IDLE {
        memory = memory.max(resident_mb(id).context("the host has gone")?);
        std::thread::sleep(LOOK);
    }
    let percent = (usage::cpu_s(id)? - before) / began.elapsed().as_secs_f64() * 100.0;
    Ok((percent, memory))
}

/// Starts the cameras, waits until their instances record, and ends the host; gives how many did not record.
fn come_up(binary: &Path, mut host: Host, state: &Path, ports: &[u16]) -> Result<usize> {
    eprintln!("starting {CAMERAS} cameras");
    let cameras: Vec<Guard> = ports
        .iter()
        .take(CAMERAS)
        .map(|port| camera(binary, *port))
        .collect::<Result<_>>()?;
    let wrote = |index: usize| -> Result<bool> {
        let node = host.node(&format!("idle{index}"), RECORDER)?;
        Ok(node.get("received").and_then(Value::as_u64).unwrap_or(0) > 0)
    };
    let waited = until("recording of every camera", COME_UP, || {
        for index in 0..CAMERAS {
            if !wrote(index)? {
                return Ok(None);
            }
        }
        Ok(Some(()))
    });
    if let Err(error) = waited {
        eprintln!("{error:#}");
    }
    drop(cameras);
    host.stop()?;
    let clips = check_assets(binary, state)?;
    let sound = |index: usize| {
        let prefix = format!("idle{index}-");
        clips
            .iter()
            .any(|clip| clip.name.starts_with(&prefix) && clip.problems.is_empty())
    };
    Ok((0..CAMERAS).filter(|index| !sound(*index)).count())
}

fn camera(binary: &Path, port: u16) -> Result<Guard> {
    let mut command = Command::new(binary);
    command
        .arg("camera")
        .arg(clip::file())
        .args(["--port", &port.to_string()]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Guard::spawn("a camera", &mut command)
}

fn reading(percent: f64, memory: f64, peak: f64, missing: usize) -> Reading {
    Reading {
        value: (percent * 100.0).round() / 100.0,
        against: format!(
            "{INSTANCES} activated instances (motion, gate, asset sink) that cannot reach their cameras, {} s; memory \
             peaked at {peak:.0} MB; then {CAMERAS} cameras came up, and {} recorded",
            IDLE.as_secs(),
            CAMERAS - missing
        ),
        samples: vec![percent],
        besides: vec![
            Besides {
                name: "memory",
                value: memory,
                unit: "MB",
                goal: MEMORY_GOAL_MB,
                met: memory < MEMORY_GOAL_MB,
            },
            Besides {
                name: "cameras that were not recorded",
                value: missing as f64,
                unit: "of 10",
                goal: 0.0,
                met: missing == 0,
            },
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_a_camera_that_was_not_recorded_count_against_it() {
        let met = |reading: &Reading| reading.besides.iter().map(|one| one.met).collect::<Vec<_>>();
        assert_eq!(met(&reading(0.5, 150.0, 180.0, 0)), [true, true]);
        assert_eq!(met(&reading(0.5, 201.0, 220.0, 1)), [false, false]);
    }

    #[test]
    fn cameras_that_come_up_have_ports_of_their_own() {
        let ports = ports().unwrap();
        assert_eq!(ports.len(), INSTANCES);
        let mut own = ports[..CAMERAS].to_vec();
        own.sort_unstable();
        own.dedup();
        assert_eq!(own.len(), CAMERAS);
    }
}
