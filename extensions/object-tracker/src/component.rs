//! The interface of world `processor`.

use std::cell::RefCell;

use shapes::Area;
use track_core::{Followed, Sighting, Tracker};

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
    let mut all = tracker.follow(observation.timestamp, &sightings).into_iter();
    let inferences = std::mem::take(&mut observation.inferences);
    for (number, mut inference) in inferences.into_iter().enumerate() {
        let followed = if sighting(&inference).is_some() {
            all.next()
        } else {
            None
        };
        // What is part of another is shown by it.
        if followed.as_ref().is_some_and(|followed| followed.joined) {
            continue;
        }
        if let Some(followed) = followed {
            name(&mut inference, followed, || {
                format!("{}-{number}", observation.timestamp)
            });
        }
        observation.inferences.push(inference);
    }
    observation
}

fn name(inference: &mut Inference, followed: Followed, own: impl FnOnce() -> String) {
    let Some(name) = followed.name else { return };
    match &mut inference.finding {
        Finding::Entity(entity) => {
            entity.id.get_or_insert_with(|| name.clone());
        }
        Finding::Motion(motion) => motion.box_ = rect(followed.area),
        _ => {}
    }
    // So that a crossing can refer to it.
    inference.inference_id.get_or_insert_with(own);
    inference.sequence_id = Some(name);
}

fn sighting(inference: &Inference) -> Option<Sighting<'_>> {
    match &inference.finding {
        Finding::Entity(entity) => Some(Sighting {
            area: area(&entity.box_),
            class: &entity.tag.value,
            confidence: entity.tag.confidence,
            partial: false,
        }),
        Finding::Motion(motion) => Some(Sighting {
            area: area(&motion.box_),
            class: MOTION,
            confidence: 1.0,
            partial: true,
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

fn rect(area: Area) -> Rect {
    Rect {
        l: area.left,
        t: area.top,
        w: area.width,
        h: area.height,
    }
}
