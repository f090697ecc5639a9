//! Whether ledger, index, disk and playlists say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mediagraph::media::{MediaTime, TICKS_PER_SECOND, TrackKind};
use mediagraph::recording::asset::name::SEGMENT;
use mediagraph::recording::index::{AssetRow, Gap, GapReason, SegmentRow};
use mediagraph::recording::verify::verify;

use super::cameras::Camera;
use super::recorder::Recorder;
use super::{Result, always};

/// Findings that are told; more are counted only.
const MAX_FINDINGS: usize = 20;
/// How much later the end of what is recorded may be than the clock: the last picture is as long as the one before.
const END_TOLERANCE: u64 = TICKS_PER_SECOND as u64 / 2;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) disagreements: u64,
    /// Fragments that were given to the recorder.
    pub(crate) fragments: u64,
    /// Those that are there.
    pub(crate) kept: u64,
    /// Those that went because they were old.
    pub(crate) dropped: u64,
    /// Those that crashes cost.
    pub(crate) crashed: u64,
    pub(crate) recordings: u64,
    pub(crate) findings: Vec<String>,
}

impl Verdict {
    fn tell(&mut self, what: String) {
        self.disagreements += 1;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(what);
        }
    }
}

/// Compares everything with everything. Nobody records any more.
pub(crate) fn judge(recorder: &Recorder, cameras: &[Camera], now: MediaTime) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let rows: BTreeMap<String, AssetRow> = recorder
        .index()
        .assets()?
        .into_iter()
        .map(|asset| (asset.name.clone(), asset))
        .collect();
    for camera in cameras {
        for (asset, starts) in camera.ledger() {
            let Some(row) = rows.get(asset) else {
                verdict.tell(format!("{asset} is not in the index"));
                continue;
            };
            judge_asset(recorder, row, starts, &mut verdict)?;
            if camera.is_continuous() {
                judge_end(recorder, row, now, &mut verdict)?;
            }
        }
    }
    judge_leftovers(recorder, &rows, &mut verdict)?;
    Ok(verdict)
}

fn judge_asset(recorder: &Recorder, row: &AssetRow, starts: &[u64], verdict: &mut Verdict) -> Result<()> {
    let index = recorder.index();
    let segments = index.segments(row.id, always())?;
    let gaps = index.gaps(row.id, always())?;
    let mut there = BTreeSet::new();
    for segment in &segments {
        for fragment in index.fragments(segment.id)? {
            if fragment.kind == TrackKind::Video && !there.insert(fragment.start) {
                verdict.tell(format!("{}: {} is there twice", row.name, fragment.start));
            }
        }
    }
    let mut dropped = 0;
    for start in starts {
        verdict.fragments += 1;
        match (there.remove(start), gap_at(&gaps, *start).map(|gap| gap.reason)) {
            (true, None) => verdict.kept += 1,
            (false, Some(GapReason::Retention)) => dropped += 1,
            (false, Some(GapReason::Crash)) => verdict.crashed += 1,
            (found, reason) => verdict.tell(format!(
                "{}: the fragment at {} is {}, gap: {reason:?}",
                row.name,
                MediaTime::from_ticks(*start).iso(),
                if found { "there" } else { "not there" }
            )),
        }
    }
    if let Some(start) = there.first() {
        verdict.tell(format!(
            "{}: {} fragments that nobody sent, from {start} on",
            row.name,
            there.len()
        ));
    }
    let told: u64 = gaps
        .iter()
        .filter(|gap| gap.reason == GapReason::Retention)
        .map(|gap| gap.fragments)
        .sum();
    if told != dropped {
        verdict.tell(format!(
            "{}: gaps tell of {told} dropped fragments, {dropped} were",
            row.name
        ));
    }
    verdict.dropped += dropped;
    judge_disk(&recorder.assets().join(&row.name), row, &segments, verdict)
}

fn gap_at(gaps: &[Gap], at: u64) -> Option<&Gap> {
    gaps.iter()
        .find(|gap| gap.start.ticks() <= at && at < gap.end.ticks())
}

/// The folder holds the segments of the index, and its playlists list them.
fn judge_disk(folder: &Path, row: &AssetRow, segments: &[SegmentRow], verdict: &mut Verdict) -> Result<()> {
    let mut wanted: BTreeMap<String, u64> = segments
        .iter()
        .map(|segment| (segment.name.file(SEGMENT), segment.bytes))
        .collect();
    for path in files(folder)? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !name.ends_with(SEGMENT) {
            continue;
        }
        match wanted.remove(&name) {
            Some(bytes) if std::fs::metadata(&path)?.len() == bytes => {}
            Some(_) => verdict.tell(format!("{}/{name} has another size than its row says", row.name)),
            None => verdict.tell(format!("{}/{name} has no row", row.name)),
        }
    }
    for name in wanted.keys() {
        verdict.tell(format!("{}/{name} has a row and is not there", row.name));
    }
    if segments.is_empty() {
        return Ok(());
    }
    verdict.recordings += 1;
    let report = verify(folder)?;
    for problem in report.problems {
        verdict.tell(format!("{}: {problem}", row.name));
    }
    Ok(())
}

/// The recording has not drifted away from the clock.
fn judge_end(recorder: &Recorder, row: &AssetRow, now: MediaTime, verdict: &mut Verdict) -> Result<()> {
    let end = recorder.index().last_end(row.id)?.unwrap_or_default();
    let away = end.ticks().abs_diff(now.ticks());
    if away > END_TOLERANCE {
        let seconds = away / TICKS_PER_SECOND.unsigned_abs();
        verdict.tell(format!(
            "{}: its end is {seconds} s away from the clock",
            row.name
        ));
    }
    Ok(())
}

/// Nothing is in the cache any more, and the store has no recording that the index does not know.
fn judge_leftovers(
    recorder: &Recorder,
    rows: &BTreeMap<String, AssetRow>,
    verdict: &mut Verdict,
) -> Result<()> {
    for path in files(recorder.cache_folder())? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.contains(".m4s") || name.ends_with(".tmp") {
            verdict.tell(format!("left in the cache: {}", path.display()));
        }
    }
    for entry in std::fs::read_dir(recorder.assets())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !rows.contains_key(&name) {
            verdict.tell(format!("the store has {name}, which is not in the index"));
        }
    }
    Ok(())
}

/// Every file below a folder; none when there is no folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = waiting.pop() {
        if !folder.exists() {
            continue;
        }
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path);
            }
        }
    }
    Ok(found)
}
