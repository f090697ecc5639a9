//! Finds what has moved since the last frame that it was shown.

use std::cell::RefCell;

use exports::mediagraph::extension::about::{Description, Guest as About};
use exports::mediagraph::extension::detection::{
    Frame, Guest, GuestDetector, Inference, InputSpec,
};
use mediagraph::extension::types::{Finding, Fit, Motion, PixelFormat, Rect, Size};

wit_bindgen::generate!({ path: "wit", world: "detector" });

const WIDTH: usize = 160;
const HEIGHT: usize = 90;

struct Extension;

/// What a topology may say in `config`.
#[derive(serde::Deserialize)]
struct Config {
    /// A pixel has changed when its brightness differs by more than this.
    #[serde(default = "default_threshold")]
    threshold: u8,
    /// Fewer changed pixels than this are noise.
    #[serde(default = "default_pixels")]
    pixels: usize,
}

fn default_threshold() -> u8 {
    25
}

fn default_pixels() -> usize {
    12
}

const SCHEMA: &str = r#"{
    "type": "object",
    "properties": {
        "threshold": {"type": "integer", "minimum": 1, "maximum": 255},
        "pixels": {"type": "integer", "minimum": 1}
    },
    "additionalProperties": false
}"#;

impl About for Extension {
    fn describe() -> Description {
        Description {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Finds what moves".into(),
            config_schema: SCHEMA.into(),
        }
    }
}

impl Guest for Extension {
    type Detector = Detector;
}

struct Detector {
    config: Config,
    /// The last frame; empty before the first one.
    last: RefCell<Vec<u8>>,
}

impl GuestDetector for Detector {
    fn new(config: String) -> Result<Self, String> {
        let config = serde_json::from_str(&config).map_err(|error| error.to_string())?;
        Ok(Self {
            config,
            last: RefCell::default(),
        })
    }

    /// The host decodes, scales and converts: here, 160x90 grey pixels, five times a second.
    fn input(&self) -> InputSpec {
        InputSpec {
            format: PixelFormat::Gray8,
            size: Some(Size {
                width: WIDTH as u32,
                height: HEIGHT as u32,
            }),
            fit: Fit::Stretch,
            fill: (0, 0, 0),
            max_rate: Some(5.0),
        }
    }

    fn detect(&self, frame: &Frame) -> Result<Vec<Inference>, String> {
        let pixels = frame.pixels();
        let last = self.last.replace(pixels.clone());
        let Some(found) = changed(&last, &pixels, &self.config) else {
            return Ok(Vec::new());
        };
        Ok(vec![Inference {
            finding: Finding::Motion(Motion { box_: found }),
            subtype: None,
            inference_id: None,
            related_inferences: Vec::new(),
            sequence_id: None,
            extensions: Vec::new(),
        }])
    }
}

/// The box around all pixels that have changed.
fn changed(last: &[u8], now: &[u8], config: &Config) -> Option<Rect> {
    let (mut count, mut left, mut top, mut right, mut bottom) = (0, WIDTH, HEIGHT, 0, 0);
    for (n, (a, b)) in last.iter().zip(now).enumerate() {
        if a.abs_diff(*b) > config.threshold {
            let (x, y) = (n % WIDTH, n / WIDTH);
            count += 1;
            left = left.min(x);
            top = top.min(y);
            right = right.max(x + 1);
            bottom = bottom.max(y + 1);
        }
    }
    let (width, height) = (WIDTH as f32, HEIGHT as f32);
    (count >= config.pixels).then(|| Rect {
        l: left as f32 / width,
        t: top as f32 / height,
        w: (right - left) as f32 / width,
        h: (bottom - top) as f32 / height,
    })
}

export!(Extension);
