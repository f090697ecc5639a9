//! The configuration as JSON.

use serde::Deserialize;
use track_core::{TICKS_PER_SECOND, TrackerConfig};

/// JSON Schema of the configuration.
pub const SCHEMA: &str = include_str!("../config.schema.json");

const DEFAULT_GAP: u64 = 2 * TICKS_PER_SECOND;
const MAX_GAP: u64 = 60 * TICKS_PER_SECOND;
const DEFAULT_CONFIDENCE: f32 = 0.5;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    maximum_gap: Option<String>,
    #[serde(default)]
    minimum_confidence: Option<f32>,
}

/// Reads and checks a configuration; an empty text means the defaults.
///
/// # Errors
/// Names the setting, what is wrong with it and what it may be.
pub fn parse(json: &str) -> Result<TrackerConfig, String> {
    let written: Written = if json.trim().is_empty() {
        Written::default()
    } else {
        serde_json::from_str(json).map_err(|error| format!("the configuration cannot be read: {error}"))?
    };
    let new_confidence = written.minimum_confidence.unwrap_or(DEFAULT_CONFIDENCE);
    if !(0.0..=1.0).contains(&new_confidence) {
        return Err(format!("minimumConfidence is {new_confidence}; it may be 0 to 1"));
    }
    Ok(TrackerConfig {
        maximum_gap: gap(written.maximum_gap)?,
        new_confidence,
    })
}

fn gap(text: Option<String>) -> Result<u64, String> {
    const NAME: &str = "maximumGap";
    let Some(text) = text else { return Ok(DEFAULT_GAP) };
    let ticks = iso_duration::parse(&text).map_err(|why| format!("{NAME}: {why}"))?;
    u64::try_from(ticks)
        .ok()
        .filter(|ticks| *ticks <= MAX_GAP)
        .ok_or_else(|| format!("{NAME} is `{text}`; it may be `PT0S` to `PT1M`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_the_defaults_and_settings_are_read() {
        let defaults = TrackerConfig {
            maximum_gap: 180_000,
            new_confidence: 0.5,
        };
        for json in ["", "{}", r#"{"maximumGap": null}"#] {
            assert_eq!(parse(json), Ok(defaults), "{json}");
        }
        let read = parse(r#"{"maximumGap": "PT0.5S", "minimumConfidence": 0.25}"#).unwrap();
        assert_eq!((read.maximum_gap, read.new_confidence), (45_000, 0.25));
    }

    #[test]
    fn an_error_names_the_setting() {
        for (json, part) in [
            (r#"{"maximumGap": "PT2M"}"#, "it may be `PT0S` to `PT1M`"),
            (r#"{"maximumGap": "2s"}"#, "maximumGap: `2s` is no ISO 8601"),
            (r#"{"minimumConfidence": 2}"#, "minimumConfidence is 2"),
            (r#"{"gap": 1}"#, "unknown field `gap`"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
