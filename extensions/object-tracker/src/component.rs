//! The interface of world `processor`.

use std::cell::RefCell;

use shapes::Area;
use track_core::{Sighting, Tracker};

use self::bindings::exports::mediagraph::extension::about::{Description, Guest as About};
use self::bindings::exports::mediagraph::extension::processing::{
    Cause, Guest as Processing, GuestProcessor, Observation, Outcome,
};
use self::bindings::mediagraph::extension::types::{Finding, Inference, Rect};

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

/// What moves has no label of its own.
const MOTION: &str = "motion";

#[derive(Debug)]
struct Extension;

#[derive(Debug)]
struct ObjectTracker(RefCell<Tracker>);

impl About for Extension {
    fn describe() -> Description {
        Description {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Names the same thing alike from frame to frame".into(),
            config_schema: crate::SCHEMA.into(),
        }
    }
}

impl Processing for Extension {
    type Processor = ObjectTracker;
}

impl GuestProcessor for ObjectTracker {
    fn new(config: String) -> Result<Self, String> {
        Ok(Self(RefCell::new(Tracker::new(crate::parse(&config)?))))
    }

    fn process(&self, cause: Cause) -> Result<Outcome, String> {
        let mut observations = Vec::new();
        // What is not seen is forgotten when something else is: it need not be woken.
        if let Cause::Observed(observation) = cause {
            observations.push(follow(&mut self.0.borrow_mut(), observation));
        }
        Ok(Outcome {
            observations,
            wake: None,
        })
    }
}

/// The same observation with names; what has no box goes through unchanged.
fn follow(tracker: &mut Tracker, mut observation: Observation) -> Observation {
    let sightings: Vec<Sighting<'_>> = observation.inferences.iter().filter_map(sighting).collect();
    let mut names = tracker.follow(observation.timestamp, &sightings).into_iter();
    for (number, inference) in observation.inferences.iter_mut().enumerate() {
        if sighting(inference).is_none() {
            continue;
        }
        let Some(name) = names.next().flatten() else {
            continue;
        };
        if let Finding::Entity(entity) = &mut inference.finding {
            entity.id.get_or_insert_with(|| name.clone());
        }
        // So that a crossing can refer to it.
        let own = || format!("{}-{number}", observation.timestamp);
        inference.inference_id.get_or_insert_with(own);
        inference.sequence_id = Some(name);
    }
    observation
}

fn sighting(inference: &Inference) -> Option<Sighting<'_>> {
    match &inference.finding {
        Finding::Entity(entity) => Some(Sighting {
            area: area(&entity.box_),
            class: &entity.tag.value,
            confidence: entity.tag.confidence,
        }),
        Finding::Motion(motion) => Some(Sighting {
            area: area(&motion.box_),
            class: MOTION,
            confidence: 1.0,
        }),
        _ => None,
    }
}

fn area(rect: &Rect) -> Area {
    Area {
        left: rect.l,
        top: rect.t,
        width: rect.w,
        height: rect.h,
    }
}
