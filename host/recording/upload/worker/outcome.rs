//! What follows when a store took something, or did not.
//!
//! Invariant: each change is told once, however often it is tried.

use std::time::Duration;

use super::{Backing, Halt, Worker};
use crate::recording::index::AssetId;
use crate::recording::listener::RecordingEvent;
use crate::recording::store::{StoreError, StoreErrorKind};
use crate::recording::upload::backoff;
use crate::recording::upload::status::Paused;

impl Worker {
    /// A store that did something for an asset takes media again.
    pub(in crate::recording::upload) fn succeeded(&mut self, id: AssetId) {
        self.failures = 0;
        if let Some(asset) = self.assets.get_mut(&id)
            && asset.blocked.take().is_some()
        {
            self.shared.lock().blocked.remove(&asset.name);
            tracing::info!(
                store = self.options.name,
                asset = asset.name,
                "The store takes this recording again"
            );
        }
        let resumed = self.shared.lock().paused.take();
        if let Some(paused) = resumed {
            let after = self.now().saturating_sub(paused.from);
            tracing::info!(
                store = self.options.name,
                after = after.as_secs(),
                "Uploads go on"
            );
            let event = RecordingEvent::StoreResumed {
                store: self.options.name.clone(),
                after,
            };
            self.options.cache.listener().tell("", &event);
        }
    }

    /// What concerns one asset leaves that one out for a while; everything else ends the pass.
    pub(in crate::recording::upload) fn failed(
        &mut self,
        id: AssetId,
        error: StoreError,
    ) -> Result<(), Halt> {
        let of_one = matches!(
            error.kind,
            StoreErrorKind::Differs
                | StoreErrorKind::OtherWriter
                | StoreErrorKind::Source
                | StoreErrorKind::NotFound
                | StoreErrorKind::Other
        );
        if !of_one {
            return Err(Halt::Store(error));
        }
        let now = self.now();
        let Some(asset) = self.assets.get_mut(&id) else {
            return Ok(());
        };
        // Its folder may have gone: it is made anew with the next claim.
        asset.claimed = None;
        asset.inits.clear();
        let failures = asset
            .blocked
            .map_or(0, |backing| backing.failures)
            .saturating_add(1);
        let until = now + backoff::delay(&error, failures, fastrand::f64());
        asset.blocked = Some(Backing { failures, until });
        let mut inner = self.shared.lock();
        inner.failures = inner.failures.saturating_add(1);
        let told = inner.blocked.insert(asset.name.clone(), error.message.clone());
        drop(inner);
        if told.is_none() {
            tracing::warn!(store = self.options.name, asset = asset.name, %error, "The store does not take this recording; it stays in the cache and is tried again");
            let event = RecordingEvent::AssetBlocked {
                store: self.options.name.clone(),
                asset: asset.name.clone(),
                message: error.message,
            };
            self.options.cache.listener().tell("", &event);
        }
        Ok(())
    }

    /// Says once that the store takes nothing; gives the time before the next try.
    pub(super) fn halted(&mut self, halt: &Halt) -> Duration {
        let index;
        let error = match halt {
            Halt::Store(error) => error,
            Halt::Index(error) => {
                index = StoreError::new(StoreErrorKind::Source, error.to_string());
                &index
            }
        };
        self.failures = self.failures.saturating_add(1);
        // A connection that broke may have led to another store, or to one that was emptied.
        for asset in self.assets.values_mut() {
            asset.claimed = None;
        }
        let mut inner = self.shared.lock();
        inner.failures = inner.failures.saturating_add(1);
        let message = error.message.clone();
        match &mut inner.paused {
            Some(paused) => paused.message = message,
            none => {
                *none = Some(Paused {
                    since: self.options.clock.wall(),
                    from: self.options.clock.monotonic(),
                    message: message.clone(),
                });
                drop(inner);
                tracing::warn!(store = self.options.name, %error, "Uploads pause: what is recorded stays in the cache until the store takes it again");
                let event = RecordingEvent::StorePaused {
                    store: self.options.name.clone(),
                    message,
                };
                self.options.cache.listener().tell("", &event);
            }
        }
        backoff::delay(error, self.failures, fastrand::f64())
    }
}
