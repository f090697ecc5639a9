//! The memory that the components of active graphs may come to.
//!
//! Invariant: what is promised never passes what the host allows, however many graphs start at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{ControlError, Detail, Kind, MODULE_VALIDATION};
use crate::graph::Plan;

/// What is promised to all graphs, in MiB.
#[derive(Debug, Default)]
pub(super) struct Promised(Arc<AtomicU64>);

/// What one graph was promised; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Promise {
    all: Arc<AtomicU64>,
    mib: u64,
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.all.fetch_sub(self.mib, Ordering::SeqCst);
    }
}

impl Promised {
    /// Promises a graph the memory that its components may use, if there is a bound.
    pub(super) fn promise(&self, plan: &Plan, most: Option<u64>) -> Result<Promise, ControlError> {
        let mib = memory_mib(plan);
        let more = |all: u64| {
            let sum = all.saturating_add(mib);
            most.is_none_or(|most| sum <= most).then_some(sum)
        };
        let taken = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
        taken
            .map(|_| Promise {
                all: Arc::clone(&self.0),
                mib,
            })
            .map_err(|all| refusal(&plan.instance, mib, all, most.unwrap_or_default()))
    }
}

fn memory_mib(plan: &Plan) -> u64 {
    let components = plan.nodes.iter().filter_map(|node| node.kind.component());
    components
        .map(|component| u64::from(component.limits.memory_mib))
        .sum()
}

fn refusal(instance: &str, mib: u64, all: u64, most: u64) -> ControlError {
    let message = format!(
        "the graph instance `{instance}` cannot be activated: its components may use {mib} MiB and those of active graphs \
         {all} MiB, and `policy.max_guest_memory_mib` is {most}"
    );
    let hint = "deactivate another instance, or give the components less with `limits.memoryMiB`";
    let detail = Detail::new(MODULE_VALIDATION, message.clone()).hint(hint);
    ControlError::with(Kind::BadRequest, message, vec![detail])
}
