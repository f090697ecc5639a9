//! Setting and deleting graph instances. Everything here blocks, on the disk and on compiling components.

use std::sync::Arc;

use super::catalog::{Entry, Topology};
use super::error::{ControlError, Detail, Kind, RESOURCE_VALIDATION};
use super::topologies::room;
use super::validate::Candidate;
use super::{Deleted, Shared, Stored};
use crate::graph::registry::{InstanceRow, ParameterValue, Wanted};
use crate::topology::diagnostics::{did_you_mean, shown};
use crate::topology::{Diagnostics, GraphInstance, TopologyDoc, read_instance};

/// How often an instance is checked anew because its topology was replaced while it was checked.
const MAX_ATTEMPTS: usize = 5;

const ONLY_INACTIVE: &str = "it can change only while it is inactive";

/// Creates an instance, or replaces one that is inactive.
pub(super) fn set(shared: &Shared, body: &[u8]) -> Result<Stored, ControlError> {
    let what = "the graph instance";
    let doc = TopologyDoc::parse(body).map_err(|found| ControlError::invalid(what, &found))?;
    let instance = read_instance(&doc).map_err(|found| ControlError::invalid(what, &found))?;
    for _ in 0..MAX_ATTEMPTS {
        let topology = look_up(shared, &instance)?;
        let candidate = new_row(shared, &instance);
        let candidate = Candidate {
            topology: &topology,
            row: &candidate,
            sent: Some(&doc),
        };
        let checked = candidate.check(shared);
        let warnings = checked.map_err(|error| candidate.secrets(shared).scrub(error))?;
        if let Some(stored) = store(shared, &topology, candidate.row, warnings)? {
            return Ok(stored);
        }
    }
    let message = format!(
        "the graph topology {} changes all the time; try again",
        shown(&instance.topology_name)
    );
    Err(ControlError::new(Kind::Busy, message))
}

/// The topology, when nothing else speaks against the change already.
fn look_up(shared: &Shared, instance: &GraphInstance) -> Result<Arc<Topology>, ControlError> {
    let catalog = shared.catalog();
    if let Some(entry) = catalog.instances.get(&instance.name) {
        entry.must_be_inactive(ONLY_INACTIVE)?;
    } else {
        room(
            catalog.instances.len(),
            shared.options.limits.max_instances,
            "graph instances",
        )?;
    }
    let name = &instance.topology_name;
    let found = catalog.topologies.get(name);
    found.cloned().ok_or_else(|| {
        let message = format!("there is no graph topology {}", shown(name));
        let mut detail = Detail::new(RESOURCE_VALIDATION, message.clone()).at("$.Properties.TopologyName");
        detail.hint = Some(
            match did_you_mean(name, catalog.topologies.keys().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "set the topology first".to_owned(),
            },
        );
        ControlError::with(Kind::Conflict, message, vec![detail])
    })
}

fn new_row(shared: &Shared, instance: &GraphInstance) -> InstanceRow {
    let now = shared.now().iso();
    let parameters = instance.parameters.iter().map(|one| ParameterValue {
        name: one.name.clone(),
        value: one.value.clone(),
    });
    InstanceRow {
        name: instance.name.clone(),
        topology: instance.topology_name.clone(),
        description: instance.description.clone(),
        parameters: parameters.collect(),
        wanted: Wanted::Inactive,
        created_at: now.clone(),
        modified_at: now,
    }
}

/// None when the topology is no longer the one that was checked.
fn store(
    shared: &Shared,
    topology: &Arc<Topology>,
    row: &InstanceRow,
    warnings: Diagnostics,
) -> Result<Option<Stored>, ControlError> {
    let mut row = row.clone();
    let mut registry = shared.registry();
    let created = {
        let catalog = shared.catalog();
        let current = catalog.topologies.get(&row.topology);
        if !current.is_some_and(|current| Arc::ptr_eq(current, topology)) {
            return Ok(None);
        }
        match catalog.instances.get(&row.name) {
            Some(old) => {
                old.must_be_inactive(ONLY_INACTIVE)?;
                row.wanted = old.row.wanted;
                row.created_at.clone_from(&old.row.created_at);
                let modified_at = std::mem::replace(&mut row.modified_at, old.row.modified_at.clone());
                if row == *old.row {
                    return Ok(Some(Stored {
                        created: false,
                        resource: catalog.show(old),
                        warnings,
                    }));
                }
                row.modified_at = modified_at;
                false
            }
            None => {
                room(
                    catalog.instances.len(),
                    shared.options.limits.max_instances,
                    "graph instances",
                )?;
                true
            }
        }
    };
    registry.put_instance(&row).map_err(ControlError::internal)?;
    let mut catalog = shared.catalog();
    let name = row.name.clone();
    match catalog.instances.get_mut(&name) {
        Some(old) => old.row = Arc::new(row),
        None => drop(
            catalog
                .instances
                .insert(name.clone(), Entry::new(row, shared.now())),
        ),
    }
    let resource = catalog.show(catalog.instance(&name)?);
    Ok(Some(Stored {
        created,
        resource,
        warnings,
    }))
}

/// Deletes an instance that is inactive.
pub(super) fn delete(shared: &Shared, name: &str) -> Result<Deleted, ControlError> {
    let mut registry = shared.registry();
    match shared.catalog().instances.get(name) {
        None => return Ok(Deleted::NotThere),
        Some(entry) => entry.must_be_inactive("it can be deleted only while it is inactive")?,
    }
    registry.delete_instance(name).map_err(ControlError::internal)?;
    if let Some(mut entry) = shared.catalog().instances.remove(name) {
        entry.call_off_retry();
    }
    Ok(Deleted::Yes)
}
