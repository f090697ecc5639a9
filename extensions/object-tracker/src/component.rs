//! The interface of world `processor`.

use std::cell::RefCell;

use track_core::{Followed, Sighting, Tracker};

use self::bindings::exports::mediagraph::extension::processing::{
    Cause, Guest as Processing, GuestProcessor, Observation, Outcome,
};
use self::bindings::mediagraph::extension::types::{Finding, Inference};

guest::component! {
    world: "processor",
    summary: "Names the same thing alike from frame to frame",
    config_schema: crate::SCHEMA,
}
guest::boxes!();

/// What moves has no label of its own.
const MOTION: &str = "motion";

#[derive(Debug)]
struct ObjectTracker(RefCell<Tracker>);

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
        Finding::Motion(motion) => motion.box_ = followed.area.into(),
        _ => {}
    }
    // So that a crossing can refer to it.
    inference.inference_id.get_or_insert_with(own);
    inference.sequence_id = Some(name);
}

fn sighting(inference: &Inference) -> Option<Sighting<'_>> {
    match &inference.finding {
        Finding::Entity(entity) => Some(Sighting {
            area: entity.box_.into(),
            class: &entity.tag.value,
            confidence: entity.tag.confidence,
            partial: false,
        }),
        Finding::Motion(motion) => Some(Sighting {
            area: motion.box_.into(),
            class: MOTION,
            confidence: 1.0,
            partial: true,
        }),
        _ => None,
    }
}
