//! Everything that a control plane may ask of the host: the ten operations on topologies and graph instances.

pub mod error;
pub mod page;
pub mod status;

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

pub use self::error::{ControlError, Detail, Kind};
pub use self::page::PageRequest;
pub use self::status::{InstanceState, InstanceStatus, Wanted};
use super::Runtime;
use super::registry::RegistryError;
use crate::extension::LazyEngine;
use crate::nodes::Graph;
use crate::state::StateDir;
use crate::topology::Diagnostics;

/// What the owner of the host has decided, over any topology.
pub trait Policy: Send + Sync + Debug {
    /// The rules that a graph breaks, one detail each.
    fn check(&self, graph: &Graph) -> Vec<Detail>;
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
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            max_topologies: 1_000,
            max_instances: 5_000,
            concurrent_activations: 4,
            drain_timeout: Duration::from_secs(60),
        }
    }
}

/// What a host is made of.
#[derive(Debug)]
pub struct HostOptions {
    /// Where the registry, recordings and everything else is.
    pub state: Arc<StateDir>,
    /// What all graphs share.
    pub runtime: Runtime,
    /// Loads components.
    pub engine: LazyEngine,
    /// The only folders that topologies may load components from.
    pub load_roots: Vec<PathBuf>,
    /// How much the host takes on.
    pub limits: HostLimits,
    /// The last word over a topology.
    pub policy: Arc<dyn Policy>,
}

/// What a `Set` came to.
#[derive(Clone, Debug)]
pub struct Stored {
    /// 201 when it is new, 200 when there was one of this name.
    pub created: bool,
    /// The resource as stored, without secrets.
    pub resource: Value,
    /// What is odd about it.
    pub warnings: Diagnostics,
}

/// What a `Delete` came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It was there: 200.
    Yes,
    /// It was not: 204.
    NotThere,
}

/// What a deactivation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Draining took longer than it may; what the graph still held is lost.
    pub gave_up: bool,
}

/// The topologies and graph instances of one host. Clones are the same host.
#[derive(Clone, Debug)]
pub struct GraphHost {
    options: Arc<HostOptions>,
}

fn not_yet() -> ControlError {
    ControlError::internal("not there yet")
}

impl GraphHost {
    /// Opens the registry in the state directory. Nothing runs until [`GraphHost::resume`]. Blocks.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn open(options: HostOptions) -> Result<Self, RegistryError> {
        Ok(Self {
            options: Arc::new(options),
        })
    }

    /// Activates all instances whose wanted state is `Active`, a few at a time. What fails is tried again later.
    pub async fn resume(&self) {}

    /// Drains all running graphs; wanted states stay. Bounded.
    pub async fn shutdown(&self) {}

    /// GraphTopologySet. `body` is the topology as sent: line numbers are of it.
    ///
    /// # Errors
    /// Everything that is wrong with it, or 409 while it is in use.
    pub async fn topology_set(&self, body: &[u8]) -> Result<Stored, ControlError> {
        let _ = (body, &self.options);
        Err(not_yet())
    }

    /// GraphTopologyGet.
    ///
    /// # Errors
    /// 404.
    pub async fn topology_get(&self, name: &str) -> Result<Value, ControlError> {
        let _ = name;
        Err(not_yet())
    }

    /// GraphTopologyList: `{"value": [...]}`, and `@continuationToken` when there is more.
    ///
    /// # Errors
    /// 400 for a query or token that is not understood.
    pub async fn topology_list(&self, page: &PageRequest) -> Result<Value, ControlError> {
        let _ = page;
        Err(not_yet())
    }

    /// GraphTopologyDelete.
    ///
    /// # Errors
    /// 409 while an instance refers to it.
    pub async fn topology_delete(&self, name: &str) -> Result<Deleted, ControlError> {
        let _ = name;
        Err(not_yet())
    }

    /// GraphInstanceSet. `body` is the instance as sent.
    ///
    /// # Errors
    /// Everything that is wrong with it, or 409 while it is not `Inactive`.
    pub async fn instance_set(&self, body: &[u8]) -> Result<Stored, ControlError> {
        let _ = body;
        Err(not_yet())
    }

    /// GraphInstanceGet.
    ///
    /// # Errors
    /// 404.
    pub async fn instance_get(&self, name: &str) -> Result<Value, ControlError> {
        let _ = name;
        Err(not_yet())
    }

    /// GraphInstanceList.
    ///
    /// # Errors
    /// 400 for a query or token that is not understood.
    pub async fn instance_list(&self, page: &PageRequest) -> Result<Value, ControlError> {
        let _ = page;
        Err(not_yet())
    }

    /// GraphInstanceDelete.
    ///
    /// # Errors
    /// 409 while it is not `Inactive`.
    pub async fn instance_delete(&self, name: &str) -> Result<Deleted, ControlError> {
        let _ = name;
        Err(not_yet())
    }

    /// GraphInstanceActivate: returns when it is `Active`.
    ///
    /// # Errors
    /// 404, 409 while it deactivates, or why it cannot run.
    pub async fn instance_activate(&self, name: &str) -> Result<(), ControlError> {
        let _ = name;
        Err(not_yet())
    }

    /// GraphInstanceDeactivate: returns when everything has been written, or given up.
    ///
    /// # Errors
    /// 404, or 409 while it activates.
    pub async fn instance_deactivate(&self, name: &str) -> Result<Drained, ControlError> {
        let _ = name;
        Err(not_yet())
    }

    /// How an instance and each of its nodes is.
    ///
    /// # Errors
    /// 404.
    pub async fn instance_status(&self, name: &str) -> Result<InstanceStatus, ControlError> {
        let _ = name;
        Err(not_yet())
    }

    /// How all instances are, by name. Cheap; waits for nobody.
    #[must_use]
    pub fn statuses(&self) -> Vec<InstanceStatus> {
        Vec::new()
    }
}
