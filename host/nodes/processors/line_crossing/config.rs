//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Counts the objects that cross lines.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LineCrossing {
    /// The lines.
    #[schemars(length(min = 1, max = 64))]
    pub lines: Vec<NamedLine>,
}

impl LineCrossing {
    /// As the component `line-crossing` is configured.
    #[must_use]
    pub fn component_config(&self) -> Value {
        let lines = self.lines.iter().map(|NamedLine::Text(line)| {
            // Validation has found the ends; the component refuses a line without them.
            json!({"name": line.name, "line": line.ends()})
        });
        json!({"lines": lines.collect::<Vec<_>>()})
    }
}

/// A line in the picture.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "@type")]
pub enum NamedLine {
    /// As text.
    #[serde(rename = "#Microsoft.VideoAnalyzer.NamedLineString")]
    Text(NamedLineText),
}

/// A line as text.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedLineText {
    /// What events call it.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// Both ends, in fractions of the picture from its left top corner: `[[0.1, 0.5], [0.9, 0.5]]`.
    #[schemars(length(min = 1, max = 256))]
    pub line: String,
}

impl NamedLineText {
    /// Both ends; none when the text is not a line within the picture.
    #[must_use]
    pub fn ends(&self) -> Option<[[f64; 2]; 2]> {
        let ends: [[f64; 2]; 2] = serde_json::from_str(&self.line).ok()?;
        let within = ends.iter().flatten().all(|at| (0.0..=1.0).contains(at));
        let [from, to] = ends;
        (within && from != to).then_some(ends)
    }
}
