//! Components of the world `gate`: they decide which media passes.

use std::sync::Arc;

use serde_json::Value;
use wasmtime::component::ResourceAny;

use super::bindings::exported::gating;
use super::component::{Extension, World, Worlds};
use super::convert;
use super::error::CallError;
use super::guest::NodeContext;
use super::limits::Limits;
use super::session::{Session, construct};
use crate::media::inference::Observation;
use crate::media::{MediaTime, Ticks};

/// Why a gate or a processor is called.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// Something was observed.
    Observed(Observation),
    /// The moment of the last `wake` has passed on all inputs.
    Elapsed(MediaTime),
}

impl Cause {
    /// The moment it is about.
    #[must_use]
    pub fn time(&self) -> MediaTime {
        match self {
            Self::Observed(observation) => observation.time,
            Self::Elapsed(at) => *at,
        }
    }
}

/// From `start` on, up to but not including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First moment.
    pub start: MediaTime,
    /// First moment after.
    pub end: MediaTime,
}

/// A span with a name: the same id prolongs or shortens, a new id is a new recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Its name.
    pub id: u64,
    /// When.
    pub span: Span,
}

/// What a gate wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Let this span of media through.
    Open(Activation),
    /// Stop an activation.
    Close {
        /// Its name.
        id: u64,
        /// When.
        at: MediaTime,
    },
}

/// The answer of a gate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// In this order.
    pub actions: Vec<Action>,
    /// Call again once media time has passed this moment.
    pub wake: Option<MediaTime>,
}

/// One instance of a gate, for one node.
#[derive(Debug)]
pub struct Gate {
    session: Session,
    guest: gating::Guest,
    this: ResourceAny,
    history: Ticks,
}

impl std::fmt::Debug for gating::Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("gating")
    }
}

impl Gate {
    /// Instantiates, constructs with `config`, and asks for the history.
    ///
    /// # Errors
    /// What the component did instead; [`CallError::Refused`] if it does not like the configuration.
    pub async fn new(
        extension: &Arc<Extension>,
        context: &NodeContext,
        config: &Value,
        limits: Limits,
    ) -> Result<Self, CallError> {
        let Worlds::Gate(exports) = extension.exports() else {
            return Err(extension.not_a(World::Gate));
        };
        let (mut session, instance) = Session::start(extension, context, limits).await?;
        let (guest, this) = construct!(session, instance, exports, gate, config);
        let within = session.prepare(MediaTime::MIN);
        let ended = within
            .call(guest.gate().call_history(&mut session.store, this))
            .await;
        let history = Ticks(i64::try_from(session.settle(ended)?).unwrap_or(i64::MAX));
        Ok(Self {
            session,
            guest,
            this,
            history,
        })
    }

    /// How far back in media time its activations may begin. Not bounded here: the buffer has its own bounds.
    #[must_use]
    pub fn history(&self) -> Ticks {
        self.history
    }

    /// Tells it what happened and takes what it decides. After a fatal error the gate is of no more use.
    ///
    /// # Errors
    /// What the component did instead of answering.
    pub async fn consider(&mut self, cause: &Cause) -> Result<Decision, CallError> {
        let within = self.session.prepare(cause.time());
        let cause = convert::wit_cause(cause);
        let calls = self.guest.gate();
        let ended = within
            .call(calls.call_consider(&mut self.session.store, self.this, &cause))
            .await;
        convert::decision(self.session.settle(ended)?).map_err(CallError::BadResult)
    }
}
