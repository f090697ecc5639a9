//! The configuration as JSON.

use serde::Deserialize;
use shapes::{Focus, Line, MAX_SHAPES};
use track_core::{LineCounter, NamedLine};

/// JSON Schema of the configuration.
pub const SCHEMA: &str = include_str!("../config.schema.json");

/// A hundredth of the picture: boxes tremble by less.
const DEFAULT_MARGIN: f32 = 0.01;
const MAX_MARGIN: f32 = 0.25;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    lines: Vec<WrittenLine>,
    #[serde(default)]
    focus: Option<Focus>,
    #[serde(default)]
    margin: Option<f32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLine {
    name: String,
    line: Line,
}

/// Reads and checks a configuration, and gives a counter at zero.
///
/// # Errors
/// Names the setting, what is wrong with it and what it may be.
pub fn parse(json: &str) -> Result<LineCounter, String> {
    let written: Written =
        serde_json::from_str(json).map_err(|error| format!("the configuration cannot be read: {error}"))?;
    if !(1..=MAX_SHAPES).contains(&written.lines.len()) {
        return Err(format!(
            "lines are {}; there may be 1 to {MAX_SHAPES}",
            written.lines.len()
        ));
    }
    let margin = written.margin.unwrap_or(DEFAULT_MARGIN);
    if !(0.0..=MAX_MARGIN).contains(&margin) {
        return Err(format!("margin is {margin}; it may be 0 to {MAX_MARGIN}"));
    }
    let lines = written.lines.into_iter().map(|written| NamedLine {
        name: written.name,
        line: written.line,
    });
    Ok(LineCounter::new(
        lines.collect(),
        written.focus.unwrap_or_default(),
        margin,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let counter = parse(
            r#"{"lines": [{"name": "door", "line": [[0.1, 0.5], [0.9, 0.5]]}], "focus": "bottomCenter", "margin": 0}"#,
        )
        .unwrap();
        assert_eq!(counter.lines()[0].name, "door");
    }

    #[test]
    fn an_error_names_what_is_wrong() {
        for (json, part) in [
            ("{}", "missing field `lines`"),
            (r#"{"lines": []}"#, "there may be 1 to 64"),
            (
                r#"{"lines": [{"name": "a", "line": [[0, 0], [2, 0]]}]}"#,
                "[2, 0] lies outside",
            ),
            (
                r#"{"lines": [{"name": "a", "line": [[0, 0], [0, 0]]}]}"#,
                "must have a length",
            ),
            (r#"{"lines": [{"name": "a", "line": null}]}"#, "cannot be read"),
            (
                r#"{"lines": [{"name": "a", "line": [[0, 0], [1, 0]]}], "margin": 1}"#,
                "margin is 1",
            ),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
