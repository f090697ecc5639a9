//! What others see of graph instances.

use serde::Serialize;

pub use crate::graph::registry::Wanted;
use crate::nodes::context::NodeStatus;

/// The states that Live Video Analytics named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum InstanceState {
    /// Nothing runs.
    Inactive,
    /// Components are loaded and nodes started.
    Activating,
    /// The graph runs; its camera may be away.
    Active,
    /// What is still on its way is written.
    Deactivating,
}

impl InstanceState {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inactive => "Inactive",
            Self::Activating => "Activating",
            Self::Active => "Active",
            Self::Deactivating => "Deactivating",
        }
    }
}

/// How a graph instance is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceStatus {
    /// Its name.
    pub name: String,
    /// The topology that it is made of.
    pub topology_name: String,
    /// How it is.
    pub state: InstanceState,
    /// How it should be.
    pub wanted: Wanted,
    /// Since when it is in this state; ISO 8601, UTC.
    pub since: String,
    /// Its nodes, parents before children; none while nothing runs. While it is activated, those whose components are
    /// being compiled.
    pub nodes: Vec<NodeStatus>,
    /// Why it does not run although it is wanted, or what went wrong when it last stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}
