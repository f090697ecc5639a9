//! What the demo prints at its end.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

use super::asset::{Clip, ClipJson};
use super::event::Event;
use super::motion::Outcome;
use super::score::Score;
use crate::time;

#[derive(Serialize)]
struct Report<'a> {
    clips: Vec<ClipJson<'a>>,
    events: Vec<&'a Value>,
    movements: &'a Score,
    missed: usize,
    #[serde(rename = "false")]
    false_events: usize,
}

/// One JSON object, and nothing else, on standard output.
///
/// # Errors
/// When it cannot be written as JSON.
pub(super) fn print_json(outcome: &Outcome) -> Result<()> {
    let report = Report {
        clips: outcome.clips.iter().map(Clip::json).collect(),
        events: outcome.events.iter().map(Event::json).collect(),
        movements: &outcome.score,
        missed: outcome.score.missed,
        false_events: outcome.score.false_events,
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

/// A table of the clips and a sentence about the movements.
pub(super) fn print_text(outcome: &Outcome, output: &Path) {
    println!("\n{}", table(&outcome.clips));
    println!("{}", sentence(&outcome.score));
    if !outcome.clips.is_empty() {
        println!("the clips are in {}", output.join("state/assets").display());
    }
}

/// A line for each clip, and one for each problem.
pub(super) fn table(clips: &[Clip]) -> String {
    let mut rows = vec![["asset", "start (UTC)", "length", "size", "triggered by"].map(str::to_owned)];
    let mut problems = String::new();
    for clip in clips {
        rows.push([
            clip.name.clone(),
            time::clock(clip.start),
            format!("{:.1} s", clip.seconds),
            format!("{} KiB", clip.bytes.div_ceil(1024)),
            clip.trigger
                .as_ref()
                .map_or_else(|| "nothing".to_owned(), ToString::to_string),
        ]);
        for problem in &clip.problems {
            problems.push_str(&format!("broken: {}: {problem}\n", clip.name));
        }
    }
    let mut text = String::new();
    let widths: Vec<usize> = (0..5)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text + &problems
}

fn sentence(score: &Score) -> String {
    let mut text = format!("{} of {} movements caught", score.caught, score.expected);
    text.push_str(&format!(", {} false events\n", score.false_events));
    for seen in score.missed_ones() {
        text.push_str(&format!("missed: {seen}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(name: &str, problems: &str) -> Clip {
        Clip::parse(&format!(
            r#"{{"name":"{name}","start":"1970-01-01T00:01:40Z","duration":8.04,"bytes":2049,"problems":[{problems}]}}"#
        ))
        .unwrap()
    }

    #[test]
    fn the_table_names_each_clip_and_each_problem() {
        let expected = "\
asset      start (UTC)   length  size   triggered by
a          00:01:40.000  8.0 s   3 KiB  nothing
long-name  00:01:40.000  8.0 s   3 KiB  nothing
broken: long-name: the audio ends early
";
        assert_eq!(
            table(&[clip("a", ""), clip("long-name", "\"the audio ends early\"")]),
            expected
        );
    }
}
