//! The interface of world `processor`.

use std::cell::RefCell;

use shapes::Area;
use track_core::{Crossing, LineCounter, Seen};

use self::bindings::exports::mediagraph::extension::about::{Description, Guest as About};
use self::bindings::exports::mediagraph::extension::processing::{
    Cause, Guest as Processing, GuestProcessor, Observation, Outcome,
};
use self::bindings::mediagraph::extension::types::{Event, Finding, Inference, Property, Rect};

#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    clippy::undocumented_unsafe_blocks,
    reason = "generated from wit/"
)]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "processor" });
    use super::Extension;
    export!(Extension);
}

/// As Video Analyzer calls it.
const SUBTYPE: &str = "lineCrossing";

#[derive(Debug)]
struct Extension;

#[derive(Debug)]
struct LineCrossing(RefCell<LineCounter>);

impl About for Extension {
    fn describe() -> Description {
        Description {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Counts the things that cross lines, in each direction".into(),
            config_schema: crate::SCHEMA.into(),
        }
    }
}

impl Processing for Extension {
    type Processor = LineCrossing;
}

impl GuestProcessor for LineCrossing {
    fn new(config: String) -> Result<Self, String> {
        Ok(Self(RefCell::new(crate::parse(&config)?)))
    }

    fn process(&self, cause: Cause) -> Result<Outcome, String> {
        let mut observations = Vec::new();
        if let Cause::Observed(observation) = cause {
            let mut counter = self.0.borrow_mut();
            let inferences = count(&mut counter, &observation);
            observations.push(Observation {
                inferences,
                ..observation
            });
        }
        Ok(Outcome {
            observations,
            wake: None,
        })
    }
}

fn count(counter: &mut LineCounter, observation: &Observation) -> Vec<Inference> {
    let (places, seen): (Vec<usize>, Vec<Seen<'_>>) = named(&observation.inferences).into_iter().unzip();
    let crossings = counter.observe(observation.timestamp, &seen);
    let told = crossings.iter().enumerate().filter_map(|(number, crossing)| {
        let name = &counter.lines().get(crossing.line)?.name;
        let crosser = observation.inferences.get(*places.get(crossing.object)?)?;
        let id = seen.get(crossing.object)?.id;
        Some(event(
            name,
            id,
            crosser,
            crossing,
            format!("{}-line-{number}", observation.timestamp),
        ))
    });
    told.collect()
}

/// The event of Video Analyzer: all values are texts.
fn event(line: &str, id: &str, crosser: &Inference, crossing: &Crossing, own: String) -> Inference {
    let totals = crossing.totals;
    let direction = if crossing.clockwise {
        "clockwise"
    } else {
        "counterclockwise"
    };
    let property = |(name, value): (&str, String)| Property {
        name: name.into(),
        value,
    };
    let properties = [
        ("total", (totals.clockwise + totals.counterclockwise).to_string()),
        ("clockwiseTotal", totals.clockwise.to_string()),
        ("counterclockwiseTotal", totals.counterclockwise.to_string()),
        ("direction", direction.to_owned()),
    ];
    let Area {
        left,
        top,
        width,
        height,
    } = crossing.area;
    Inference {
        finding: Finding::Event(Event {
            name: line.to_owned(),
            properties: properties.map(property).into(),
            box_: Some(Rect {
                l: left,
                t: top,
                w: width,
                h: height,
            }),
        }),
        subtype: Some(SUBTYPE.into()),
        inference_id: Some(own),
        related_inferences: crosser.inference_id.iter().cloned().collect(),
        sequence_id: Some(id.to_owned()),
        extensions: Vec::new(),
    }
}

/// The things that a tracker has named, and where in the observation they are.
fn named(inferences: &[Inference]) -> Vec<(usize, Seen<'_>)> {
    let named = inferences.iter().enumerate().filter_map(|(place, inference)| {
        let (own, rect) = match &inference.finding {
            Finding::Entity(entity) => (entity.id.as_deref(), &entity.box_),
            Finding::Motion(motion) => (None, &motion.box_),
            _ => return None,
        };
        let id = inference.sequence_id.as_deref().or(own)?;
        let area = Area {
            left: rect.l,
            top: rect.t,
            width: rect.w,
            height: rect.h,
        };
        Some((place, Seen { id, area }))
    });
    named.collect()
}
