//! Cuts the power of a recorder: everything it does to files is logged, and at random instants the disk is rebuilt as a power
//! cut would have left it. A host is started on each of these disks; it must open its index, lose nothing that was
//! acknowledged, and play.
//!
//! The log is Debian's `strace`, filtered by seccomp, so that only calls on files stop the recorder. A library put before the C
//! library would be faster, and would miss what calls the kernel by itself (as `rustix` does); that the recorder is slowed
//! down does not matter here, since the cut counts calls, not seconds. That nothing is missing in the log is checked: at
//! the end of the log the model must hold the very bytes that the real folder holds.
//!
//! What counts as acknowledged on a disk: every segment that has a row in the index, and every sealed name. Rows are read by
//! Python's `sqlite3`, not by the host.

mod disk;
mod image;
mod judge;
mod recorder;
mod rows;
mod strace;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use self::disk::Disk;
use self::image::{Image, Survival, cut};
use self::judge::{Judge, Verdict};
use self::recorder::Recording;
use self::strace::Call;
use super::chance::Chance;
use super::rounds::Rounds;
use super::{Besides, Context, Reading};

/// Cuts.
const CUTS: usize = 200;
/// In turns: the strict contract counts most.
const TURNS: [Survival; 4] = [
    Survival::Synced,
    Survival::Journal,
    Survival::Synced,
    Survival::Any,
];
/// What is memory that processes share, of which nothing on the disk is ever used again (SQLite makes it anew).
const SHARED_MEMORY: &str = "-shm";
/// Findings that are told; more are counted only.
const MAX_FINDINGS: usize = 20;

/// Logs, cuts and looks.
///
/// # Errors
/// When something does not run, or the model does not agree with the disk.
pub(super) fn run(context: &Context) -> Result<Reading> {
    let binary = context.host()?;
    let cuts = context.rounds.unwrap_or(CUTS);
    let mut chance = context.chance();
    let folder = super::fresh_folder("power-cut")?;
    let recording = Recording::make(&binary, &folder, cuts >= CUTS)?;
    let calls = recording.calls()?;
    eprintln!("{} calls were logged", calls.len());
    let state = folder.join(recorder::STATE);
    agree(&recording.disk(&calls)?, &state)?;
    let mut judge = Judge::new(&binary, &folder);
    let mut total = Verdict::default();
    let mut disk = Disk::new(&state);
    let (mut done, line) = (0, Rounds::new(cuts));
    for (number, instant) in instants(&calls, cuts, &mut chance).into_iter().enumerate() {
        for call in calls.get(done..instant).context("a cut is beyond the log")? {
            disk.apply(call)?;
        }
        done = instant;
        let survival = TURNS
            .get(number % TURNS.len())
            .copied()
            .unwrap_or(Survival::Synced);
        let image = cut(&disk, survival, &mut chance)?;
        let what = format!("cut {number}, after call {instant}, {}", survival.name());
        total.add(&what, judge.judge(&image, &mut chance)?);
        line.show(number + 1, "cuts");
    }
    total
        .findings
        .iter()
        .take(MAX_FINDINGS)
        .for_each(|finding| eprintln!("{finding}"));
    Ok(reading(cuts, calls.len(), &total))
}

/// After how many calls the power is cut, rising. Each call is as likely as any other.
fn instants(calls: &[Call], cuts: usize, chance: &mut Chance) -> Vec<usize> {
    let end = calls.len() as u64 + 1;
    let mut instants: Vec<usize> = (0..cuts).map(|_| chance.below(end) as usize).collect();
    instants.sort_unstable();
    instants
}

/// Makes sure that the log holds all that was done.
fn agree(disk: &Disk, state: &Path) -> Result<()> {
    let of = |image: Image| -> BTreeMap<_, _> {
        let files = image.0.into_iter();
        files
            .filter(|(path, _)| !path.to_string_lossy().ends_with(SHARED_MEMORY))
            .collect()
    };
    let (model, real) = (of(Image::seen(disk)?), of(Image::read(state)?));
    for path in model.keys().chain(real.keys()) {
        if model.get(path) != real.get(path) {
            bail!(
                "the log does not hold all that was done: {} is another file on the disk than in the model",
                path.display()
            );
        }
    }
    Ok(())
}

fn reading(cuts: usize, calls: usize, total: &Verdict) -> Reading {
    Reading {
        value: total.lost as f64,
        against: format!(
            "{cuts} cuts in a log of {calls} calls, half of them with only what was synced, half with chance deciding what else \
             had reached the disk; {} segments were acknowledged on these disks ({} with a row), {} recordings were played",
            total.acknowledged, total.rows, total.played
        ),
        samples: vec![total.lost as f64],
        besides: vec![
            Besides::none("hosts that did not start or stop", total.refused),
            Besides::none("rows without their whole segment", total.rows_without_segment),
            Besides::none("recordings unsound or not played by ffprobe", total.broken),
            Besides::none("files left over", total.left_over),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_rise_and_may_be_before_the_first_call_and_behind_the_last() {
        let calls = [Call::SyncEnd { thread: 1 }];
        let cuts = instants(&calls, 50, &mut Chance::new(1));
        assert!(cuts.is_sorted());
        assert_eq!((cuts.first(), cuts.last()), (Some(&0), Some(&1)));
    }

    #[test]
    fn a_call_that_is_missing_in_the_log_is_noticed() {
        let folder = super::super::recordings::tests::folder("agree");
        let made = folder.join("made");
        std::fs::create_dir_all(&made).unwrap();
        std::fs::write(folder.join("index.db-shm"), "whatever").unwrap();
        let place = strace::Place {
            from: None,
            path: made.clone(),
        };
        let mut disk = Disk::new(&folder);
        disk.apply(&Call::MakeDirectory { place }).unwrap();
        agree(&disk, &folder).unwrap();
        std::fs::write(made.join("a"), "b").unwrap();
        let error = agree(&disk, &folder).unwrap_err().to_string();
        assert!(error.contains("made/a"), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn everything_counts_against_it() {
        let bad = Verdict {
            lost: 1,
            refused: 1,
            rows_without_segment: 1,
            broken: 1,
            left_over: 1,
            ..Verdict::default()
        };
        let reading = reading(1, 1, &bad);
        assert!(reading.value > 0.0 && reading.besides.iter().all(|one| !one.met));
    }
}
