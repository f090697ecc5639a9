//! The interface of world `processor`.

use std::cell::RefCell;

use track_core::{Crossing, LineCounter, Seen};

use self::bindings::exports::mediagraph::extension::processing::{
    Cause, Guest as Processing, GuestProcessor, Observation, Outcome,
};
use self::bindings::mediagraph::extension::types::{Event, Finding, Inference, Property};

guest::component! {
    world: "processor",
    summary: "Counts the things that cross lines, in each direction",
    config_schema: crate::SCHEMA,
}
guest::boxes!();

/// As Video Analyzer calls it.
const SUBTYPE: &str = "lineCrossing";

#[derive(Debug)]
struct LineCrossing(RefCell<LineCounter>);

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
    Inference {
        finding: Finding::Event(Event {
            name: line.to_owned(),
            properties: properties.map(property).into(),
            box_: Some(crossing.area.into()),
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
            Finding::Entity(entity) => (entity.id.as_deref(), entity.box_),
            Finding::Motion(motion) => (None, motion.box_),
            _ => return None,
        };
        let id = inference.sequence_id.as_deref().or(own)?;
        let area = rect.into();
        Some((place, Seen { id, area }))
    });
    named.collect()
}
