//! The interface of world `gate`.

use std::cell::RefCell;

use self::bindings::exports::mediagraph::extension::gating::{
    Action, Activation, Cause, Decision, Guest as Gating, GuestGate, Span,
};

guest::component! {
    world: "gate",
    summary: "Opens on any event for a configured time, with pre-roll",
    config_schema: crate::SCHEMA,
}

#[derive(Debug)]
struct SignalGate(RefCell<gate_core::Gate>);

impl Gating for Extension {
    type Gate = SignalGate;
}

impl GuestGate for SignalGate {
    fn new(config: String) -> Result<Self, String> {
        let gate = gate_core::Gate::new(crate::parse(&config)?);
        Ok(Self(RefCell::new(gate)))
    }

    fn history(&self) -> u64 {
        self.0.borrow().history()
    }

    fn consider(&self, cause: Cause) -> Decision {
        let mut gate = self.0.borrow_mut();
        let decision = match cause {
            Cause::Observed(observation) => gate.observed(observation.timestamp),
            Cause::Elapsed(now) => gate.elapsed(now),
        };
        Decision {
            actions: decision.open.into_iter().map(action).collect(),
            wake: decision.wake,
        }
    }
}

fn action(opened: gate_core::Activation) -> Action {
    let gate_core::Activation { id, start, end } = opened;
    Action::Open(Activation {
        id,
        span: Span { start, end },
    })
}
