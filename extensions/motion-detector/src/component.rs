//! The interface of world `detector`.

use std::cell::RefCell;

use motion_core::{Aggregator, MotionDetector, Region};

use shapes::Point;

use self::bindings::exports::mediagraph::extension::detection::{
    Guest as Detection, GuestDetector, Inference, InputSpec,
};
use self::bindings::mediagraph::extension::frames::{Frame, FrameInfo};
use self::bindings::mediagraph::extension::types::{Finding, Fit, Motion, PixelFormat, Rect, Size};
use crate::Config;

guest::component! {
    world: "detector",
    summary: "Finds what moves, by a background model that knows noise and light",
    config_schema: crate::SCHEMA,
}

/// What is asked for. Stretched, so that fractions of it are fractions of the source.
const INPUT: Size = Size {
    width: 320,
    height: 180,
};

const WHOLE: Region = Region {
    left: 0.0,
    top: 0.0,
    width: 1.0,
    height: 1.0,
};

#[derive(Debug)]
struct Detector {
    config: Config,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    /// Made with the first frame, when its size is known.
    motion: Option<MotionDetector>,
    aggregator: Aggregator,
}

impl Detection for Extension {
    type Detector = Detector;
}

impl GuestDetector for Detector {
    fn new(config: String) -> Result<Self, String> {
        let config = crate::parse(&config)?;
        let aggregator = Aggregator::new(config.aggregation_window);
        Ok(Self {
            config,
            state: RefCell::new(State {
                motion: None,
                aggregator,
            }),
        })
    }

    fn input(&self) -> InputSpec {
        InputSpec {
            format: PixelFormat::Gray8,
            size: Some(INPUT),
            fit: Fit::Stretch,
            fill: (0, 0, 0),
            max_rate: None,
        }
    }

    fn detect(&self, frame: &Frame) -> Result<Vec<Inference>, String> {
        let info = frame.info();
        let mut state = self.state.borrow_mut();
        let State { motion, aggregator } = &mut *state;
        let motion = for_size(motion, &info, &self.config)?;
        let regions = motion
            .detect(info.timestamp, &frame.pixels())
            .map_err(|error| error.to_string())?;
        let regions = aggregator.report(info.timestamp, regions);
        Ok(inferences(regions, self.config.output_regions))
    }
}

/// The detector for frames of this size; a new one if the size has changed.
fn for_size<'a>(
    motion: &'a mut Option<MotionDetector>,
    info: &FrameInfo,
    config: &Config,
) -> Result<&'a mut MotionDetector, String> {
    let size = (info.size.width as usize, info.size.height as usize);
    if motion.as_ref().is_some_and(|known| known.size() != size) {
        *motion = None;
    }
    match motion {
        Some(known) => Ok(known),
        None => {
            let mut fresh =
                MotionDetector::new(size.0, size.1, config.sensitivity).map_err(|error| error.to_string())?;
            if !config.watches_everything() {
                fresh.watch(|x, y| config.watches(Point { x, y }));
            }
            Ok(motion.insert(fresh))
        }
    }
}

/// The interface wants a box with each motion; without regions it is the whole picture.
fn inferences(regions: Vec<Region>, output_regions: bool) -> Vec<Inference> {
    if !output_regions && !regions.is_empty() {
        return vec![inference(WHOLE)];
    }
    regions.into_iter().map(inference).collect()
}

fn inference(region: Region) -> Inference {
    let area = Rect {
        l: region.left,
        t: region.top,
        w: region.width,
        h: region.height,
    };
    Inference {
        finding: Finding::Motion(Motion { box_: area }),
        subtype: None,
        inference_id: None,
        related_inferences: Vec::new(),
        sequence_id: None,
        extensions: Vec::new(),
    }
}
