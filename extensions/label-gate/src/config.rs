//! The configuration as JSON.

use label_core::{Condition, Config, TICKS_PER_SECOND};
use serde::Deserialize;
use shapes::{Focus, MAX_SHAPES, Zone};

/// JSON Schema of the configuration. Ranges that a schema cannot state of a duration are checked by [`parse`].
pub const SCHEMA: &str = include_str!("../config.schema.json");

const SECOND: i64 = TICKS_PER_SECOND as i64;
const HOUR: i64 = 3600 * SECOND;
/// Names in one list.
const MAX_NAMES: usize = 256;
/// Things that may be asked for at once.
const MAX_COUNT: usize = 1000;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    when: Option<When>,
    #[serde(default)]
    start_events: Option<Vec<String>>,
    #[serde(default)]
    stop_events: Option<Vec<String>>,
    #[serde(default)]
    activation_signal_offset: Option<String>,
    #[serde(default)]
    minimum_activation_time: Option<String>,
    #[serde(default)]
    maximum_activation_time: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct When {
    #[serde(default)]
    labels: Option<Vec<String>>,
    #[serde(default)]
    minimum_confidence: Option<f32>,
    #[serde(default)]
    zones: Option<Vec<Zone>>,
    #[serde(default)]
    focus: Option<Focus>,
    #[serde(default)]
    minimum_count: Option<usize>,
    #[serde(default)]
    minimum_dwell: Option<String>,
    #[serde(default)]
    maximum_gap: Option<String>,
}

/// Reads and checks a configuration.
///
/// # Errors
/// Names the setting, what is wrong with it and what it may be.
pub fn parse(json: &str) -> Result<Config, String> {
    let written: Written =
        serde_json::from_str(json).map_err(|error| format!("the configuration cannot be read: {error}"))?;
    let condition = written.when.map(condition).transpose()?;
    let start_events = names("startEvents", written.start_events)?;
    if condition.is_none() && start_events.is_empty() {
        return Err("nothing can open this gate: write `when`, such as {}, or `startEvents`".into());
    }
    let offset = duration(
        "activationSignalOffset",
        written.activation_signal_offset,
        0,
        (-60 * SECOND, 0),
    )?;
    let range = (SECOND, HOUR);
    let minimum = duration(
        "minimumActivationTime",
        written.minimum_activation_time,
        30 * SECOND,
        range,
    )?;
    let maximum = duration(
        "maximumActivationTime",
        written.maximum_activation_time,
        minimum.max(300 * SECOND),
        range,
    )?;
    if maximum < minimum {
        return Err(
            "maximumActivationTime is shorter than minimumActivationTime; make it at least as long".into(),
        );
    }
    Ok(Config {
        condition,
        start_events,
        stop_events: names("stopEvents", written.stop_events)?,
        pre_roll: offset.unsigned_abs(),
        minimum: minimum.unsigned_abs(),
        maximum: maximum.unsigned_abs(),
    })
}

fn condition(when: When) -> Result<Condition, String> {
    let minimum_confidence = when.minimum_confidence.unwrap_or(0.0);
    if !(0.0..=1.0).contains(&minimum_confidence) {
        return Err(format!(
            "minimumConfidence is {minimum_confidence}; it may be 0 to 1"
        ));
    }
    let minimum_count = when.minimum_count.unwrap_or(1);
    if !(1..=MAX_COUNT).contains(&minimum_count) {
        return Err(format!(
            "minimumCount is {minimum_count}; it may be 1 to {MAX_COUNT}"
        ));
    }
    let zones = when.zones.unwrap_or_default();
    if zones.len() > MAX_SHAPES {
        return Err(format!("zones are {}; there may be {MAX_SHAPES}", zones.len()));
    }
    let minute = (0, 60 * SECOND);
    // Longer would be more media than a gate holds.
    let dwell = duration("minimumDwell", when.minimum_dwell, 0, minute)?;
    let gap = duration("maximumGap", when.maximum_gap, 2 * SECOND, minute)?;
    Ok(Condition {
        labels: names("labels", when.labels)?,
        minimum_confidence,
        zones,
        focus: when.focus.unwrap_or_default(),
        minimum_count,
        minimum_dwell: dwell.unsigned_abs(),
        maximum_gap: gap.unsigned_abs(),
    })
}

fn names(what: &str, names: Option<Vec<String>>) -> Result<Vec<String>, String> {
    let names = names.unwrap_or_default();
    if names.len() > MAX_NAMES {
        return Err(format!("{what} are {}; there may be {MAX_NAMES}", names.len()));
    }
    Ok(names)
}

fn duration(
    name: &str,
    text: Option<String>,
    default: i64,
    (least, most): (i64, i64),
) -> Result<i64, String> {
    let Some(text) = text else { return Ok(default) };
    let ticks = iso_duration::parse(&text).map_err(|why| format!("{name}: {why}"))?;
    if (least..=most).contains(&ticks) {
        return Ok(ticks);
    }
    let (least, most) = (least / SECOND, most / SECOND);
    Err(format!("{name} is `{text}`; it may be {least} to {most} s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_configuration_is_read() {
        let config = parse(
            r#"{
                "when": {
                    "labels": ["person", "car"], "minimumConfidence": 0.5, "minimumCount": 2, "minimumDwell": "PT3S",
                    "zones": [{"name": "yard", "polygon": [[0, 0], [1, 0], [1, 1]]}], "focus": "bottomCenter"
                },
                "startEvents": ["door"], "stopEvents": ["clear"],
                "activationSignalOffset": "-PT5S", "minimumActivationTime": "PT10S", "maximumActivationTime": "PT1M"
            }"#,
        )
        .unwrap();
        let condition = config.condition.unwrap();
        assert_eq!((condition.labels.len(), condition.minimum_count), (2, 2));
        assert_eq!(
            (condition.minimum_dwell, condition.maximum_gap),
            (270_000, 180_000)
        );
        assert_eq!(
            (config.pre_roll, config.minimum, config.maximum),
            (450_000, 900_000, 5_400_000)
        );
    }

    #[test]
    fn a_default_yields_to_what_is_written() {
        let config = parse(r#"{"when": {}, "minimumActivationTime": "PT10M"}"#).unwrap();
        assert_eq!(config.minimum, config.maximum);
    }

    #[test]
    fn an_error_names_what_is_wrong() {
        for (json, part) in [
            ("{}", "nothing can open this gate"),
            (r#"{"stopEvents": ["a"]}"#, "nothing can open this gate"),
            (r#"{"when": {"minimumConfidence": 2}}"#, "minimumConfidence is 2"),
            (
                r#"{"when": {"minimumCount": 0}}"#,
                "minimumCount is 0; it may be 1 to",
            ),
            (
                r#"{"when": {}, "activationSignalOffset": "PT1S"}"#,
                "it may be -60 to 0 s",
            ),
            (
                r#"{"when": {}, "minimumActivationTime": "PT20S", "maximumActivationTime": "PT10S"}"#,
                "shorter than minimumActivationTime",
            ),
            (r#"{"when": {"label": []}}"#, "unknown field `label`"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
