//! One instance of a component and the calls into it: each under an epoch deadline, for a guest that computes,
//! and under a time-out, for a guest that sleeps.
//!
//! The future of a call must be polled inside a Tokio runtime with a timer, of any kind.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::error::Elapsed;
use wasmtime::component::Instance;
use wasmtime::{Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::component::Extension;
use super::error::CallError;
use super::guest::{self, Guest, NodeContext};
use super::limits::{Limits, MAX_ERROR_BYTES, Refused, shorten, ticks};
use super::ticker::{Beat, Ticking};
use crate::media::MediaTime;

/// How a call under a time-out ended.
pub(super) type Ended<T> = Result<wasmtime::Result<T>, Elapsed>;

/// The time that a call has. The epoch ticks while this is there.
#[must_use]
pub(super) struct Within {
    timeout: Duration,
    _ticking: Ticking,
}

impl Within {
    /// The call itself, under its time-out.
    pub(super) async fn call<T>(self, call: impl Future<Output = wasmtime::Result<T>>) -> Ended<T> {
        tokio::time::timeout(self.timeout, call).await
    }
}

pub(super) struct Session {
    pub(super) store: Store<Guest>,
    beat: Arc<Beat>,
    limits: Limits,
    timeout: Duration,
}

impl Session {
    /// Makes a store of its own and instantiates the component in it.
    pub(super) async fn start(
        extension: &Extension,
        context: &NodeContext,
        limits: Limits,
    ) -> Result<(Self, Instance), CallError> {
        let mut session = Self {
            store: guest::store(extension.engine(), context, &limits),
            beat: Arc::clone(extension.engine().beat()),
            limits,
            timeout: limits.construct_timeout,
        };
        let within = session.prepare_construction();
        let ended = within
            .call(extension.pre().instantiate_async(&mut session.store))
            .await;
        let instance = session.settle(ended)?;
        Ok((session, instance))
    }

    /// Sets the deadline of the next call to that of instantiation and construction.
    pub(super) fn prepare_construction(&mut self) -> Within {
        self.arm(self.limits.construct_timeout)
    }

    /// Sets the deadline and the guest's clocks for the next call.
    pub(super) fn prepare(&mut self, at: MediaTime) -> Within {
        self.store.data().set_time(at);
        self.arm(self.limits.call_timeout)
    }

    fn arm(&mut self, timeout: Duration) -> Within {
        self.timeout = timeout;
        let guest = self.store.data_mut();
        guest.memory.refused = None;
        guest.budget.begin(ticks(timeout));
        self.store.set_epoch_deadline(ticks(timeout));
        Within {
            timeout,
            _ticking: self.beat.begin(),
        }
    }

    /// Names what happened in a call.
    pub(super) fn settle<T>(&self, ended: Ended<T>) -> Result<T, CallError> {
        match ended {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.name(&error)),
            Err(_) => Err(self.timed_out()),
        }
    }

    fn timed_out(&self) -> CallError {
        CallError::TimedOut { after: self.timeout }
    }

    fn name(&self, error: &wasmtime::Error) -> CallError {
        let trap = error.downcast_ref::<Trap>();
        if trap == Some(&Trap::Interrupt) {
            return self.timed_out();
        }
        let text = shorten(error.root_cause().to_string(), MAX_ERROR_BYTES);
        let crashed = trap.is_some()
            || error.downcast_ref::<I32Exit>().is_some()
            || error.downcast_ref::<WasmBacktrace>().is_some();
        let guest = self.store.data();
        match (&guest.budget.exceeded, guest.memory.refused) {
            (Some(what), _) => CallError::OverBudget(what.clone()),
            (None, Some(Refused::Own)) => CallError::OutOfMemory {
                limit_mib: self.limits.memory_mib,
                trap: text,
            },
            (None, Some(Refused::All)) => CallError::HostOutOfMemory {
                limit_mib: guest.memory.ceiling_mib(),
                trap: text,
            },
            (None, None) if crashed => CallError::Trap(text),
            (None, None) => CallError::BadResult(text),
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The text of a configuration as a constructor gets it; no configuration is an empty one.
pub(super) fn config_text(config: &serde_json::Value) -> String {
    match config {
        serde_json::Value::Null => "{}".to_owned(),
        config => config.to_string(),
    }
}

/// Loads a world's exports of an instance and constructs its one resource with a configuration: gives both. A macro,
/// because each world's generated types are its own.
macro_rules! construct {
    ($session:ident, $instance:ident, $exports:ident, $resource:ident, $config:ident) => {{
        let guest = $exports.load(&mut $session.store, &$instance);
        let guest = $session.settle(Ok(guest))?;
        let within = $session.prepare_construction();
        let config = crate::extension::session::config_text($config);
        let calls = guest.$resource();
        let constructing = calls.call_constructor(&mut $session.store, &config);
        let ended = within.call(constructing).await;
        let this = $session.settle(ended)?.map_err(CallError::refused)?;
        (guest, this)
    }};
}
pub(super) use construct;
