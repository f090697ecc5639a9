//! The interface of world `gate`.

use std::cell::RefCell;

use self::bindings::exports::mediagraph::extension::about::{Description, Guest as About};
use self::bindings::exports::mediagraph::extension::gating::{
    Action, Activation, Cause, Decision, Guest as Gating, GuestGate, Span,
};

#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    clippy::undocumented_unsafe_blocks,
    reason = "generated from wit/"
)]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "gate" });
    use super::Extension;
    export!(Extension);
}

#[derive(Debug)]
struct Extension;

#[derive(Debug)]
struct SignalGate(RefCell<gate_core::Gate>);

impl About for Extension {
    fn describe() -> Description {
        Description {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Opens on any event for a configured time, with pre-roll".into(),
            config_schema: crate::SCHEMA.into(),
        }
    }
}

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
