//! The ten operations on topologies and graph instances, as the control plane calls them.
//!
//! Sets, deletions and transitions are done on threads that may block, to their end; the rest answers from memory.

use std::sync::Arc;

use serde_json::Value;

use super::page::{Page, PageRequest};
use super::transition::{self, Asked};
use super::{ControlError, GraphHost, Shared, instances, topologies};
use crate::recording::upload::Remaining;
use crate::topology::Diagnostics;

/// What a list's continuation tokens say of which list they are.
const TOPOLOGIES: &str = "topologies";
const INSTANCES: &str = "instances";

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Draining took longer than it may; what the graph still held is lost.
    pub gave_up: bool,
    /// What its store does not have yet: it stays in the cache and goes up later.
    pub remaining: Remaining,
}

impl GraphHost {
    /// GraphTopologySet. `body` is the topology as sent: line numbers are of it.
    ///
    /// # Errors
    /// Everything that is wrong with it, or 409 while it is in use.
    pub async fn topology_set(&self, body: &[u8]) -> Result<Stored, ControlError> {
        let body = body.to_owned();
        let set = move |shared: &Arc<Shared>| topologies::set(shared, &body);
        self.in_turn(&self.shared.checks, set).await
    }

    /// GraphTopologyGet.
    ///
    /// # Errors
    /// 404.
    pub async fn topology_get(&self, name: &str) -> Result<Value, ControlError> {
        Ok(self.shared.catalog().topology(name)?.shown.clone())
    }

    /// GraphTopologyList: `{"value": [...]}`, and `@continuationToken` when there is more.
    ///
    /// # Errors
    /// 400 for a query or token that is not understood.
    pub async fn topology_list(&self, page: &PageRequest) -> Result<Value, ControlError> {
        let page = Page::read(page, TOPOLOGIES)?;
        let catalog = self.shared.catalog();
        Ok(page.take(TOPOLOGIES, &catalog.topologies, |topology| topology.shown.clone()))
    }

    /// GraphTopologyDelete.
    ///
    /// # Errors
    /// 409 while an instance refers to it.
    pub async fn topology_delete(&self, name: &str) -> Result<Deleted, ControlError> {
        let name = name.to_owned();
        self.change(move |shared| topologies::delete(shared, &name)).await
    }

    /// GraphInstanceSet. `body` is the instance as sent.
    ///
    /// # Errors
    /// Everything that is wrong with it, or 409 while it is not `Inactive`.
    pub async fn instance_set(&self, body: &[u8]) -> Result<Stored, ControlError> {
        let body = body.to_owned();
        let set = move |shared: &Arc<Shared>| instances::set(shared, &body);
        self.in_turn(&self.shared.checks, set).await
    }

    /// GraphInstanceGet.
    ///
    /// # Errors
    /// 404.
    pub async fn instance_get(&self, name: &str) -> Result<Value, ControlError> {
        let catalog = self.shared.catalog();
        Ok(catalog.show(catalog.instance(name)?))
    }

    /// GraphInstanceList.
    ///
    /// # Errors
    /// 400 for a query or token that is not understood.
    pub async fn instance_list(&self, page: &PageRequest) -> Result<Value, ControlError> {
        let page = Page::read(page, INSTANCES)?;
        let catalog = self.shared.catalog();
        Ok(page.take(INSTANCES, &catalog.instances, |entry| catalog.show(entry)))
    }

    /// GraphInstanceDelete.
    ///
    /// # Errors
    /// 409 while it is not `Inactive`.
    pub async fn instance_delete(&self, name: &str) -> Result<Deleted, ControlError> {
        let name = name.to_owned();
        self.change(move |shared| instances::delete(shared, &name)).await
    }

    /// GraphInstanceActivate: returns when it is `Active`.
    ///
    /// # Errors
    /// 404, 409 while it deactivates, or why it cannot run.
    pub async fn instance_activate(&self, name: &str) -> Result<(), ControlError> {
        self.activate(name, Asked::Now).await
    }

    pub(super) async fn activate(&self, name: &str, asked: Asked) -> Result<(), ControlError> {
        let name = name.to_owned();
        let begin = move |shared: &Arc<Shared>| transition::begin_activation(shared, &name, asked);
        let ended = self.change(begin).await?.end().await;
        ended.unwrap_or_else(|| {
            Err(ControlError::internal(
                "the host failed while it started the graph",
            ))
        })
    }

    /// GraphInstanceDeactivate: returns when everything has been written, or given up.
    ///
    /// # Errors
    /// 404, or 409 while it activates.
    pub async fn instance_deactivate(&self, name: &str) -> Result<Drained, ControlError> {
        let name = name.to_owned();
        let begin = move |shared: &Arc<Shared>| transition::begin_deactivation(shared, &name);
        let ended = self.change(begin).await?.end().await;
        ended.ok_or_else(|| ControlError::internal("the host failed while it stopped the graph"))
    }
}
