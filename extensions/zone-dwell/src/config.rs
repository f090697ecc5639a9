//! The configuration as JSON.

use serde::Deserialize;
use shapes::{Focus, MAX_SHAPES, Zone};
use track_core::{Dwell, DwellConfig, Stage, TICKS_PER_SECOND};

/// JSON Schema of the configuration.
pub const SCHEMA: &str = include_str!("../config.schema.json");

const DEFAULT_THRESHOLD: u64 = 10 * TICKS_PER_SECOND;
const MAX_THRESHOLD: u64 = 24 * 3600 * TICKS_PER_SECOND;
const DEFAULT_GAP: u64 = 2 * TICKS_PER_SECOND;
const MAX_GAP: u64 = 60 * TICKS_PER_SECOND;
const DEFAULT_EVENTS: [WrittenStage; 2] = [WrittenStage::Dwell, WrittenStage::Exit];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    zones: Vec<Zone>,
    #[serde(default)]
    threshold: Option<String>,
    #[serde(default)]
    maximum_gap: Option<String>,
    #[serde(default)]
    focus: Option<Focus>,
    #[serde(default)]
    events: Option<Vec<WrittenStage>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum WrittenStage {
    Enter,
    Dwell,
    Exit,
}

impl WrittenStage {
    fn stage(self) -> Stage {
        match self {
            Self::Enter => Stage::Entered,
            Self::Dwell => Stage::Dwelled,
            Self::Exit => Stage::Left,
        }
    }
}

/// Knows who is where, and what of it is to be told.
#[derive(Debug)]
pub struct Watch {
    /// Who is where.
    pub dwell: Dwell,
    told: Vec<Stage>,
}

impl Watch {
    /// Whether this is to be told. The end of a stay that was too short is not, unless its beginning was.
    #[must_use]
    pub fn tells(&self, stage: Stage, stayed: u64, threshold: u64) -> bool {
        let begun = self.told.contains(&Stage::Entered);
        self.told.contains(&stage) && (stage != Stage::Left || begun || stayed >= threshold)
    }

    /// Ticks after which a stay is told of.
    #[must_use]
    pub fn threshold(&self) -> u64 {
        self.dwell.threshold()
    }
}

/// Reads and checks a configuration.
///
/// # Errors
/// Names the setting, what is wrong with it and what it may be.
pub fn parse(json: &str) -> Result<Watch, String> {
    let written: Written =
        serde_json::from_str(json).map_err(|error| format!("the configuration cannot be read: {error}"))?;
    if !(1..=MAX_SHAPES).contains(&written.zones.len()) {
        return Err(format!(
            "zones are {}; there may be 1 to {MAX_SHAPES}",
            written.zones.len()
        ));
    }
    let events = written.events.unwrap_or_else(|| DEFAULT_EVENTS.to_vec());
    let dwell = Dwell::new(DwellConfig {
        zones: written.zones,
        focus: written.focus.unwrap_or_default(),
        threshold: duration("threshold", written.threshold, DEFAULT_THRESHOLD, MAX_THRESHOLD)?,
        maximum_gap: duration("maximumGap", written.maximum_gap, DEFAULT_GAP, MAX_GAP)?,
    });
    Ok(Watch {
        dwell,
        told: events.into_iter().map(WrittenStage::stage).collect(),
    })
}

fn duration(name: &str, text: Option<String>, default: u64, most: u64) -> Result<u64, String> {
    let Some(text) = text else { return Ok(default) };
    let ticks = iso_duration::parse(&text).map_err(|why| format!("{name}: {why}"))?;
    let ticks = u64::try_from(ticks).ok().filter(|ticks| *ticks <= most);
    ticks.ok_or_else(|| {
        let seconds = most / TICKS_PER_SECOND;
        format!("{name} is `{text}`; it may be `PT0S` to `PT{seconds}S`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const YARD: &str = r#"{"name": "yard", "polygon": [[0, 0], [1, 0], [1, 1]]}"#;

    #[test]
    fn zones_are_read_and_short_stays_are_not_told_of() {
        let watch = parse(&format!(r#"{{"zones": [{YARD}], "threshold": "PT5S"}}"#)).unwrap();
        assert_eq!(watch.dwell.zones()[0].name, "yard");
        let threshold = watch.threshold();
        assert_eq!(threshold, 450_000);
        assert!(!watch.tells(Stage::Entered, 0, threshold));
        assert!(watch.tells(Stage::Dwelled, threshold, threshold));
        assert!(!watch.tells(Stage::Left, threshold - 1, threshold));
        assert!(watch.tells(Stage::Left, threshold, threshold));
    }

    #[test]
    fn an_error_names_what_is_wrong() {
        for (json, part) in [
            ("{}".to_owned(), "missing field `zones`"),
            (r#"{"zones": []}"#.to_owned(), "there may be 1 to 64"),
            (
                r#"{"zones": [{"name": "a", "polygon": [[0, 0], [1, 1]]}]}"#.to_owned(),
                "a polygon has 2 corners",
            ),
            (
                format!(r#"{{"zones": [{YARD}], "maximumGap": "PT2M"}}"#),
                "maximumGap is `PT2M`; it may be `PT0S` to `PT60S`",
            ),
            (
                format!(r#"{{"zones": [{YARD}], "events": ["leave"]}}"#),
                "unknown variant `leave`",
            ),
        ] {
            let error = parse(&json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
