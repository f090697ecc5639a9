//! What the host knows of its topologies and graph instances, in memory.
//!
//! The registry on the disk holds the same, but for states. Nobody waits for anything while it is locked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Drained;
use super::echo;
use super::error::{ControlError, Detail, Kind, NOT_ALLOWED_IN_STATE, NOT_VALID_IN_STATE};
use super::secrets::Secrets;
use super::status::{InstanceState, InstanceStatus, Wanted};
use crate::graph::Instance;
use crate::graph::instance::Watch;
use crate::graph::registry::{InstanceRow, TopologyRow};
use crate::media::MediaTime;
use crate::nodes::Config;
use crate::nodes::context::{NodeStats, NodeStatus};
use crate::nodes::io::viewers::Viewer;
use crate::topology::diagnostics::{did_you_mean, shown};
use crate::topology::{ResolvedNode, TopologyDoc};

/// A topology, read once.
#[derive(Debug)]
pub(super) struct Topology {
    pub(super) doc: TopologyDoc,
    pub(super) secrets: Secrets,
    pub(super) created_at: String,
    /// What Get and List show.
    pub(super) shown: Value,
}

impl Topology {
    pub(super) fn new(row: &TopologyRow, doc: TopologyDoc) -> Self {
        let secrets = Secrets::of_topology(doc.value());
        Self {
            shown: echo::topology(doc.value(), &secrets, (&row.created_at, &row.modified_at)),
            created_at: row.created_at.clone(),
            secrets,
            doc,
        }
    }
}

/// The end of a transition, for those who wait for it.
pub(super) type Ending<T> = watch::Receiver<Option<T>>;

/// What an activation comes to.
pub(super) type Activated = Result<(), ControlError>;

/// How an instance is, with what belongs to that state.
#[derive(Debug)]
pub(super) enum Phase {
    Inactive,
    Activating(Ending<Activated>),
    Active(Instance),
    Deactivating(Ending<Drained>, Watch),
}

impl Phase {
    pub(super) fn state(&self) -> InstanceState {
        match self {
            Self::Inactive => InstanceState::Inactive,
            Self::Activating(_) => InstanceState::Activating,
            Self::Active(_) => InstanceState::Active,
            Self::Deactivating(..) => InstanceState::Deactivating,
        }
    }

    fn watch(&self) -> Option<Watch> {
        match self {
            Self::Inactive | Self::Activating(_) => None,
            Self::Active(instance) => Some(instance.watch()),
            Self::Deactivating(_, watch) => Some(watch.clone()),
        }
    }
}

/// An activation that is tried again later.
#[derive(Debug)]
pub(super) struct Retry {
    /// Calls it off.
    pub(super) cancel: CancellationToken,
    /// How often it has failed in a row.
    pub(super) failures: u32,
}

/// The nodes of an instance whose components are being compiled for it: name and type.
#[derive(Debug, Default)]
pub(super) struct Compilations(Mutex<Vec<(String, &'static str, &'static str)>>);

impl Compilations {
    fn lock(&self) -> MutexGuard<'_, Vec<(String, &'static str, &'static str)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// That one has begun, and what it is, or that it has ended.
    pub(super) fn tell(&self, node: &ResolvedNode<Config>, state: Option<&'static str>) {
        let mut nodes = self.lock();
        nodes.retain(|(name, ..)| *name != node.name);
        if let Some(state) = state {
            nodes.push((node.name.clone(), node.config.type_name(), state));
        }
    }

    pub(super) fn status(&self) -> Vec<NodeStatus> {
        let nodes = self.lock();
        let status = |(name, of, state): &(String, &'static str, &'static str)| {
            NodeStats::of(of, state).status(name, Duration::ZERO)
        };
        nodes.iter().map(status).collect()
    }
}

/// A graph instance.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) row: Arc<InstanceRow>,
    pub(super) phase: Phase,
    pub(super) since: MediaTime,
    pub(super) last_error: Option<String>,
    pub(super) retry: Option<Retry>,
    pub(super) compiling: Arc<Compilations>,
}

impl Entry {
    pub(super) fn new(row: InstanceRow, now: MediaTime) -> Self {
        Self {
            row: Arc::new(row),
            phase: Phase::Inactive,
            since: now,
            last_error: None,
            retry: None,
            compiling: Arc::default(),
        }
    }

    /// Goes into another state.
    pub(super) fn enter(&mut self, phase: Phase, now: MediaTime) -> Phase {
        self.since = now;
        std::mem::replace(&mut self.phase, phase)
    }

