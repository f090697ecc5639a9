//! What the ledger, the container, the index and the cameras say, beside what the host shows.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::ON_ITS_WAY_S;
use super::boxes::Fragment;
use super::judge::{Shown, Verdict, differing, joined};
use super::trial::Trial;
use crate::measure::kill9::pictures;
use crate::time::{self, TICKS};

/// Why media is missing that was dropped from a full cache.
const CACHE_FULL: &str = "cacheFull";
/// Pictures a second.
const RATE: f64 = 25.0;
/// Findings that are told; more are counted only.
const MAX_FINDINGS: usize = 20;

/// The fragments that the index counts as dropped from a full cache, by asset.
const SCRIPT: &str = r#"
import sqlite3, sys
for name, fragments in sqlite3.connect(sys.argv[1]).execute(
        "SELECT asset.name, sum(gap.fragments) FROM gap JOIN asset ON asset.id = gap.asset"
        " WHERE reason = 'cacheFull' GROUP BY asset.name"):
    print(name, fragments)
"#;

impl Trial {
    /// The gaps, camera by camera.
    pub(super) fn judge_gaps(&self, verdict: &mut Verdict) -> Result<()> {
        let counted = counted(&self.state)?;
        for camera in &self.cameras {
            let of = |kept: bool| -> Vec<Fragment> {
                let segments = self.ledger.of(camera.name).filter(|(_, one)| one.kept == kept);
                segments.flat_map(|(_, one)| one.fragments.clone()).collect()
            };
            let (kept, dropped) = (of(true), of(false));
            let shown = self.shown(camera.name)?;
            let differs = differing(&dropped, &kept, &shown);
            let prefix = format!("{}-", camera.name);
            let own = counted.iter().filter(|(asset, _)| asset.starts_with(&prefix));
            let counted: u64 = own.map(|(_, fragments)| *fragments).sum();
            verdict.differing += differs;
            verdict.miscounted += counted.abs_diff(dropped.len() as u64);
            verdict.fragments += (kept.len() + dropped.len()) as u64;
            verdict.dropped += dropped.len() as u64;
            verdict.dropped_segments +=
                self.ledger.of(camera.name).filter(|(_, one)| !one.kept).count() as u64;
            verdict.gaps += shown.len() as u64;
            if differs > 0 || counted != dropped.len() as u64 {
                tell(
                    verdict,
                    format!(
                        "{}: {} fragments were dropped and {} kept; the gaps shown differ by {differs}, the index counts {counted}",
                        camera.name,
                        dropped.len(),
                        kept.len()
                    ),
                );
            }
        }
        Ok(())
    }

