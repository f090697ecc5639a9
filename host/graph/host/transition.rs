//! Activating and deactivating: who begins, who waits, and what happens when it fails.
//!
//! Invariants: an instance is in one transition at a time, which runs to its end whether or not anybody still waits
//! for it; no lock is held meanwhile. What is wanted is on the disk before a reply says so, and before a graph drains.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::catalog::{Activated, Ending, Entry, Phase, Retry, Topology, wrong_state};
use super::error::{ControlError, Kind};
use super::status::InstanceState;
use super::validate::{Candidate, module_problem};
use super::{Drained, Shared};
use crate::graph::Instance;
use crate::graph::instance::InstanceError;
use crate::graph::logging;
use crate::graph::registry::{InstanceRow, Wanted};
use crate::nodes::Config;
use crate::recording::upload::Remaining;
use crate::topology::ResolvedNode;

/// A graph that is wanted and does not start is tried again after this, then after twice as long, and so on.
pub const FIRST_RETRY: Duration = Duration::from_secs(5);
/// The longest time between two tries.
pub const LONGEST_RETRY: Duration = Duration::from_secs(300);

/// Who asks for an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// A client.
    Now,
    /// The host, because it is wanted.
    Again,
}

/// What an operation that may take long has come to so far.
pub(super) enum Begun<T> {
    Done(T),
    Wait(Ending<T>),
}

impl<T: Clone> Begun<T> {
    /// Waits for the end; none when nobody will ever tell it.
    pub(super) async fn end(self) -> Option<T> {
        match self {
            Self::Done(end) => Some(end),
            Self::Wait(mut ending) => ending.wait_for(Option::is_some).await.ok()?.clone(),
        }
    }
}

/// Begins an activation, or joins the one that runs. Blocks.
pub(super) fn begin_activation(
    shared: &Arc<Shared>,
    name: &str,
    asked: Asked,
) -> Result<Begun<Activated>, ControlError> {
    // A topology is replaced under this lock: it stays as it is once the state says that it is in use.
    let _registry = shared.registry();
    let mut catalog = shared.catalog();
    let entry = catalog.instance(name)?;
    match &entry.phase {
        Phase::Active(_) => return Ok(Begun::Done(Ok(()))),
        Phase::Activating(ending) => return Ok(Begun::Wait(ending.clone())),
        Phase::Deactivating(..) => {
            return Err(wrong_state(
                name,
                InstanceState::Deactivating,
                "it cannot be activated now",
            ));
        }
        Phase::Inactive => {}
    }
    if asked == Asked::Again && entry.row.wanted == Wanted::Inactive {
        return Ok(Begun::Done(Ok(())));
    }
    if shared.closing.is_cancelled() {
        return Err(ControlError::new(Kind::Busy, "the host is stopping"));
    }
    let topology = Arc::clone(catalog.topology(&entry.row.topology)?);
    let entry = catalog.instance_mut(name)?;
    let (tell, ending) = watch::channel(None);
    let failures = entry.call_off_retry().unwrap_or(0);
    entry.enter(Phase::Activating(ending.clone()), shared.now());
    let row = Arc::clone(&entry.row);
    let work = activate(Arc::clone(shared), topology, row, failures, tell);
    shared.tasks.spawn(work);
    Ok(Begun::Wait(ending))
}

async fn activate(
    shared: Arc<Shared>,
    topology: Arc<Topology>,
    row: Arc<InstanceRow>,
    failures: u32,
    tell: watch::Sender<Option<Activated>>,
) {
    // A task of its own, so that a panic in there is an activation that failed and not one that never ends.
    let work = start(Arc::clone(&shared), topology, Arc::clone(&row));
    let started = shared.tasks.spawn(work).await;
    let started = started.unwrap_or_else(|_| {
        Err(ControlError::internal(
            "the host failed while it started the graph",
        ))
    });
    let started = match started {
        Ok(instance) => remember(&shared, &row, instance).await,
        Err(error) => Err(error),
    };
    let activated = settle(&shared, &row, failures, started);
    logging::instance(&row.name).in_scope(|| match &activated {
        Ok(()) => tracing::info!(topology = row.topology, "The graph runs"),
        Err(error) => tracing::warn!(%error, "The graph does not start"),
    });
    tell.send_replace(Some(activated));
}

