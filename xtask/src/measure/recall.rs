//! How well the demo sees what moves.

use anyhow::{Result, bail};

use super::{Context, Reading};
use crate::demo;

/// Runs the demo over one pass of its clip.
///
/// # Errors
/// When the demo does not run, or did not watch one movement to its end.
pub(super) fn run(_: &Context) -> Result<Reading> {
    let score = demo::motion::observe(&demo::Arguments::default(), false)?.score;
    if score.expected == 0 {
        bail!("the demo did not watch any movement to its end");
    }
    let value = (score.missed + score.false_events) as f64;
    Ok(Reading {
        value,
        against: format!(
            "{} movements drawn into the clip: {} missed, {} false events",
            score.expected, score.missed, score.false_events
        ),
        samples: vec![value],
        ..Reading::default()
    })
}
