//! The configuration as JSON.

use gate_core::{Config, Settings};
use serde::Deserialize;

/// JSON Schema of the configuration. Ranges that a schema cannot state of a duration are checked by [`parse`].
pub const SCHEMA: &str = include_str!("../config.schema.json");

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    activation_evaluation_window: Option<String>,
    #[serde(default)]
    activation_signal_offset: Option<String>,
    #[serde(default)]
    minimum_activation_time: Option<String>,
    #[serde(default)]
    maximum_activation_time: Option<String>,
}

/// Reads and checks a configuration; an empty text means the defaults.
///
/// # Errors
/// Names the setting, what is wrong with it and what it may be.
pub fn parse(json: &str) -> Result<Config, String> {
    let written = if json.trim().is_empty() {
        Written::default()
    } else {
        serde_json::from_str(json).map_err(|error| format!("the configuration cannot be read: {error}"))?
    };
    let settings = Settings {
        evaluation_window: duration("activationEvaluationWindow", written.activation_evaluation_window)?,
        signal_offset: duration("activationSignalOffset", written.activation_signal_offset)?,
        minimum: duration("minimumActivationTime", written.minimum_activation_time)?,
        maximum: duration("maximumActivationTime", written.maximum_activation_time)?,
    };
    Config::new(settings).map_err(|error| error.to_string())
}

fn duration(name: &str, text: Option<String>) -> Result<Option<i64>, String> {
    text.map(|text| iso_duration::parse(&text).map_err(|why| format!("{name}: {why}")))
        .transpose()
}

#[cfg(test)]
mod tests {
    use gate_core::DEFAULTS;

    use super::*;

    #[test]
    fn the_settings_of_lva_are_read() {
        let json = r#"{"activationEvaluationWindow": "PT1S", "activationSignalOffset": "-PT5S",
            "minimumActivationTime": "PT30S", "maximumActivationTime": "PT30S"}"#;
        assert_eq!(parse(json).unwrap().history(), 7 * 90_000);
    }

    #[test]
    fn nothing_and_null_mean_the_defaults() {
        for json in ["", "{}", r#"{"minimumActivationTime": null}"#] {
            assert_eq!(parse(json), Ok(DEFAULTS), "{json}");
        }
    }

    #[test]
    fn an_error_names_the_setting() {
        for (json, part) in [
            (
                r#"{"activationSignalOffset": "5"}"#,
                "activationSignalOffset: `5` is no ISO 8601 duration",
            ),
            (
                r#"{"activationEvaluationWindow": "PT11S"}"#,
                "activationEvaluationWindow is 11 s; it may be 0 to 10 s",
            ),
            (r#"{"minimum": "PT5S"}"#, "unknown field `minimum`"),
            (r#"{"minimumActivationTime": 5}"#, "expected a string"),
            ("[", "cannot be read"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
    }

    #[test]
    fn the_schema_is_json_and_knows_the_same_names() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(names.len(), 4);
        for name in names {
            parse(&format!(r#"{{"{name}": "PT1S"}}"#)).unwrap();
        }
        assert_eq!(schema["additionalProperties"], false);
    }
}