/// Loads what the graph needs and starts it.
async fn start(
    shared: Arc<Shared>,
    topology: Arc<Topology>,
    row: Arc<InstanceRow>,
) -> Result<Instance, ControlError> {
    let stopping = || ControlError::new(Kind::Busy, "the host is stopping");
    let turn = tokio::select! {
        () = shared.closing.cancelled() => return Err(stopping()),
        turn = shared.activations.acquire() => turn.map_err(|_| stopping())?,
    };
    let (host, of, what) = (Arc::clone(&shared), Arc::clone(&topology), Arc::clone(&row));
    let told = Arc::clone(&shared.catalog().instance(&row.name)?.compiling);
    let planning = move || {
        let compiling = |node: &ResolvedNode<Config>, state| told.tell(node, state);
        let candidate = Candidate {
            topology: &of,
            row: &what,
            sent: None,
        };
        let secrets = candidate.secrets(&host);
        (
            candidate
                .plan(&host, &compiling)
                .map_err(|error| secrets.scrub(error)),
            secrets,
        )
    };
    let (plan, secrets) = tokio::task::spawn_blocking(planning)
        .await
        .map_err(ControlError::internal)?;
    let plan = plan?;
    let most = shared.options.policy.max_guest_memory_mib();
    // The policy may have changed since the last one.
    shared.environment.engine.memory().set(most);
    let promise = shared.memory.promise(&plan, most)?;
    let instance = Instance::start(plan, &shared.options.runtime).await;
    drop(turn);
    let mut instance = instance.map_err(|error| secrets.scrub(refusal(&topology, &row, &error)))?;
    instance.keep(Box::new(promise));
    Ok(instance)
}

fn refusal(topology: &Topology, row: &InstanceRow, error: &InstanceError) -> ControlError {
    let detail = match error {
        InstanceError::Component { node, error } => {
            let message = format!("the component does not start: {error}");
            module_problem(&topology.doc, node, &message)
        }
        InstanceError::Input { node, message } => module_problem(&topology.doc, node, message),
        InstanceError::Drain => return ControlError::internal(error),
    };
    let message = format!(
        "the graph instance `{}` cannot be activated: {}",
        row.name, detail.message
    );
    ControlError::with(Kind::BadRequest, message, vec![detail])
}

/// Writes down that the instance is to run; a graph that cannot be remembered does not go on.
async fn remember(
    shared: &Arc<Shared>,
    row: &Arc<InstanceRow>,
    instance: Instance,
) -> Result<Instance, ControlError> {
    if row.wanted == Wanted::Active {
        return Ok(instance);
    }
    let (host, name) = (Arc::clone(shared), row.name.clone());
    let writing = move || {
        host.registry()
            .set_wanted(&name, Wanted::Active)
            .map_err(ControlError::internal)
    };
    let written = tokio::task::spawn_blocking(writing).await;
    match written.unwrap_or_else(|error| Err(ControlError::internal(error))) {
        Ok(()) => Ok(instance),
        Err(error) => {
            // Only to end it; there is nothing in it yet that could be lost.
            let _ = instance.stop_within(shared.options.limits.drain_timeout).await;
            Err(error)
        }
    }
}

/// Puts the instance into the state that it has come to.
fn settle(
    shared: &Arc<Shared>,
    row: &InstanceRow,
    failures: u32,
    started: Result<Instance, ControlError>,
) -> Activated {
    let mut catalog = shared.catalog();
    let entry = catalog.instance_mut(&row.name)?;
    match started {
        Ok(instance) => {
            entry.enter(Phase::Active(instance), shared.now());
            entry.want(Wanted::Active);
            entry.last_error = None;
            Ok(())
        }
        Err(error) => {
            entry.enter(Phase::Inactive, shared.now());
            entry.last_error = Some(told(&error));
            if entry.row.wanted == Wanted::Active {
                try_again(shared, entry, failures);
            }
            Err(error)
        }
    }
}

/// A refusal in one text, for a status.
fn told(error: &ControlError) -> String {
    match error.details.as_slice() {
        [] | [_] => error.message.clone(),
        details => {
            let all: Vec<&str> = details.iter().map(|detail| detail.message.as_str()).collect();
            format!("{}: {}", error.message, all.join("; "))
        }
    }
}

fn try_again(shared: &Arc<Shared>, entry: &mut Entry, failures: u32) {
    if shared.closing.is_cancelled() {
        return;
    }
    let cancel = shared.closing.child_token();
    entry.retry = Some(Retry {
        cancel: cancel.clone(),
        failures: failures.saturating_add(1),
    });
    let wait = retry_after(shared.options.limits.first_retry, failures);
    shared
        .tasks
        .spawn(retry(Arc::clone(shared), entry.row.name.clone(), wait, cancel));
}

