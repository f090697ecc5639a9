//! The ten direct methods of Live Video Analytics, whatever they come by: names, versions, roles, and the reply.
//!
//! Invariant: the name that a caller's right is checked for is the name that the host acts on. So a payload that names
//! itself twice, in whatever letters, is refused.

mod head;

use serde_json::{Value, json};

pub(super) use self::head::{Head, version_error};
use super::auth::{Caller, Role};
use super::problem::{Problem, discreet};
use super::{Api, Shared};
use crate::graph::host::{ControlError, Deleted, Detail, GraphHost, Kind, Stored};
use crate::recording::upload::Remaining;
use crate::topology::diagnostics::{did_you_mean, one_of, shown};

/// What a method does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operation {
    TopologySet,
    TopologyGet,
    TopologyList,
    TopologyDelete,
    InstanceSet,
    InstanceGet,
    InstanceList,
    InstanceDelete,
    InstanceActivate,
    InstanceDeactivate,
}

/// A direct method.
#[derive(Debug)]
pub struct Method {
    /// As Live Video Analytics called it.
    pub name: &'static str,
    /// As Azure Video Analyzer called it.
    pub alias: &'static str,
    /// What it does.
    pub operation: Operation,
    /// Who may call it.
    pub role: Role,
    /// Whether it is about one graph instance, that the payload names.
    pub one_instance: bool,
    /// What it does, in a line.
    pub summary: &'static str,
}

const fn method(
    name: &'static str,
    alias: &'static str,
    operation: Operation,
    role: Role,
    one_instance: bool,
    summary: &'static str,
) -> Method {
    Method {
        name,
        alias,
        operation,
        role,
        one_instance,
        summary,
    }
}

/// All of them.
#[rustfmt::skip]
pub const METHODS: &[Method] = &[
    method("GraphTopologySet", "pipelineTopologySet", Operation::TopologySet, Role::Admin, false, "Stores a topology"),
    method("GraphTopologyGet", "pipelineTopologyGet", Operation::TopologyGet, Role::Read, false, "Gives a topology"),
    method("GraphTopologyList", "pipelineTopologyList", Operation::TopologyList, Role::Read, false, "Lists the topologies"),
    method("GraphTopologyDelete", "pipelineTopologyDelete", Operation::TopologyDelete, Role::Admin, false, "Deletes a topology that no instance refers to"),
    method("GraphInstanceSet", "livePipelineSet", Operation::InstanceSet, Role::Admin, true, "Stores a graph instance"),
    method("GraphInstanceGet", "livePipelineGet", Operation::InstanceGet, Role::Read, true, "Gives a graph instance"),
    method("GraphInstanceList", "livePipelineList", Operation::InstanceList, Role::Read, false, "Lists the graph instances"),
    method("GraphInstanceDelete", "livePipelineDelete", Operation::InstanceDelete, Role::Admin, true, "Deletes a graph instance that is inactive"),
    method("GraphInstanceActivate", "livePipelineActivate", Operation::InstanceActivate, Role::Operate, true, "Activates a graph instance; replies when it is active"),
    method("GraphInstanceDeactivate", "livePipelineDeactivate", Operation::InstanceDeactivate, Role::Operate, true, "Deactivates a graph instance; replies when everything is written"),
];

/// The method of this name, in either spelling.
#[must_use]
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|one| one.name == name || one.alias == name)
}

/// The method that does this.
pub(super) fn of(operation: Operation) -> Option<&'static Method> {
    METHODS.iter().find(|one| one.operation == operation)
}

/// What a method replies.
#[derive(Debug)]
pub(super) struct Reply {
    /// LVA's status.
    pub(super) status: u16,
    /// The resource, the error, or null.
    pub(super) payload: Value,
    /// What is odd about a resource that was stored all the same.
    pub(super) warnings: Vec<Detail>,
}

impl Reply {
    fn plain(status: u16, payload: Value) -> Self {
        Self {
            status,
            payload,
            warnings: Vec::new(),
        }
    }

    /// A method that there is not: what the SDK of the device replied, since it never reached the module.
    pub(super) fn unknown(name: &str) -> Self {
        let message = format!("there is no method {}", shown(name));
        let mut detail = Detail::new("MethodNotFound", &message);
        let names = METHODS.iter().flat_map(|one| [one.name, one.alias]);
        detail.hint = Some(match did_you_mean(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("there are {}", one_of(METHODS.iter().map(|one| one.name))).replace(" or ", " and ")
            }
        });
        let error = json!({"code": "MethodNotFound", "message": message, "details": [detail]});
        Self::plain(501, json!({ "error": error }))
    }

    /// As it is sent: status and payload, and what else there is to say.
    pub(super) fn envelope(&self) -> Value {
        let mut envelope = json!({"status": self.status, "payload": self.payload});
        if let (false, Some(envelope)) = (self.warnings.is_empty(), envelope.as_object_mut()) {
            envelope.insert("warnings".to_owned(), json!(self.warnings));
        }
        envelope
    }
}

impl From<ControlError> for Reply {
    fn from(error: ControlError) -> Self {
        Self::plain(error.kind.status(), error.body())
    }
}

