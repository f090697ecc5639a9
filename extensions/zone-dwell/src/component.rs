//! The interface of world `processor`.

use std::cell::RefCell;

use track_core::{Report, Seen, Stage, TICKS_PER_SECOND};

use self::bindings::exports::mediagraph::extension::processing::{
    Cause, Guest as Processing, GuestProcessor, Observation, Outcome,
};
use self::bindings::mediagraph::extension::types::{Event, Finding, Inference, Property};
use crate::config::Watch;

guest::component! {
    world: "processor",
    summary: "Tells how long things stay in zones",
    config_schema: crate::SCHEMA,
}
guest::boxes!();

#[derive(Debug)]
struct ZoneDwell(RefCell<Watch>);

impl Processing for Extension {
    type Processor = ZoneDwell;
}

impl GuestProcessor for ZoneDwell {
    fn new(config: String) -> Result<Self, String> {
        Ok(Self(RefCell::new(crate::parse(&config)?)))
    }

    fn process(&self, cause: Cause) -> Result<Outcome, String> {
        let mut watch = self.0.borrow_mut();
        let (timestamp, origin, inferences) = match &cause {
            Cause::Observed(observation) => {
                let seen: Vec<Seen<'_>> = named(&observation.inferences)
                    .into_iter()
                    .map(|(_, seen)| seen)
                    .collect();
                let reports = watch.dwell.observe(observation.timestamp, &seen);
                let events = events(&watch, reports, observation.timestamp, &observation.inferences);
                (observation.timestamp, observation.origin.clone(), events)
            }
            Cause::Elapsed(now) => {
                let reports = watch.dwell.elapsed(*now);
                (*now, String::new(), events(&watch, reports, *now, &[]))
            }
        };
        Ok(Outcome {
            observations: vec![Observation {
                timestamp,
                origin,
                inferences,
            }],
            wake: watch.dwell.wake(),
        })
    }
}

fn events(watch: &Watch, reports: Vec<Report>, now: u64, seen: &[Inference]) -> Vec<Inference> {
    let threshold = watch.threshold();
    let told = reports.into_iter().enumerate().filter_map(|(number, report)| {
        let zone = watch.dwell.zones().get(report.zone)?;
        let tells = watch.tells(report.stage, report.stayed, threshold);
        tells.then(|| event(&zone.name, report, format!("{now}-zone-{number}"), seen))
    });
    told.collect()
}

fn event(zone: &str, report: Report, own: String, seen: &[Inference]) -> Inference {
    let subtype = match report.stage {
        Stage::Entered => "zoneEnter",
        Stage::Dwelled => "zoneDwell",
        Stage::Left => "zoneExit",
    };
    let seconds = report.stayed as f64 / TICKS_PER_SECOND as f64;
    let property = |(name, value): (&str, String)| Property {
        name: name.into(),
        value,
    };
    let properties = [
        ("dwellSeconds", format!("{seconds:.3}")),
        ("present", report.present.to_string()),
    ];
    let related = seen
        .iter()
        .filter(|one| one.sequence_id.as_deref() == Some(&report.id))
        .filter_map(|one| one.inference_id.clone());
    Inference {
        finding: Finding::Event(Event {
            name: zone.to_owned(),
            properties: properties.map(property).into(),
            box_: Some(report.area.into()),
        }),
        subtype: Some(subtype.into()),
        inference_id: Some(own),
        related_inferences: related.collect(),
        sequence_id: Some(report.id),
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