fn retry_after(first: Duration, failures: u32) -> Duration {
    first
        .saturating_mul(2_u32.saturating_pow(failures))
        .min(LONGEST_RETRY.max(first))
}

async fn retry(shared: Arc<Shared>, name: String, wait: Duration, cancel: CancellationToken) {
    tokio::select! {
        () = cancel.cancelled() => return,
        () = tokio::time::sleep(wait) => {}
    }
    let begin = move || {
        if !cancel.is_cancelled() {
            // What it comes to stands in the instance's status.
            let _ = begin_activation(&shared, &name, Asked::Again);
        }
    };
    let _ = tokio::task::spawn_blocking(begin).await;
}

/// Begins a deactivation, or joins the one that runs. Blocks.
pub(super) fn begin_deactivation(shared: &Arc<Shared>, name: &str) -> Result<Begun<Drained>, ControlError> {
    let mut registry = shared.registry();
    let wanted = {
        let catalog = shared.catalog();
        let entry = catalog.instance(name)?;
        match &entry.phase {
            Phase::Activating(_) => {
                return Err(wrong_state(
                    name,
                    InstanceState::Activating,
                    "it cannot be deactivated now",
                ));
            }
            Phase::Deactivating(ending, _) => return Ok(Begun::Wait(ending.clone())),
            Phase::Active(_) | Phase::Inactive => entry.row.wanted,
        }
    };
    if wanted == Wanted::Active {
        registry
            .set_wanted(name, Wanted::Inactive)
            .map_err(ControlError::internal)?;
    }
    let mut catalog = shared.catalog();
    let entry = catalog.instance_mut(name)?;
    entry.want(Wanted::Inactive);
    entry.call_off_retry();
    Ok(match drain(shared, entry) {
        Some(ending) => Begun::Wait(ending),
        None => Begun::Done(Drained::default()),
    })
}

/// Begins to drain an instance if it is active.
pub(super) fn drain(shared: &Arc<Shared>, entry: &mut Entry) -> Option<Ending<Drained>> {
    let Phase::Active(instance) = &entry.phase else {
        return None;
    };
    let watch = instance.watch();
    let (tell, ending) = watch::channel(None);
    let before = entry.enter(Phase::Deactivating(ending.clone(), watch), shared.now());
    if let Phase::Active(instance) = before {
        let work = deactivate(Arc::clone(shared), Arc::clone(&entry.row), instance, tell);
        shared.tasks.spawn(work);
    }
    Some(ending)
}

async fn deactivate(
    shared: Arc<Shared>,
    row: Arc<InstanceRow>,
    instance: Instance,
    tell: watch::Sender<Option<Drained>>,
) {
    let limit = shared.options.limits.drain_timeout;
    // A task of its own, so that a panic in there is not a deactivation that never ends.
    let clock = &shared.options.runtime.clock;
    let begun = clock.monotonic();
    let drained = shared.tasks.spawn(instance.stop_within(limit)).await;
    let gave_up = !matches!(drained, Ok(Ok(())));
    let remaining = upload(
        &shared,
        &row.name,
        limit.saturating_sub(clock.monotonic().saturating_sub(begun)),
    )
    .await;
    if let Ok(entry) = shared.catalog().instance_mut(&row.name) {
        entry.enter(Phase::Inactive, shared.now());
        entry.last_error = gave_up.then(|| {
            format!(
                "the graph did not drain within {} s; what it still held is lost",
                limit.as_secs()
            )
        });
    }
    logging::instance(&row.name).in_scope(|| {
        if gave_up {
            tracing::warn!("The graph did not drain in time: what it still held is lost");
        } else {
            tracing::info!("The graph has stopped");
        }
        if remaining.segments > 0 {
            let Remaining { segments, bytes } = remaining;
            tracing::info!(
                segments,
                bytes,
                "Not everything is uploaded yet; it stays in the cache and goes up later"
            );
        }
    });
    tell.send_replace(Some(Drained { gave_up, remaining }));
}

/// Waits until the stores have what an instance recorded, at most so long.
async fn upload(shared: &Shared, instance: &str, bound: Duration) -> Remaining {
    // A host that stops waits for all of its recordings at once, after its graphs.
    if shared.closing.is_cancelled() {
        return Remaining::default();
    }
    shared.options.recordings.flush(Some(instance), bound).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_become_rarer_up_to_a_bound() {
        let waits: Vec<u64> = [0, 1, 2, 6, 7, u32::MAX]
            .into_iter()
            .map(|failures| retry_after(FIRST_RETRY, failures).as_secs())
            .collect();
        assert_eq!(waits, [5, 10, 20, 300, 300, 300]);
    }
}
