//! Thirty days of recording in minutes: four simulated cameras, a clock that is moved by hand, the real cache, index, queue,
//! retention and store in memory (`/dev/shm`).
//!
//! Two cameras record continuously, one comes and goes, one records an asset per event. Every seven days' worth of media goes
//! again; every day and a half the recorder is restarted, every other time without having been ended. A ledger of its own notes each
//! fragment that was given to the recorder. In the end ledger, index, disk and playlists must say the same, and neither
//! memory nor the index may have grown since there was as much as there will be.
//!
//! `cargo bench --bench recordings -- thirty-days --days 12` is shorter.

mod cameras;
mod chance;
mod judge;
mod recorder;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mediagraph::media::{Clock as _, ManualClock, MediaTime};

use super::{Result, argument};
use cameras::{Camera, Habit};
use chance::Chance;
use judge::{Verdict, judge};
use recorder::Recorder;

const DAYS: u64 = 30;
const DAY: Duration = Duration::from_secs(86_400);
/// How long a fragment is, and how far the clock moves at once.
const STEP: Duration = Duration::from_secs(4);
/// What is older goes.
const KEEP: Duration = Duration::from_secs(7 * 86_400);
/// How often that is looked at.
const RETAIN_EVERY: Duration = Duration::from_secs(6 * 3600);
/// How often the queue is waited for.
const SETTLE_EVERY: Duration = Duration::from_secs(3600);
/// How often the recorder is restarted.
const RESTART_EVERY: Duration = Duration::from_secs(36 * 3600);
/// From this day on there is as much as there will be: seven days, and what is on its way.
const STEADY_DAY: u64 = 9;
/// How much the process may have grown since then, in bytes.
const MEMORY_GROWTH: u64 = 8 << 20;
/// How much the index may have grown since then, in percent: SQLite keeps free pages.
const INDEX_GROWTH: u64 = 10;
const BEGIN: &str = "2026-03-01T00:00:00Z";

/// What grows.
#[derive(Clone, Copy, Debug, Default)]
struct Sizes {
    memory: u64,
    index: u64,
}

/// Simulates once.
///
/// # Errors
/// When the simulation does not come to its end.
pub(super) fn run() -> Result<()> {
    let days = days();
    let folder = Folder::new()?;
    let clock = Arc::new(ManualClock::new(BEGIN.parse()?));
    let mut recorder = Recorder::start(&folder.0, &clock)?;
    let mut cameras = cameras(days);
    let mut chance = Chance(7);
    let (mut steady, mut last) = (Sizes::default(), Sizes::default());
    let mut restarts = 0_u64;
    let steps = DAY.as_secs() / STEP.as_secs() * days;
    let due = |step: u64, every: Duration| step.is_multiple_of(every.as_secs() / STEP.as_secs());
    for step in 1..=steps {
        for camera in &mut cameras {
            camera.step(&recorder, clock.media(), &mut chance)?;
        }
        clock.advance(STEP);
        if due(step, SETTLE_EVERY) {
            recorder.settle()?;
        }
        if due(step, RETAIN_EVERY) {
            recorder.retain()?;
        }
        // Not at the very end: nothing would be recorded after it.
        if due(step, RESTART_EVERY) && step < steps {
            restarts += 1;
            recorder = restart(
                recorder,
                &mut cameras,
                restarts.is_multiple_of(2),
                &folder.0,
                &clock,
            )?;
        }
        if due(step, DAY) {
            let day = step * STEP.as_secs() / DAY.as_secs();
            last = sizes(&recorder)?;
            if day <= STEADY_DAY {
                steady = last;
            }
            eprintln!(
                "day {day} of {days}: {} MB, index {} MB",
                last.memory >> 20,
                last.index >> 20
            );
        }
    }
    for camera in &mut cameras {
        camera.stop()?;
    }
    recorder.finish()?;
    let verdict = judge(&recorder, &cameras, clock.media())?;
    print(days, restarts, &verdict, steady, last);
    Ok(())
}

/// Ends a recorder and starts another one; in good order, or as a crash does: then what was not written is lost.
fn restart(
    recorder: Recorder,
    cameras: &mut [Camera],
    crash: bool,
    folder: &Path,
    clock: &Arc<ManualClock>,
) -> Result<Recorder> {
    for camera in &mut *cameras {
        if crash {
            camera.crash();
        } else {
            camera.stop()?;
        }
    }
    if !crash {
        recorder.finish()?;
    }
    recorder.end()?;
    // It takes a moment to start again.
    clock.advance(STEP);
    Recorder::start(folder, clock)
}

fn cameras(days: u64) -> Vec<Camera> {
    // Touched now, so that the ledger does not count as memory that grows.
    let fragments = usize::try_from(days * DAY.as_secs() / STEP.as_secs()).unwrap_or(0);
    [
        ("yard", 60, Habit::Always),
        ("gate", 300, Habit::Always),
        ("shed", 60, Habit::Flapping),
        ("door", 30, Habit::Events),
    ]
    .map(|(name, segment_s, habit)| Camera::new(name, segment_s, habit, fragments))
    .into()
}

fn sizes(recorder: &Recorder) -> Result<Sizes> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes: u64 = line
        .and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok())
        .ok_or("no VmRSS in /proc/self/status")?;
    Ok(Sizes {
        memory: kibibytes << 10,
        index: std::fs::metadata(recorder.index_file())?.len(),
    })
}

fn print(days: u64, restarts: u64, verdict: &Verdict, steady: Sizes, last: Sizes) {
    verdict.findings.iter().for_each(|finding| eprintln!("{finding}"));
    let memory = last.memory.saturating_sub(steady.memory);
    let index = last.index.saturating_sub(steady.index) * 100 / steady.index.max(1);
    let value = serde_json::json!({
        "disagreements": verdict.disagreements,
        "days": days, "restarts": restarts,
        "fragments": verdict.fragments, "kept": verdict.kept, "dropped": verdict.dropped, "crashed": verdict.crashed,
        "recordings": verdict.recordings,
        "memoryGrowthMb": memory as f64 / 1e6, "memoryGoalMb": MEMORY_GROWTH as f64 / 1e6,
        "indexGrowthPercent": index, "indexGoalPercent": INDEX_GROWTH,
        "memoryMb": last.memory as f64 / 1e6, "indexMb": last.index as f64 / 1e6,
    });
    println!("{value}");
}

/// As `--days` says.
fn days() -> u64 {
    let given = argument("--days").and_then(|days| days.parse().ok());
    given.unwrap_or(DAYS)
}

/// In memory, and gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = Path::new("/dev/shm").join(format!("mediagraph-thirty-days-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} is left: {error}", self.0.display());
        }
    }
}

/// The first and the last moment there are.
fn always() -> std::ops::Range<MediaTime> {
    MediaTime::from_ticks(0)..MediaTime::from_ticks(i64::MAX as u64 / 2)
}
