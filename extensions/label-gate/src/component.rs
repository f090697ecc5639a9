//! The interface of world `gate`.

use std::cell::RefCell;

use label_core::{Gate, Said, Thing};

use self::bindings::exports::mediagraph::extension::gating::{
    Action, Activation, Cause, Decision, Guest as Gating, GuestGate, Span,
};
use self::bindings::mediagraph::extension::types::{Finding, Inference};

guest::component! {
    world: "gate",
    summary: "Opens on labels, by confidence, zone, count and dwell, and on start and stop events",
    config_schema: crate::SCHEMA,
}
guest::boxes!();

/// What moves has no label of its own.
const MOTION: &str = "motion";

#[derive(Debug)]
struct LabelGate(RefCell<Gate>);

impl Gating for Extension {
    type Gate = LabelGate;
}

impl GuestGate for LabelGate {
    fn new(config: String) -> Result<Self, String> {
        Ok(Self(RefCell::new(Gate::new(crate::parse(&config)?))))
    }

    fn history(&self) -> u64 {
        self.0.borrow().history()
    }

    fn consider(&self, cause: Cause) -> Decision {
        let mut decision = Decision {
            actions: Vec::new(),
            // All it does, it does when something is seen: what is open ends by itself.
            wake: None,
        };
        if let Cause::Observed(observation) = cause {
            let made = self
                .0
                .borrow_mut()
                .observed(observation.timestamp, &said(&observation.inferences));
            decision.actions.extend(made.close.map(Action::Close));
            decision.actions.extend(made.open.map(open));
        }
        decision
    }
}

fn open(opened: label_core::Activation) -> Action {
    let label_core::Activation { id, start, end } = opened;
    Action::Open(Activation {
        id,
        span: Span { start, end },
    })
}

fn said(inferences: &[Inference]) -> Said<'_> {
    let mut said = Said::default();
    for inference in inferences {
        let name = inference.sequence_id.as_deref();
        match &inference.finding {
            Finding::Entity(entity) => said.things.push(Thing {
                label: &entity.tag.value,
                confidence: entity.tag.confidence,
                area: Some(entity.box_.into()),
                id: name.or(entity.id.as_deref()),
            }),
            Finding::Motion(motion) => said.things.push(Thing {
                label: MOTION,
                confidence: 1.0,
                area: Some(motion.box_.into()),
                id: name,
            }),
            Finding::Classification(classification) => said.things.push(Thing {
                label: &classification.tag.value,
                confidence: classification.tag.confidence,
                area: None,
                id: name,
            }),
            Finding::Event(event) => {
                said.events.push(&event.name);
                said.events.extend(inference.subtype.as_deref());
            }
            _ => {}
        }
    }
    said
}
