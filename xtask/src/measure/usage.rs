//! What a process cost: CPU time and memory, from `/proc`.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// The kernel counts CPU time for `/proc` in hundredths of a second on every Linux machine (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;
const POLL: Duration = Duration::from_millis(10);

/// What a process used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// In user and kernel mode, all threads.
    pub(super) cpu_s: f64,
    /// Highest resident memory, in units of 1,000,000 bytes.
    pub(super) peak_mb: f64,
}

/// Follows a child of ours that is about to end, and says what it used up to its end. The child must not have been
/// waited for: an ended process keeps its account only until then.
///
/// # Errors
/// When the process is unknown, or does not end within `limit`.
pub(super) fn until_end(id: u32, limit: Duration) -> Result<Usage> {
    let deadline = Instant::now() + limit;
    let mut usage = Usage::default();
    loop {
        let stat =
            std::fs::read_to_string(format!("/proc/{id}/stat")).context("the process has gone already")?;
        let (state, cpu_s) = read_stat(&stat).context("`/proc/PID/stat` is of an unknown shape")?;
        usage.cpu_s = cpu_s;
        usage.peak_mb = usage.peak_mb.max(peak_mb(id).unwrap_or(0.0));
        if state == "Z" {
            return Ok(usage);
        }
        if Instant::now() >= deadline {
            bail!("process {id} did not end within {} s", limit.as_secs());
        }
        std::thread::sleep(POLL);
    }
}

/// CPU seconds so far, in user and kernel mode, all threads.
///
/// # Errors
/// When the process has gone.
pub(super) fn cpu_s(id: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).context("the process has gone")?;
    let (_, cpu_s) = read_stat(&stat).context("`/proc/PID/stat` is of an unknown shape")?;
    Ok(cpu_s)
}

/// Resident memory now, in units of 1,000,000 bytes; none once the process has ended.
pub(super) fn resident_mb(id: u32) -> Option<f64> {
    read_memory(
        &std::fs::read_to_string(format!("/proc/{id}/status")).ok()?,
        "VmRSS:",
    )
}

/// Highest resident memory so far; none once the process has ended.
pub(super) fn peak_mb(id: u32) -> Option<f64> {
    read_memory(
        &std::fs::read_to_string(format!("/proc/{id}/status")).ok()?,
        "VmHWM:",
    )
}

/// State and CPU seconds. The name in brackets may hold spaces and brackets itself: count from the last bracket.
fn read_stat(stat: &str) -> Option<(&str, f64)> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    // proc(5): state is field 3, utime 14, stime 15.
    let mut times = fields.skip(10).map(|field| field.parse::<f64>().ok());
    Some((state, (times.next()?? + times.next()??) / TICKS_PER_SECOND))
}

fn read_memory(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn cpu_time_is_read_behind_a_name_with_brackets() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 1 0 100 0 0";
        assert_eq!(read_stat(stat), Some(("S", 2.0)));
        assert_eq!(read_stat("nothing"), None);
    }

    #[test]
    fn the_peak_is_in_megabytes() {
        assert_eq!(
            read_memory("Name:\tx\nVmHWM:\t    1000 kB\nVmRSS:\t 1 kB\n", "VmHWM:"),
            Some(1.024)
        );
        assert_eq!(read_memory("Name:\tx\n", "VmHWM:"), None);
    }

    #[test]
    fn a_child_that_worked_is_accounted_for_after_its_end() {
        let work = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        let mut child = Command::new("sh")
            .args(["-c", work])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let usage = until_end(child.id(), Duration::from_secs(60)).unwrap();
        assert!(child.wait().unwrap().success());
        assert!(usage.cpu_s > 0.0 && usage.peak_mb > 0.0, "{usage:?}");
    }
}
