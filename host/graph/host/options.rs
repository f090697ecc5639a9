//! What a host is made of, how much it takes on, and who has the last word over a topology.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::error::Detail;
use super::transition::FIRST_RETRY;
use crate::extension::LazyEngine;
use crate::graph::instance::DRAIN_TIMEOUT;
use crate::graph::{Recordings, Runtime};
use crate::inference::Models;
use crate::nodes::Graph;
use crate::state::StateDir;
use crate::topology::Secrets;

/// What the owner of the host has decided, over any topology.
pub trait Policy: Send + Sync + Debug {
    /// The rules that a graph breaks, one detail each.
    fn check(&self, graph: &Graph) -> Vec<Detail>;

    /// The memory that the components of all active graphs may come to, in MiB; none: as much as there is.
    fn max_guest_memory_mib(&self) -> Option<u64> {
        None
    }
}

/// No rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Policy for AllowAll {
    fn check(&self, _: &Graph) -> Vec<Detail> {
        Vec::new()
    }
}

/// How much the host takes on.
#[derive(Clone, Debug)]
pub struct HostLimits {
    /// Topologies that may be stored.
    pub max_topologies: usize,
    /// Graph instances that may be stored.
    pub max_instances: usize,
    /// How many graphs are started at the same time.
    pub concurrent_activations: usize,
    /// How long a graph may drain before what it still holds is given up.
    pub drain_timeout: Duration,
    /// A graph that is wanted and does not start is tried again after this; see [`super::transition::LONGEST_RETRY`].
    pub first_retry: Duration,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            max_topologies: 1_000,
            max_instances: 5_000,
            concurrent_activations: 4,
            drain_timeout: DRAIN_TIMEOUT,
            first_retry: FIRST_RETRY,
        }
    }
}

/// What a host is made of.
#[derive(Debug)]
pub struct HostOptions {
    /// Where the registry, recordings and everything else is.
    pub state: Arc<StateDir>,
    /// The cache and the stores.
    pub recordings: Arc<Recordings>,
    /// What all graphs share.
    pub runtime: Runtime,
    /// Loads components.
    pub engine: LazyEngine,
    /// Loads models.
    pub models: Arc<Models>,
    /// The only folders that topologies may load components and models from.
    pub load_roots: Vec<PathBuf>,
    /// How much the host takes on.
    pub limits: HostLimits,
    /// The last word over a topology.
    pub policy: Arc<dyn Policy>,
    /// The host's secrets, for parameters that name one.
    pub secrets: Secrets,
}
