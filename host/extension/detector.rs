//! Components of the world `detector`: they look at frames.

use std::sync::Arc;

use serde_json::Value;
use wasmtime::component::{Resource, ResourceAny};

use super::bindings::exported::detection;
use super::component::{Extension, World, Worlds};
use super::convert;
use super::error::CallError;
use super::guest::{NodeContext, ShownFrame};
use super::limits::Limits;
use super::session::{Session, construct};
use crate::media::MediaTime;
use crate::media::image::{FrameView, ImageSpec};
use crate::media::inference::Inference;

/// What a detector wants to be fed, checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RequestedInput {
    /// Layout, size, fit and fill.
    pub image: ImageSpec,
    /// Frames a second at most. None: what the topology says, else all.
    pub max_rate: Option<f32>,
}

/// One instance of a detector, for one node.
#[derive(Debug)]
pub struct Detector {
    session: Session,
    guest: detection::Guest,
    this: ResourceAny,
    input: RequestedInput,
}

impl std::fmt::Debug for detection::Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("detection")
    }
}

impl Detector {
    /// Instantiates, constructs with `config`, and asks for the input.
    ///
    /// # Errors
    /// What the component did instead; [`CallError::Refused`] if it does not like the configuration.
    pub async fn new(
        extension: &Arc<Extension>,
        context: &NodeContext,
        config: &Value,
        limits: Limits,
    ) -> Result<Self, CallError> {
        let Worlds::Detector(exports) = extension.exports() else {
            return Err(extension.not_a(World::Detector));
        };
        let (mut session, instance) = Session::start(extension, context, limits).await?;
        let (guest, this) = construct!(session, instance, exports, detector, config);
        let within = session.prepare(MediaTime::MIN);
        let ended = within
            .call(guest.detector().call_input(&mut session.store, this))
            .await;
        let input = convert::input(session.settle(ended)?).map_err(CallError::BadResult)?;
        Ok(Self {
            session,
            guest,
            this,
            input,
        })
    }

    /// What it wants to be fed.
    #[must_use]
    pub fn input(&self) -> &RequestedInput {
        &self.input
    }

    /// Shows it a frame and takes what it says, with boxes as parts of the source's picture. After a fatal error the detector is of no more use.
    ///
    /// # Errors
    /// What the component did instead of answering.
    pub async fn detect(&mut self, frame: &FrameView) -> Result<Vec<Inference>, CallError> {
        let within = self.session.prepare(frame.time);
        let store = &mut self.session.store;
        let shown = store
            .data_mut()
            .table
            .push(ShownFrame::new(frame.clone()))
            .map_err(|error| CallError::Trap(format!("no room for the frame: {error}")))?;
        let borrowed = Resource::new_borrow(shown.rep());
        let calls = self.guest.detector();
        let ended = within
            .call(calls.call_detect(&mut *store, self.this, borrowed))
            .await;
        // The frame is the guest's for this call only. Its absence here would be no harm: the handle is dead.
        let _ = store.data_mut().table.delete(shown);
        let said = self.session.settle(ended)?.map_err(CallError::refused)?;
        let mut found = convert::inferences(said).map_err(CallError::BadResult)?;
        // It speaks of what it was shown, which may have a border.
        let content = frame.prepared.content;
        for inference in &mut found {
            inference.map_area(|area| area.to_source(content));
        }
        Ok(found)
    }
}
