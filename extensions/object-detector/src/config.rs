//! The configuration as JSON.

use object_core::{Corners, Decoder, Family, Labels, Settings, Ssd, Unit};
use serde::Deserialize;
use shapes::{Focus, MAX_SHAPES, Polygon, Zone};

use crate::input::{Fit, Order, Preparation};

/// JSON Schema of the configuration.
pub const SCHEMA: &str = include_str!("../config.schema.json");

/// The name that the model has if nobody says otherwise.
const DEFAULT_MODEL: &str = "objects";
const DEFAULT_THRESHOLD: f32 = 0.3;
const DEFAULT_OVERLAP: f32 = 0.45;
const DEFAULT_MAXIMUM: usize = 100;
const MAX_MAXIMUM: usize = 500;
/// Pixels of one side of what a model is given.
const MAX_SIDE: u32 = 4_096;

/// What was configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The name of the model.
    pub model: String,
    /// What it is given.
    pub preparation: Preparation,
    /// What its answer means.
    pub decoder: Decoder,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    family: Option<WrittenFamily>,
    #[serde(default)]
    classes: Option<Vec<String>>,
    #[serde(default)]
    labels: Option<Vec<String>>,
    #[serde(default)]
    threshold: Option<f32>,
    #[serde(default)]
    iou: Option<f32>,
    #[serde(default)]
    maximum_objects: Option<usize>,
    #[serde(default)]
    regions: Option<Vec<Zone>>,
    #[serde(default)]
    focus: Option<Focus>,
    #[serde(default)]
    size: Option<[u32; 2]>,
    #[serde(default)]
    preparation: Option<WrittenPreparation>,
    #[serde(default)]
    ssd: Option<WrittenSsd>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenFamily {
    #[default]
    Yolox,
    Yolov5,
    Yolov8,
    Ssd,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenPreparation {
    #[serde(default)]
    fit: Option<Fit>,
    #[serde(default)]
    fill: Option<[u8; 3]>,
    #[serde(default)]
    order: Option<Order>,
    #[serde(default)]
    scale: Option<f32>,
    #[serde(default)]
    mean: Option<[f32; 3]>,
    #[serde(default)]
    std: Option<[f32; 3]>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenSsd {
    #[serde(default)]
    corners: Option<WrittenCorners>,
    #[serde(default)]
    unit: Option<WrittenUnit>,
    #[serde(default)]
    first_class: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenCorners {
    Xyxy,
    Yxyx,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenUnit {
    Fraction,
    Pixel,
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
    let family = family(&written)?;
    let preparation = preparation(&family, &written)?;
    let model = written.model.unwrap_or_else(|| DEFAULT_MODEL.to_owned());
    if model.is_empty() {
        return Err("model is empty; it may be the name of a model of the node or of the host".to_owned());
    }
    let labels = match written.classes {
        Some(classes) => Labels::new(classes, written.labels.as_deref()),
        None => {
            let coco = object_core::COCO.iter().map(|name| (*name).to_owned()).collect();
            Labels::new(coco, written.labels.as_deref())
        }
    };
    let at_most = written.maximum_objects.unwrap_or(DEFAULT_MAXIMUM);
    if !(1..=MAX_MAXIMUM).contains(&at_most) {
        return Err(format!(
            "maximumObjects is {at_most}; it may be 1 to {MAX_MAXIMUM}"
        ));
    }
    let decoder = Decoder::new(Settings {
        family,
        labels: labels.map_err(|why| format!("labels: {why}"))?,
        threshold: written.threshold.unwrap_or(DEFAULT_THRESHOLD),
        overlap: written.iou.unwrap_or(DEFAULT_OVERLAP),
        at_most,
        regions: regions(written.regions)?,
        focus: written.focus.unwrap_or(Focus::BottomCenter),
    })?;
    Ok(Config {
        model,
        preparation,
        decoder,
    })
}

fn family(written: &Written) -> Result<Family, String> {
    let family = match written.family.unwrap_or_default() {
        WrittenFamily::Yolox => Family::Yolox,
        WrittenFamily::Yolov5 => Family::Yolov5,
        WrittenFamily::Yolov8 => Family::Yolov8,
        WrittenFamily::Ssd => Family::Ssd(ssd(written.ssd.as_ref())),
    };
    if written.ssd.is_some() && !matches!(family, Family::Ssd(_)) {
        return Err(format!(
            "ssd is for models of the family ssd; family is {}",
            family.name()
        ));
    }
    Ok(family)
}

/// As the models of TensorFlow's detection zoo have it, which are the ones that people have.
fn ssd(written: Option<&WrittenSsd>) -> Ssd {
    let corners = written.and_then(|written| written.corners);
    let unit = written.and_then(|written| written.unit);
    Ssd {
        corners: match corners.unwrap_or(WrittenCorners::Yxyx) {
            WrittenCorners::Xyxy => Corners::Xyxy,
            WrittenCorners::Yxyx => Corners::Yxyx,
        },
        unit: match unit.unwrap_or(WrittenUnit::Fraction) {
            WrittenUnit::Fraction => Unit::Fraction,
            WrittenUnit::Pixel => Unit::Pixel,
        },
        first_class: written.and_then(|written| written.first_class).unwrap_or(1),
    }
}

fn preparation(family: &Family, written: &Written) -> Result<Preparation, String> {
    let own = Preparation::of(family);
    let none = WrittenPreparation::default();
    let given = written.preparation.as_ref().unwrap_or(&none);
    let size = written.size.map(|[width, height]| (width, height));
    if let Some((width, height)) = size
        && ![width, height].iter().all(|side| (1..=MAX_SIDE).contains(side))
    {
        return Err(format!(
            "size is {width}x{height}; each side may be 1 to {MAX_SIDE}"
        ));
    }
    if given.std.is_some_and(|std| std.contains(&0.0)) {
        return Err("preparation.std has a 0, which nothing can be divided by".to_owned());
    }
    Ok(Preparation {
        size,
        fit: given.fit.unwrap_or(own.fit),
        fill: given.fill.unwrap_or(own.fill),
        order: given.order.unwrap_or(own.order),
        scale: given.scale.unwrap_or(own.scale),
        mean: given.mean.unwrap_or(own.mean),
        std: given.std.unwrap_or(own.std),
    })
}

fn regions(zones: Option<Vec<Zone>>) -> Result<Vec<Polygon>, String> {
    let zones = zones.unwrap_or_default();
    if zones.len() > MAX_SHAPES {
        return Err(format!(
            "{} regions are given; there may be {MAX_SHAPES}",
            zones.len()
        ));
    }
    Ok(zones.into_iter().map(|zone| zone.polygon).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_a_yolox_that_tells_all_of_coco() {
        for json in ["", "{}", r#"{"model": null, "labels": null}"#] {
            let config = parse(json).unwrap();
            assert_eq!(config.model, "objects", "{json}");
            let settings = config.decoder.settings();
            assert_eq!(settings.family, Family::Yolox);
            assert_eq!((settings.threshold, settings.overlap), (0.3, 0.45));
            assert_eq!(settings.labels, Labels::default());
            let Preparation {
                fit,
                order,
                fill,
                scale,
                ..
            } = config.preparation;
            assert_eq!(
                (fit, order, fill, scale),
                (Fit::PadTopLeft, Order::Bgr, [114; 3], 1.0)
            );
        }
    }

    #[test]
    fn trucks_only() {
        let config = parse(r#"{"labels": ["truck"]}"#).unwrap();
        let labels = &config.decoder.settings().labels;
        let wanted: Vec<&str> = (0..labels.count())
            .filter_map(|class| labels.wanted(class))
            .collect();
        assert_eq!((labels.count(), wanted), (80, vec!["truck"]));
    }

    #[test]
    fn a_family_brings_its_preparation_and_the_configuration_goes_before_it() {
        let config =
            parse(r#"{"family": "yolov8", "size": [640, 384], "preparation": {"order": "bgr"}}"#).unwrap();
        let Preparation {
            fit,
            order,
            size,
            scale,
            ..
        } = config.preparation;
        assert_eq!((fit, order, size), (Fit::PadCentre, Order::Bgr, Some((640, 384))));
        assert!((scale * 255.0 - 1.0).abs() < 1e-6);
        let config = parse(r#"{"family": "ssd", "ssd": {"corners": "xyxy", "firstClass": 0}}"#).unwrap();
        let expected = Ssd {
            corners: Corners::Xyxy,
            unit: Unit::Fraction,
            first_class: 0,
        };
        assert_eq!(config.decoder.settings().family, Family::Ssd(expected));
        assert_eq!(config.preparation.fit, Fit::Stretch);
    }

    #[test]
    fn an_error_names_the_setting() {
        for (json, part) in [
            (
                r#"{"labels": ["lorry"]}"#,
                "labels: `lorry` is not among the 80 classes",
            ),
            (
                r#"{"classes": ["car"], "labels": ["truck"]}"#,
                "among the 1 classes of the model, which are `car`",
            ),
            (r#"{"classes": []}"#, "0 classes are given"),
            (r#"{"threshold": 2}"#, "threshold is 2"),
            (r#"{"iou": -1}"#, "iou is -1"),
            (
                r#"{"maximumObjects": 0}"#,
                "maximumObjects is 0; it may be 1 to 500",
            ),
            (r#"{"family": "yolov3"}"#, "unknown variant `yolov3`"),
            (r#"{"ssd": {}}"#, "family is yolox"),
            (r#"{"size": [0, 8]}"#, "size is 0x8"),
            (
                r#"{"preparation": {"std": [1, 0, 1]}}"#,
                "preparation.std has a 0",
            ),
            (r#"{"model": ""}"#, "model is empty"),
            (r#"{"label": ["car"]}"#, "unknown field `label`"),
            (r#"{"regions": [{"name": "a", "polygon": []}]}"#, "0 corners"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
    }

    #[test]
    fn the_schema_is_json_and_knows_the_same_names() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        assert_eq!(properties.len(), 12);
        for (name, property) in properties {
            let example = serde_json::json!({ name.as_str(): property["default"] });
            parse(&example.to_string()).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert_eq!(schema["additionalProperties"], false);
    }
}