    pub(super) fn want(&mut self, wanted: Wanted) {
        if self.row.wanted != wanted {
            Arc::make_mut(&mut self.row).wanted = wanted;
        }
    }

    /// Calls off an activation that was to be tried again.
    pub(super) fn call_off_retry(&mut self) -> Option<u32> {
        let retry = self.retry.take()?;
        retry.cancel.cancel();
        Some(retry.failures)
    }

    pub(super) fn status(&self) -> InstanceStatus {
        InstanceStatus {
            name: self.row.name.clone(),
            topology_name: self.row.topology.clone(),
            state: self.phase.state(),
            wanted: self.row.wanted,
            since: self.since.iso(),
            nodes: match self.phase.watch() {
                Some(watch) => watch.status(),
                None => self.compiling.status(),
            },
            last_error: self.last_error.clone(),
        }
    }

    /// Looks at what a source shows from now on.
    pub(super) fn look(&self, source: &str) -> Result<Viewer, ControlError> {
        let Some(watch) = self.phase.watch() else {
            return Err(self.shows_nothing());
        };
        let found = watch.look(source);
        // While a graph ends, its cameras go before it does.
        found.ok_or_else(|| match self.phase.state() {
            InstanceState::Active => not_found("running source", source, []),
            _ => self.shows_nothing(),
        })
    }

    fn shows_nothing(&self) -> ControlError {
        let message = format!(
            "the graph instance {} is {}: its cameras show nothing",
            shown(&self.row.name),
            self.phase.state().name()
        );
        let detail = Detail::new(NOT_VALID_IN_STATE, message.clone()).hint("activate it first");
        ControlError::with(Kind::Conflict, message, vec![detail])
    }

    /// The refusal of something that can only be done while nothing runs.
    pub(super) fn must_be_inactive(&self, what: &str) -> Result<(), ControlError> {
        match self.phase.state() {
            InstanceState::Inactive => Ok(()),
            state => Err(wrong_state(&self.row.name, state, what)),
        }
    }
}

/// 409 with the code that LVA's module gave and the one that its documentation gave.
pub(super) fn wrong_state(name: &str, state: InstanceState, what: &str) -> ControlError {
    let message = format!("the graph instance {} is {}: {what}", shown(name), state.name());
    let hint = match state {
        InstanceState::Activating => "wait until it is active, then deactivate it",
        InstanceState::Active => "deactivate it first",
        InstanceState::Inactive | InstanceState::Deactivating => "wait until it is inactive",
    };
    let detail = |code| Detail::new(code, message.clone()).hint(hint);
    let details = vec![detail(NOT_VALID_IN_STATE), detail(NOT_ALLOWED_IN_STATE)];
    ControlError::with(Kind::Conflict, message.clone(), details)
}

/// Everything.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    pub(super) topologies: BTreeMap<String, Arc<Topology>>,
    pub(super) instances: BTreeMap<String, Entry>,
}

impl Catalog {
    pub(super) fn topology(&self, name: &str) -> Result<&Arc<Topology>, ControlError> {
        let found = self.topologies.get(name);
        found.ok_or_else(|| not_found("graph topology", name, self.topologies.keys()))
    }

    pub(super) fn instance(&self, name: &str) -> Result<&Entry, ControlError> {
        let found = self.instances.get(name);
        found.ok_or_else(|| not_found("graph instance", name, self.instances.keys()))
    }

    pub(super) fn instance_mut(&mut self, name: &str) -> Result<&mut Entry, ControlError> {
        if !self.instances.contains_key(name) {
            self.instance(name)?;
        }
        self.instances
            .get_mut(name)
            .ok_or_else(|| not_found("graph instance", name, []))
    }

    /// The instances that are made of a topology.
    pub(super) fn users(&self, topology: &str) -> impl Iterator<Item = &Entry> {
        let all = self.instances.values();
        all.filter(move |entry| entry.row.topology == topology)
    }

    /// What Get and List show of an instance.
    pub(super) fn show(&self, entry: &Entry) -> Value {
        let secrets = self
            .topologies
            .get(&entry.row.topology)
            .map(|topology| &topology.secrets);
        echo::instance(&entry.row, entry.phase.state(), secrets)
    }
}

/// 404, with the name that may have been meant.
pub(super) fn not_found<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a String>,
) -> ControlError {
    let message = format!("there is no {what} {}", shown(name));
    let mut detail = Detail::new(Kind::NotFound.code(), message.clone()).at("$.Name");
    if let Some(meant) = did_you_mean(name, known.into_iter().map(String::as_str)) {
        detail = detail.hint(format!("did you mean `{meant}`?"));
    }
    ControlError::with(Kind::NotFound, message, vec![detail])
}