/// Calls a method with a payload as it was sent.
pub(super) async fn call(
    api: &Shared,
    caller: &Caller,
    method: &Method,
    payload: &[u8],
) -> Result<Reply, Problem> {
    // Who may not call it does not learn what is wrong with the payload.
    if caller.role < method.role {
        return Err(Problem::forbidden());
    }
    let head = match Head::read(payload).and_then(|head| head.check_version().map(|()| head)) {
        Ok(head) => head,
        Err(error) => return Ok(error.into()),
    };
    perform(api, caller, method, &head, payload).await
}

/// Performs an operation for a caller, once more checking that it may.
pub(super) async fn perform(
    api: &Shared,
    caller: &Caller,
    method: &Method,
    head: &Head,
    payload: &[u8],
) -> Result<Reply, Problem> {
    let instance = match (method.one_instance, head.name()) {
        (true, Ok(name)) => Some(name),
        // Without a name nothing can be done, and the host says so for a resource with whatever else is wrong.
        (true, Err(_)) if caller.is_limited() => return Err(Problem::forbidden()),
        _ => None,
    };
    if !caller.may(method.role, instance) {
        return Err(Problem::forbidden());
    }
    let host = api.options.host.clone();
    let done = match method.operation {
        Operation::TopologyGet => host.topology_get(head.name()?).await.map(ok),
        Operation::InstanceGet => host.instance_get(head.name()?).await.map(ok),
        Operation::TopologyList => host.topology_list(&head.page()?).await.map(ok),
        Operation::InstanceList => {
            let list = host.instance_list(&head.page()?).await;
            list.map(|list| ok(narrowed(list, caller)))
        }
        changing => change(api, host, changing, head, payload).await,
    };
    Ok(done.unwrap_or_else(|error| discreet(error, caller).into()))
}

fn ok(payload: Value) -> Reply {
    Reply::plain(200, payload)
}

/// A list without the instances that the caller may not see. A page can so come out short, or empty with a token.
fn narrowed(mut list: Value, caller: &Caller) -> Value {
    if let (true, Some(items)) = (
        caller.is_limited(),
        list.get_mut("value").and_then(Value::as_array_mut),
    ) {
        items.retain(|item| {
            item.get("name")
                .and_then(Value::as_str)
                .is_some_and(|name| caller.sees(name))
        });
    }
    list
}

/// What changes something goes on to its end, whether or not the client waits for it.
async fn change(
    api: &Api,
    host: GraphHost,
    operation: Operation,
    head: &Head,
    payload: &[u8],
) -> Result<Reply, ControlError> {
    let stores = matches!(operation, Operation::TopologySet | Operation::InstanceSet);
    let name = if stores {
        String::new()
    } else {
        head.name()?.to_owned()
    };
    let payload = if stores { payload.to_vec() } else { Vec::new() };
    let work = async move {
        match operation {
            Operation::TopologySet => host.topology_set(&payload).await.map(stored),
            Operation::InstanceSet => host.instance_set(&payload).await.map(stored),
            Operation::TopologyDelete => host.topology_delete(&name).await.map(deleted),
            Operation::InstanceDelete => host.instance_delete(&name).await.map(deleted),
            Operation::InstanceActivate => host.instance_activate(&name).await.map(|()| ok(Value::Null)),
            Operation::InstanceDeactivate => {
                let drained = host.instance_deactivate(&name).await?;
                Ok(Reply {
                    warnings: drained
                        .gave_up
                        .then(gave_up)
                        .into_iter()
                        .chain(not_uploaded(drained.remaining))
                        .collect(),
                    ..ok(Value::Null)
                })
            }
            _ => Err(ControlError::internal("this operation changes nothing")),
        }
    };
    let done = api.operations.spawn(work).await;
    done.unwrap_or_else(|_| {
        Err(ControlError::new(
            Kind::Internal,
            "the operation ended unexpectedly",
        ))
    })
}

fn stored(stored: Stored) -> Reply {
    let warnings = stored.warnings.diagnostics.iter();
    Reply {
        status: if stored.created { 201 } else { 200 },
        payload: stored.resource,
        warnings: warnings.map(Detail::from_diagnostic).collect(),
    }
}

fn deleted(deleted: Deleted) -> Reply {
    let status = match deleted {
        Deleted::Yes => 200,
        Deleted::NotThere => 204,
    };
    Reply::plain(status, Value::Null)
}

fn gave_up() -> Detail {
    Detail::new(
        "DrainGaveUp",
        "the graph took too long to drain; what it still held is lost",
    )
    .hint("`GET /api/explain/INSTANCE` says what was on its way")
}

fn not_uploaded(remaining: Remaining) -> Option<Detail> {
    let Remaining { segments, bytes } = remaining;
    let message = format!(
        "{segments} segments ({bytes} bytes) are not uploaded yet; they stay in the cache and go up later, also after a restart"
    );
    let hint = "`GET /api/uploads` says how the stores are";
    (segments > 0).then(|| Detail::new("UploadsRemain", message).hint(hint))
}

#[cfg(test)]
mod tests;
