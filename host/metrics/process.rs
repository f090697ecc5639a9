//! What the process takes, as Linux tells it under `/proc/self`. The names are those that all Prometheus clients use.

use std::fs::{self, File};
use std::io::Read as _;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::gauge;

/// The unit of times in `/proc/PID/stat`: hundredths of a second for every program (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;
/// Those files are shorter.
const MAX_PROC_BYTES: u64 = 64 << 10;
/// Places of `utime` and `stime` in `/proc/PID/stat`, counted after the name's parenthesis (proc(5)).
const UTIME: usize = 11;

/// What the process takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Bytes of memory that are really there.
    pub resident_bytes: u64,
    /// Open files and sockets.
    pub open_files: u64,
    /// Seconds of all cores together.
    pub cpu_seconds: f64,
}

impl Usage {
    /// Asks the operating system; none if it does not say.
    #[must_use]
    pub fn now() -> Option<Self> {
        let status = read("/proc/self/status")?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = resident.trim().trim_end_matches("kB").trim().parse().ok()?;
        let stat = read("/proc/self/stat")?;
        // The name may hold anything, parentheses too.
        let (_, rest) = stat.rsplit_once(')')?;
        let times = rest.split_ascii_whitespace().skip(UTIME).take(2);
        let ticks: u64 = times.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Some(Self {
            resident_bytes: kib.saturating_mul(1024),
            // The folder itself is open while it is counted.
            open_files: (fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1),
            cpu_seconds: ticks as f64 / TICKS_PER_SECOND,
        })
    }
}

fn read(path: &str) -> Option<String> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(MAX_PROC_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

pub(super) fn register(registry: &mut Registry, usage: Option<Usage>) {
    let Some(usage) = usage else {
        return;
    };
    let resident = gauge(usage.resident_bytes);
    registry.register(
        "process_resident_memory_bytes",
        "Memory that is really there",
        resident,
    );
    registry.register(
        "process_open_fds",
        "Open files and sockets",
        gauge(usage.open_files),
    );
    let cpu = Counter::<f64, std::sync::atomic::AtomicU64>::default();
    cpu.inc_by(usage.cpu_seconds);
    registry.register("process_cpu_seconds", "Time of all cores together", cpu);
}
