//! How well the built-in motion detector tells when something moves, beside ffmpeg's scene filter and GStreamer's
//! `motioncells` at the settings that are best for each clip.

mod detectors;
mod score;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use self::score::{Labels, Score, best, deficit, scores};
use super::{Besides, Context, Reading, fresh_folder};
use crate::clip;
use crate::clip::truth::Truth;
use crate::clip::weather::WEATHERS;

/// What a person saw in recordings of the corpus, which cannot be part of the project.
const LABELS: &str = include_str!("labels.json");
/// Seconds around the ends of movements that do not count: of those that are drawn, and of those that a person labelled.
const DRAWN_MARGIN: f64 = 0.3;
const SEEN_MARGIN: f64 = 0.5;
/// The detector says nothing in its first second.
const LEARNING: f64 = 1.0;

#[derive(Debug, Deserialize)]
struct Labelled {
    file: String,
    movements: Vec<(f64, f64)>,
}

#[derive(Debug)]
struct Clip {
    name: String,
    path: PathBuf,
    labels: Labels,
}

/// What came of one clip.
#[derive(Debug)]
struct Outcome {
    name: String,
    default: f64,
    ours: Score,
    theirs: Score,
    deficit: f64,
}

/// Compares on each clip.
///
/// # Errors
/// Without `ffmpeg` or GStreamer's `motioncells`, or when they fail.
pub(super) fn run(context: &Context) -> Result<Reading> {
    let mut clips = vec![yard()?];
    clips.extend(drawn()?);
    clips.extend(recorded(context)?);
    let most = context.rounds.unwrap_or(usize::MAX);
    let mut outcomes = Vec::new();
    for clip in clips.iter().take(most) {
        let outcome = compare(clip)?;
        eprintln!("{}", outcome.line());
        outcomes.push(outcome);
    }
    Ok(reading(&outcomes))
}

fn labels(truth: &Truth) -> Labels {
    Labels {
        seconds: truth.seconds,
        movements: truth.movements.iter().map(|one| (one.start, one.end)).collect(),
        margin: DRAWN_MARGIN,
        learning: LEARNING,
    }
}

fn yard() -> Result<Clip> {
    Ok(Clip {
        name: "yard".into(),
        path: clip::file(),
        labels: labels(&Truth::read(&clip::truth_file())?),
    })
}

fn drawn() -> Result<Vec<Clip>> {
    let folder = fresh_folder("motion-quality")?;
    let draw = |weather: &clip::weather::Weather| {
        let path = folder.join(format!("{}.mp4", weather.name));
        let truth = weather.render(&path)?;
        Ok(Clip {
            name: weather.name.to_owned(),
            path,
            labels: labels(&truth),
        })
    };
    WEATHERS.iter().map(draw).collect()
}

fn recorded(context: &Context) -> Result<Vec<Clip>> {
    if context.corpus.is_none() {
        return Ok(Vec::new());
    }
    let listed: Vec<Labelled> = serde_json::from_str(LABELS)?;
    let clip = |labelled: Labelled| {
        let path = context.corpus_file(&format!("media/{}", labelled.file))?;
        Ok(Clip {
            labels: Labels {
                seconds: seconds(&path)?,
                movements: labelled.movements,
                margin: SEEN_MARGIN,
                learning: LEARNING,
            },
            name: labelled.file,
            path,
        })
    };
    listed.into_iter().map(clip).collect()
}

fn seconds(path: &Path) -> Result<f64> {
    let mut probe = std::process::Command::new("ffprobe");
    probe.args([
        "-v",
        "error",
        "-show_entries",
        "format=duration",
        "-of",
        "csv=p=0",
    ]);
    let output = probe.arg(path).output().context("cannot start ffprobe")?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .with_context(|| format!("ffprobe does not know how long {} is", path.display()))
}

fn compare(clip: &Clip) -> Result<Outcome> {
    let seen = detectors::ours(&clip.path)?;
    let default: Vec<_> = seen.iter().take(1).cloned().collect();
    let ours = scores(&clip.labels, &seen);
    let mut theirs = scores(&clip.labels, &detectors::scene(&clip.path)?);
    theirs.extend(scores(&clip.labels, &detectors::cells(&clip.path)?));
    let default = scores(&clip.labels, &default);
    Ok(Outcome {
        name: clip.name.clone(),
        default: best(&default).map_or(0.0, Score::f1),
        deficit: deficit(&ours, &theirs),
        ours: best(&ours).context("our detector has no setting")?.clone(),
        theirs: best(&theirs).context("theirs have no setting")?.clone(),
    })
}

impl Outcome {
    fn line(&self) -> String {
        format!(
            "{}: F1 {:.3} ({}; medium {:.3}), theirs {:.3} ({}); recall at equal precision {:+.3}",
            self.name,
            self.ours.f1(),
            self.ours.setting,
            self.default,
            self.theirs.f1(),
            self.theirs.setting,
            -self.deficit,
        )
    }
}

fn reading(outcomes: &[Outcome]) -> Reading {
    let behind: Vec<f64> = outcomes
        .iter()
        .map(|one| one.theirs.f1() - one.ours.f1())
        .collect();
    let most = |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let deficit = most(&outcomes.iter().map(|one| one.deficit).collect::<Vec<_>>());
    let lines: Vec<String> = outcomes.iter().map(Outcome::line).collect();
    Reading {
        value: most(&behind),
        against: lines.join("; "),
        samples: behind,
        besides: vec![Besides {
            name: "recall behind theirs at equal precision, on the worst clip",
            value: deficit,
            unit: "share",
            goal: 0.0,
            met: deficit <= 0.0,
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_labels_are_in_order_and_name_files_only() {
        let listed: Vec<Labelled> = serde_json::from_str(LABELS).unwrap();
        assert!(listed.len() >= 2);
        for labelled in listed {
            assert!(!labelled.file.contains('/'), "{}", labelled.file);
            for (start, end) in &labelled.movements {
                assert!(start < end, "{labelled:?}");
            }
            for pair in labelled.movements.windows(2) {
                assert!(pair[0].1 < pair[1].0, "{labelled:?}");
            }
        }
    }
}
