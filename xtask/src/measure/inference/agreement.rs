//! Boxes of the component `object-detector` on a clip, against those of a reference that starts from the same file.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::super::{Context, Reading, fresh_folder};
use super::peer::{Peer, output};
use super::{CLIP, IOU, MODEL, THRESHOLD};

/// Percent of boxes.
pub(in crate::measure) const GOAL: f64 = 99.0;
/// Boxes this near to the threshold are not counted: which side they are on is chance.
const NEAR: f64 = 0.02;
/// Boxes match from this overlap on, if their scores differ by at most [`SCORES`].
const OVERLAP: f64 = 0.9;
const SCORES: f64 = 0.02;

/// A box that was found.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    area: [f64; 4],
    label: String,
    score: f64,
}

/// Compares all frames.
///
/// # Errors
/// When something is missing or fails, or one of both has seen other frames.
pub(in crate::measure) fn run(context: &Context) -> Result<Reading> {
    let (host, peer) = (context.host()?, Peer::ensure()?);
    let (model, clip) = (context.corpus_file(MODEL)?, context.corpus_file(CLIP)?);
    let theirs = reference(&peer, &model, &clip)?;
    let fast = peer.library()?;
    let ours = component(
        &host,
        &model,
        &clip,
        fast.to_str().context("a path is no text")?,
        theirs.len(),
    )?;
    let built_in = component(&host, &model, &clip, "off", theirs.len())?;
    let (fast, slow) = (agreement(&ours, &theirs), agreement(&built_in, &theirs));
    let value = fast.percent().min(slow.percent());
    Ok(Reading {
        value,
        against: format!(
            "onnxruntime and OpenCV in Python, {} frames: of {} boxes {} match with the same library, of {} boxes {} with what is built in",
            theirs.len(),
            fast.counted,
            fast.matched,
            slow.counted,
            slow.matched
        ),
        samples: vec![fast.percent(), slow.percent()],
        besides: Vec::new(),
    })
}

fn reference(peer: &Peer, model: &Path, clip: &Path) -> Result<Vec<Vec<Found>>> {
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a path is no text");
    let (threshold, iou) = (THRESHOLD.to_string(), IOU.to_string());
    let told = peer.run(&["detect", &text(model)?, &text(clip)?, &threshold, &iou])?;
    let frame = |line: &str| -> Result<Vec<Found>> {
        let frame: Value = serde_json::from_str(line)?;
        frame
            .get("boxes")
            .and_then(Value::as_array)
            .context("no boxes")?
            .iter()
            .map(theirs)
            .collect()
    };
    told.lines().map(frame).collect()
}

fn theirs(found: &Value) -> Result<Found> {
    let number = |place: usize| {
        let number = found.get(place).and_then(Value::as_f64);
        number.context("a box is no list of numbers")
    };
    let class = found
        .get(4)
        .and_then(Value::as_u64)
        .context("a class is no number")?;
    Ok(Found {
        area: [number(0)?, number(1)?, number(2)?, number(3)?],
        label: class.to_string(),
        score: number(5)?,
    })
}

/// What the component says, by frame. Its classes are given numbers for names, as the reference has them.
fn component(
    host: &Path,
    model: &Path,
    clip: &Path,
    library: &str,
    frames: usize,
) -> Result<Vec<Vec<Found>>> {
    let folder = fresh_folder("yolox-agreement")?;
    let config = folder.join("config.json");
    let classes: Vec<String> = (0..80).map(|class| class.to_string()).collect();
    let settings = json!({"classes": classes, "threshold": THRESHOLD, "iou": IOU, "maximumObjects": 500});
    std::fs::write(&config, settings.to_string())?;
    let mut command = Command::new(host);
    command.env("MEDIAGRAPH_ONNXRUNTIME", library);
    command
        .args([
            "extension",
            "test",
            "object-detector",
            "--timeout",
            "60",
            "--config",
        ])
        .arg(config);
    command
        .arg("--model")
        .arg(format!("objects={}", model.display()))
        .arg(clip);
    let golden: Value = serde_json::from_str(&output(&mut command)?)?;
    let shown = golden.get("shown").and_then(Value::as_u64);
    if shown != Some(frames as u64) {
        bail!("the component saw {shown:?} frames, the reference {frames}");
    }
    let mut all = vec![Vec::new(); frames];
    let said = golden.get("said").and_then(Value::as_array);
    for moment in said.context("nothing was said")? {
        let frame = moment
            .get("frame")
            .and_then(Value::as_u64)
            .context("a moment has no frame")?;
        let place = usize::try_from(frame)?
            .checked_sub(1)
            .and_then(|place| all.get_mut(place));
        let place = place.context("there is no such frame")?;
        if let Some(why) = moment.get("refused").and_then(Value::as_str) {
            bail!("the component refused frame {frame}: {why}");
        }
        let inferences = moment.get("inferences").and_then(Value::as_array);
        for one in inferences.into_iter().flatten() {
            place.push(ours(one.get("entity").context("an inference is no entity")?)?);
        }
    }
    Ok(all)
}