    /// The gaps of a camera that `mediagraph coverage` explains with a full cache.
    fn shown(&self, camera: &str) -> Result<Vec<Shown>> {
        let output = Command::new(&self.binary)
            .args([
                "coverage",
                "--json",
                "--since",
                "1d",
                "--instance",
                camera,
                "--state-dir",
            ])
            .arg(&self.state)
            .output()
            .context("cannot run `mediagraph coverage`")?;
        let answer: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            format!(
                "`mediagraph coverage`: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })?;
        shown(&answer)
    }

    /// The playlists of the container list what it holds.
    pub(super) fn judge_playlists(&self, verdict: &mut Verdict) -> Result<()> {
        let names = self.azurite.list()?;
        let mut listed = BTreeSet::new();
        for name in names.keys().filter(|name| name.ends_with(".video.m3u8")) {
            let text = self.azurite.get(name)?;
            let asset = name.split('/').next().unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            let entries = text.lines().filter(|line| line.ends_with(".m4s"));
            listed.extend(entries.map(|entry| format!("{asset}/{entry}")));
        }
        let there = names.into_keys().filter(|name| name.ends_with(".m4s")).collect();
        for name in listed.symmetric_difference(&there) {
            verdict.unlisted += 1;
            tell(
                verdict,
                format!("{name} is in the container or in its playlist, and not in both"),
            );
        }
        Ok(())
    }

    /// Whatever the cameras sent was sealed, but for the end of each session.
    pub(super) fn judge_pictures(&self, verdict: &mut Verdict) -> Result<()> {
        for camera in &self.cameras {
            let sent = pictures(&std::fs::read_to_string(&camera.ledger)?);
            let sessions = sent.chunk_by(|a, b| a.session == b.session).count();
            let fragments = self.ledger.of(camera.name).flat_map(|(_, one)| &one.fragments);
            let recorded: u64 = fragments.map(|fragment| fragment.pictures).sum();
            let on_their_way = (sessions as f64 * ON_ITS_WAY_S * RATE).ceil() as u64;
            let missing = (sent.len() as u64).saturating_sub(recorded);
            if missing > on_their_way {
                verdict.missing += missing - on_their_way;
                tell(
                    verdict,
                    format!("{}: {missing} pictures are in no segment", camera.name),
                );
            }
        }
        Ok(())
    }
}

fn tell(verdict: &mut Verdict, finding: String) {
    if verdict.findings.len() < MAX_FINDINGS {
        verdict.findings.push(finding);
    }
}

/// The gaps of an answer of `coverage` that a full cache explains.
fn shown(answer: &Value) -> Result<Vec<Shown>> {
    fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
        value.get(name).and_then(Value::as_array).into_iter().flatten()
    }
    let at = |gap: &Value, name: &str| {
        let text = gap.get(name).and_then(Value::as_str);
        let seconds = text.and_then(time::parse_iso);
        seconds
            .map(|seconds| (seconds * TICKS).round() as u64)
            .context("a gap without a moment")
    };
    let mut found = Vec::new();
    for day in list(answer, "cameras").flat_map(|camera| list(camera, "days")) {
        if day.get("moreGaps").and_then(Value::as_u64).unwrap_or(0) > 0 {
            bail!("a day has more gaps than `mediagraph coverage` shows");
        }
        for gap in list(day, "gaps") {
            if gap.get("cause").and_then(Value::as_str) == Some(CACHE_FULL) {
                let (start, end) = (at(gap, "start")?, at(gap, "end")?);
                found.push(Shown { start, end });
            }
        }
    }
    Ok(joined(found))
}

/// What the index counts, read by another SQLite than the host's own.
fn counted(state: &Path) -> Result<Vec<(String, u64)>> {
    let output = Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(state.join("index.db"))
        .output()
        .context("cannot run `python3`\nhint: apt-get install python3")?;
    if !output.status.success() {
        bail!(
            "the index cannot be read: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let row = |line: &str| {
        let (asset, fragments) = line.rsplit_once(' ')?;
        Some((asset.to_owned(), fragments.parse().ok()?))
    };
    let rows = text
        .lines()
        .map(|line| row(line).with_context(|| format!("the row {line}")));
    rows.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_gaps_of_all_days_are_those_of_a_full_cache() {
        let gap = |start: &str, end: &str, cause: &str| json!({"start": start, "end": end, "cause": cause});
        let day = |gaps: Value, more: u64| json!({"gaps": gaps, "moreGaps": more});
        let answer = |more| {
            let first = json!([
                gap(
                    "1970-01-01T10:00:00.000Z",
                    "1970-01-01T11:00:00.000Z",
                    "notRecorded"
                ),
                gap("1970-01-01T23:00:00.500Z", "1970-01-02T00:00:00.000Z", CACHE_FULL),
            ]);
            let second = json!([gap(
                "1970-01-02T00:00:00.000Z",
                "1970-01-02T00:00:01.000Z",
                CACHE_FULL
            )]);
            json!({"cameras": [{"days": [day(first, 0), day(second, more)]}]})
        };
        let whole = Shown {
            start: (23 * 3600) * 90_000 + 45_000,
            end: (24 * 3600 + 1) * 90_000,
        };
        assert_eq!(shown(&answer(0)).unwrap(), [whole]);
        assert!(shown(&answer(1)).is_err());
    }
}
