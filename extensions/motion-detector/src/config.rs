//! The configuration as JSON.

use motion_core::Sensitivity;
use serde::Deserialize;
use shapes::{MAX_SHAPES, Point, Polygon, Zone};

/// JSON Schema of the configuration.
pub const SCHEMA: &str = include_str!("../config.schema.json");

/// Longest window, in seconds.
const MAX_WINDOW_SECONDS: i64 = 3600;

/// What was configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How much must change.
    pub sensitivity: Sensitivity,
    /// Whether there is an inference per region, or one for the whole picture.
    pub output_regions: bool,
    /// Ticks in which motion is reported once at most; 0: every frame with motion.
    pub aggregation_window: u64,
    /// Only in these; none: everywhere.
    pub zones: Vec<Polygon>,
    /// Not in these.
    pub masks: Vec<Polygon>,
}

impl Config {
    /// Whether all of the picture counts.
    #[must_use]
    pub fn watches_everything(&self) -> bool {
        self.zones.is_empty() && self.masks.is_empty()
    }

    /// Whether a place counts.
    #[must_use]
    pub fn watches(&self, at: Point) -> bool {
        let within = |shapes: &[Polygon]| shapes.iter().any(|shape| shape.contains(at));
        (self.zones.is_empty() || within(&self.zones)) && !within(&self.masks)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    sensitivity: Option<String>,
    #[serde(default)]
    output_motion_region: Option<bool>,
    #[serde(default)]
    event_aggregation_window: Option<String>,
    #[serde(default)]
    zones: Option<Vec<Zone>>,
    #[serde(default)]
    masks: Option<Vec<Zone>>,
}

/// Reads and checks a configuration; an empty text means the defaults.
///
/// # Errors
/// Names the setting, what is wrong with it and what it may be.
pub fn parse(json: &str) -> Result<Config, String> {
    let written: Written = if json.trim().is_empty() {
        Written::default()
    } else {
        serde_json::from_str(json).map_err(|error| format!("the configuration cannot be read: {error}"))?
    };
    Ok(Config {
        sensitivity: sensitivity(written.sensitivity)?,
        output_regions: written.output_motion_region.unwrap_or(true),
        aggregation_window: window(written.event_aggregation_window)?,
        zones: polygons("zones", written.zones)?,
        masks: polygons("masks", written.masks)?,
    })
}

fn polygons(name: &str, zones: Option<Vec<Zone>>) -> Result<Vec<Polygon>, String> {
    let zones = zones.unwrap_or_default();
    if zones.len() > MAX_SHAPES {
        return Err(format!("{name} are {}; there may be {MAX_SHAPES}", zones.len()));
    }
    Ok(zones.into_iter().map(|zone| zone.polygon).collect())
}

fn sensitivity(text: Option<String>) -> Result<Sensitivity, String> {
    let Some(text) = text else {
        return Ok(Sensitivity::default());
    };
    Sensitivity::parse(&text)
        .ok_or_else(|| format!("sensitivity is `{text}`; it may be `low`, `medium` or `high`"))
}

fn window(text: Option<String>) -> Result<u64, String> {
    const NAME: &str = "eventAggregationWindow";
    let Some(text) = text else { return Ok(0) };
    let ticks = iso_duration::parse(&text).map_err(|why| format!("{NAME}: {why}"))?;
    u64::try_from(ticks)
        .ok()
        .filter(|_| ticks <= MAX_WINDOW_SECONDS * iso_duration::TICKS_PER_SECOND)
        .ok_or_else(|| format!("{NAME} is `{text}`; it may be `PT0S` to `PT1H`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_null_mean_the_defaults() {
        let defaults = Config {
            sensitivity: Sensitivity::Medium,
            output_regions: true,
            aggregation_window: 0,
            zones: Vec::new(),
            masks: Vec::new(),
        };
        for json in [
            "",
            "{}",
            r#"{"sensitivity": null, "eventAggregationWindow": null}"#,
        ] {
            assert_eq!(parse(json).as_ref(), Ok(&defaults), "{json}");
        }
    }

    #[test]
    fn the_settings_of_lva_are_read_in_any_casing() {
        let json =
            r#"{"sensitivity": "HIGH", "outputMotionRegion": false, "eventAggregationWindow": "PT1S"}"#;
        let expected = Config {
            sensitivity: Sensitivity::High,
            output_regions: false,
            aggregation_window: 90_000,
            zones: Vec::new(),
            masks: Vec::new(),
        };
        assert_eq!(parse(json), Ok(expected));
        assert_eq!(
            parse(r#"{"sensitivity": "Low"}"#).unwrap().sensitivity,
            Sensitivity::Low
        );
    }

    #[test]
    fn a_mask_goes_before_a_zone() {
        let config = parse(
            r#"{
                "zones": [{"name": "left", "polygon": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}],
                "masks": [{"name": "tree", "polygon": [[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5]]}]
            }"#,
        )
        .unwrap();
        let watches = |x, y| config.watches(Point { x, y });
        assert!(watches(0.25, 0.75) && !watches(0.25, 0.25) && !watches(0.75, 0.75));
        assert!(!config.watches_everything());
        assert!(
            parse(r#"{"masks": [{"name": "a", "polygon": []}]}"#)
                .unwrap_err()
                .contains("0 corners")
        );
    }

    #[test]
    fn an_error_names_the_setting() {
        for (json, part) in [
            (
                r#"{"sensitivity": "extreme"}"#,
                "sensitivity is `extreme`; it may be `low`",
            ),
            (
                r#"{"eventAggregationWindow": "-PT1S"}"#,
                "it may be `PT0S` to `PT1H`",
            ),
            (
                r#"{"eventAggregationWindow": "PT2H"}"#,
                "it may be `PT0S` to `PT1H`",
            ),
            (
                r#"{"eventAggregationWindow": "1s"}"#,
                "eventAggregationWindow: `1s` is no ISO 8601 duration",
            ),
            (r#"{"sensitivty": "low"}"#, "unknown field `sensitivty`"),
            ("[", "cannot be read"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
    }

    #[test]
    fn the_schema_is_json_and_knows_the_same_names() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(properties.len(), 5);
        for (name, property) in properties {
            let example = serde_json::json!({ name.as_str(): property["default"] });
            parse(&example.to_string()).unwrap();
        }
        assert_eq!(schema["additionalProperties"], false);
    }
}
