//! Components of the world `processor`: statements in, statements out.

use std::sync::Arc;

use serde_json::Value;
use wasmtime::component::ResourceAny;

use super::bindings::exported::processing;
use super::component::{Extension, World, Worlds};
use super::convert;
use super::error::CallError;
use super::gate::Cause;
use super::guest::NodeContext;
use super::limits::Limits;
use super::session::{Session, construct};
use crate::media::MediaTime;
use crate::media::inference::Observation;

/// The answer of a processor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What it says, in its own order.
    pub observations: Vec<Observation>,
    /// Call again once media time has passed this moment.
    pub wake: Option<MediaTime>,
}

/// One instance of a processor, for one node.
#[derive(Debug)]
pub struct Processor {
    session: Session,
    guest: processing::Guest,
    this: ResourceAny,
}

impl std::fmt::Debug for processing::Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("processing")
    }
}

impl Processor {
    /// Instantiates and constructs with `config`.
    ///
    /// # Errors
    /// What the component did instead; [`CallError::Refused`] if it does not like the configuration.
    pub async fn new(
        extension: &Arc<Extension>,
        context: &NodeContext,
        config: &Value,
        limits: Limits,
    ) -> Result<Self, CallError> {
        let Worlds::Processor(exports) = extension.exports() else {
            return Err(extension.not_a(World::Processor));
        };
        let (mut session, instance) = Session::start(extension, context, limits).await?;
        let (guest, this) = construct!(session, instance, exports, processor, config);
        Ok(Self { session, guest, this })
    }

    /// Tells it what happened and takes what it says. After a fatal error the processor is of no more use.
    ///
    /// # Errors
    /// What the component did instead of answering.
    pub async fn process(&mut self, cause: &Cause) -> Result<Outcome, CallError> {
        let within = self.session.prepare(cause.time());
        let cause = convert::wit_cause(cause);
        let calls = self.guest.processor();
        let ended = within
            .call(calls.call_process(&mut self.session.store, self.this, &cause))
            .await;
        let outcome = self.session.settle(ended)?.map_err(CallError::refused)?;
        convert::outcome(outcome).map_err(CallError::BadResult)
    }
}