fn ours(entity: &Value) -> Result<Found> {
    let at = |pointer: &str| entity.pointer(pointer);
    let number = |pointer: &str| at(pointer).and_then(Value::as_f64);
    let side = |pointer: &str| number(pointer).context("an entity has no box");
    Ok(Found {
        area: [side("/box/l")?, side("/box/t")?, side("/box/w")?, side("/box/h")?],
        label: at("/tag/value")
            .and_then(Value::as_str)
            .context("an entity has no name")?
            .to_owned(),
        score: number("/tag/confidence").context("an entity has no score")?,
    })
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Agreement {
    /// Boxes of either.
    counted: usize,
    /// Those of them that the other has as well.
    matched: usize,
}

impl Agreement {
    fn percent(self) -> f64 {
        if self.counted == 0 {
            return 0.0;
        }
        100.0 * self.matched as f64 / self.counted as f64
    }
}

/// How many boxes of either side the other has as well.
fn agreement(ours: &[Vec<Found>], theirs: &[Vec<Found>]) -> Agreement {
    let mut all = Agreement::default();
    for (ours, theirs) in ours.iter().zip(theirs) {
        for (side, other) in [(ours, theirs), (theirs, ours)] {
            let mut left: Vec<&Found> = other.iter().collect();
            for found in side {
                let place = left.iter().position(|other| matches(found, other));
                let matched = place.map(|place| left.swap_remove(place)).is_some();
                all.counted += usize::from(counts(found));
                all.matched += usize::from(counts(found) && matched);
            }
        }
    }
    all
}

fn counts(found: &Found) -> bool {
    (found.score - THRESHOLD).abs() > NEAR
}

fn matches(one: &Found, other: &Found) -> bool {
    one.label == other.label
        && (one.score - other.score).abs() <= SCORES
        && overlap(one.area, other.area) >= OVERLAP
}

fn overlap([left, top, width, height]: [f64; 4], [x, y, w, h]: [f64; 4]) -> f64 {
    let across = ((left + width).min(x + w) - left.max(x)).max(0.0);
    let down = ((top + height).min(y + h) - top.max(y)).max(0.0);
    let common = across * down;
    common / (width * height + w * h - common)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(left: f64, score: f64) -> Found {
        Found {
            area: [left, 0.0, 0.5, 0.5],
            label: "7".into(),
            score,
        }
    }

    #[test]
    fn boxes_of_both_sides_are_counted_but_not_those_at_the_threshold() {
        let (ours, theirs) = (vec![found(0.0, 0.9), found(0.5, 0.31)], vec![found(0.01, 0.89)]);
        let all = agreement(&[ours], &[theirs]);
        assert_eq!(
            all,
            Agreement {
                counted: 2,
                matched: 2
            }
        );
        for other in [
            found(0.1, 0.9),
            found(0.0, 0.8),
            Found {
                label: "2".into(),
                ..found(0.0, 0.9)
            },
        ] {
            let all = agreement(&[vec![found(0.0, 0.9)]], &[vec![other]]);
            assert_eq!(
                (all, all.percent()),
                (
                    Agreement {
                        counted: 2,
                        matched: 0
                    },
                    0.0
                )
            );
        }
        assert_eq!(
            agreement(&[Vec::new()], &[Vec::new()]).percent(),
            0.0,
            "nothing found is no agreement"
        );
    }

    #[test]
    fn a_box_matches_once() {
        let twice = vec![found(0.0, 0.9), found(0.0, 0.9)];
        let all = agreement(&[twice], &[vec![found(0.0, 0.9)]]);
        assert_eq!(
            all,
            Agreement {
                counted: 3,
                matched: 2
            }
        );
    }
}
