//! Says of each frame whether it is bright or dark.

use exports::mediagraph::extension::about::{Description, Guest as About};
use exports::mediagraph::extension::detection::{Frame, Guest, GuestDetector, Inference, InputSpec};
use mediagraph::extension::types::{Classification, Finding, Fit, PixelFormat, Property, Tag};

wit_bindgen::generate!({ path: "../../../wit", world: "detector" });

struct Brightness;

/// What a topology may say in `config`.
#[derive(serde::Deserialize)]
struct Config {
    /// From this mean luma on, a frame is bright.
    #[serde(default = "middle")]
    threshold: f64,
}

fn middle() -> f64 {
    128.0
}

const SCHEMA: &str = r#"{
    "type": "object",
    "properties": {"threshold": {"type": "number", "minimum": 0, "maximum": 255}},
    "additionalProperties": false
}"#;

impl About for Brightness {
    fn describe() -> Description {
        Description {
            name: "example.org/brightness".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Tells bright frames from dark ones".into(),
            config_schema: SCHEMA.into(),
        }
    }
}

impl Guest for Brightness {
    type Detector = Detector;
}

struct Detector(Config);

impl GuestDetector for Detector {
    fn new(config: String) -> Result<Self, String> {
        serde_json::from_str(&config)
            .map(Self)
            .map_err(|error| error.to_string())
    }

    fn input(&self) -> InputSpec {
        InputSpec {
            format: PixelFormat::Gray8,
            size: None,
            fit: Fit::Stretch,
            fill: (0, 0, 0),
            max_rate: None,
        }
    }

    fn detect(&self, frame: &Frame) -> Result<Vec<Inference>, String> {
        let pixels = frame.pixels();
        let sum: u64 = pixels.iter().map(|pixel| u64::from(*pixel)).sum();
        let mean = sum as f64 / pixels.len() as f64;
        let value = if mean >= self.0.threshold {
            "bright"
        } else {
            "dark"
        };
        let tag = Tag {
            value: value.into(),
            confidence: 1.0,
        };
        let finding = Finding::Classification(Classification {
            tag,
            attributes: Vec::new(),
        });
        let size = frame.info().size;
        let property = |name: &str, value: String| Property {
            name: name.into(),
            value,
        };
        Ok(vec![Inference {
            finding,
            subtype: None,
            inference_id: None,
            related_inferences: Vec::new(),
            sequence_id: None,
            extensions: vec![
                property("mean", format!("{mean:.2}")),
                property("size", format!("{}x{}", size.width, size.height)),
            ],
        }])
    }
}

export!(Brightness);
