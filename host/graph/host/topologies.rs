//! Setting and deleting topologies. Everything here blocks, on the disk and on the checks.

use std::sync::Arc;

use super::catalog::{Catalog, Entry, Topology};
use super::error::{ControlError, Detail, Kind, TOPOLOGY_IN_USE};
use super::secrets::{Secrets, member};
use super::status::InstanceState;
use super::{Deleted, Shared, Stored, validate};
use crate::graph::registry::TopologyRow;
use crate::topology::TopologyDoc;
use crate::topology::diagnostics::shown;

/// Names of instances that a refusal lists; the rest is counted.
const MAX_LISTED_NAMES: usize = 50;

/// Creates a topology, or replaces it where those who use it allow.
pub(super) fn set(shared: &Shared, body: &[u8]) -> Result<Stored, ControlError> {
    let doc = TopologyDoc::parse(body).map_err(|found| ControlError::invalid("the topology", &found))?;
    let warnings =
        validate::topology(shared, &doc).map_err(|error| Secrets::of_topology(doc.value()).scrub(error))?;
    let name = member(doc.value(), "name")
        .and_then(|name| name.as_str())
        .unwrap_or_default()
        .to_owned();
    let mut registry = shared.registry();
    let created_at = {
        let catalog = shared.catalog();
        match catalog.topologies.get(&name) {
            Some(old) => {
                may_replace(&catalog, &name, old, &doc)?;
                if old.doc.value() == doc.value() {
                    return Ok(Stored {
                        created: false,
                        resource: old.shown.clone(),
                        warnings,
                    });
                }
                Some(old.created_at.clone())
            }
            None => {
                room(
                    catalog.topologies.len(),
                    shared.options.limits.max_topologies,
                    "topologies",
                )?;
                None
            }
        }
    };
    let now = shared.now().iso();
    let row = TopologyRow {
        name: name.clone(),
        document: doc.text().to_owned(),
        created_at: created_at.clone().unwrap_or_else(|| now.clone()),
        modified_at: now,
    };
    registry.put_topology(&row).map_err(ControlError::internal)?;
    let topology = Arc::new(Topology::new(&row, doc));
    let resource = topology.shown.clone();
    shared.catalog().topologies.insert(name, topology);
    Ok(Stored {
        created: created_at.is_none(),
        resource,
        warnings,
    })
}

/// Deletes a topology that nobody refers to.
pub(super) fn delete(shared: &Shared, name: &str) -> Result<Deleted, ControlError> {
    let mut registry = shared.registry();
    {
        let catalog = shared.catalog();
        if !catalog.topologies.contains_key(name) {
            return Ok(Deleted::NotThere);
        }
        let users: Vec<&Entry> = catalog.users(name).collect();
        if !users.is_empty() {
            let message = format!(
                "the graph topology {} is in use by {}",
                shown(name),
                names(&users)
            );
            return Err(in_use(message, "delete these graph instances first"));
        }
    }
    registry.delete_topology(name).map_err(ControlError::internal)?;
    shared.catalog().topologies.remove(name);
    Ok(Deleted::Yes)
}

/// Whether there is room for one more.
pub(super) fn room(count: usize, most: usize, what: &str) -> Result<(), ControlError> {
    if count < most {
        return Ok(());
    }
    let detail = Detail::new(
        "LimitExceeded",
        format!("there are {count} {what}; this host keeps at most {most}"),
    );
    Err(ControlError::bad_request(
        detail.hint("delete some, or raise the limit in the configuration"),
    ))
}

fn in_use(message: String, hint: &str) -> ControlError {
    let detail = Detail::new(TOPOLOGY_IN_USE, message.clone()).hint(hint);
    ControlError::with(Kind::Conflict, message, vec![detail])
}

fn names(entries: &[&Entry]) -> String {
    let listed: Vec<String> = entries
        .iter()
        .take(MAX_LISTED_NAMES)
        .map(|entry| shown(&entry.row.name))
        .collect();
    let rest = entries.len() - listed.len();
    let what = if entries.len() == 1 {
        "the graph instance"
    } else {
        "the graph instances"
    };
    match rest {
        0 => format!("{what} {}", listed.join(", ")),
        _ => format!("{what} {} and {rest} more", listed.join(", ")),
    }
}

/// The three rules of Live Video Analytics: nobody uses it; or nothing runs, and every instance still has what it
/// needs; otherwise no.
fn may_replace(catalog: &Catalog, name: &str, old: &Topology, new: &TopologyDoc) -> Result<(), ControlError> {
    let users: Vec<&Entry> = catalog.users(name).collect();
    if users.is_empty() {
        return Ok(());
    }
    let running = |entry: &&&Entry| entry.phase.state() != InstanceState::Inactive;
    let running: Vec<&Entry> = users.iter().filter(running).copied().collect();
    if !running.is_empty() {
        let message = format!(
            "the graph topology {} cannot change while it is in use by {}",
            shown(name),
            names(&running)
        );
        return Err(in_use(message, "deactivate these graph instances first"));
    }
    let (before, after) = (validate::declared(&old.doc), validate::declared(new));
    let defaults = validate::with_default(new);
    let bare = after
        .iter()
        .find(|one| !before.contains(one) && !defaults.contains(one));
    if let Some(parameter) = bare {
        let message = format!(
            "the new parameter {} of the graph topology {} has no default, and {} would lack a value for it",
            shown(parameter),
            shown(name),
            names(&users)
        );
        return Err(in_use(
            message,
            "give the parameter a `default`, or delete these graph instances first",
        ));
    }
    for parameter in before.iter().filter(|one| !after.contains(one)) {
        let sets = |entry: &&&Entry| entry.row.parameters.iter().any(|given| given.name == **parameter);
        let setting: Vec<&Entry> = users.iter().filter(sets).copied().collect();
        if !setting.is_empty() {
            let message = format!(
                "the parameter {} of the graph topology {} cannot go while it is set by {}",
                shown(parameter),
                shown(name),
                names(&setting)
            );
            return Err(in_use(
                message,
                "set these graph instances without the parameter first",
            ));
        }
    }
    Ok(())
}
