//! Bodies: what is asked of the host itself, which are messages, components, logging and reloading, and what came of it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Object;

/// A message with properties; sent as `application/json`, the whole body is the message.
#[derive(Serialize, JsonSchema)]
pub(super) struct HubMessage {
    /// The message.
    body: Value,
    /// What is said about it. `eventTime` (ISO 8601) is when it happened.
    properties: Option<std::collections::BTreeMap<String, String>>,
}

/// What came of a message.
#[derive(Serialize, JsonSchema)]
pub(super) struct Delivered {
    /// So many sources took it.
    delivered: u64,
    /// So many sources had no room for it.
    full: u64,
}

/// A component that topologies can name.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExtensionListed {
    /// By which topologies refer to it.
    name: String,
    /// Of its bytes, in hexadecimal.
    sha256: String,
    /// Its size.
    bytes: u64,
    /// `detector`, `gate` or `processor`; absent for those that are part of the program.
    world: Option<String>,
    /// Its own version; absent for those that are part of the program.
    version: Option<String>,
    /// When it was installed; ISO 8601, UTC.
    installed_at: Option<String>,
    /// Whether it is part of the program.
    built_in: bool,
    /// Nodes of running graphs that run it: `INSTANCE/NODE`.
    used_by: Option<Vec<String>>,
}

/// All components that topologies can name.
#[derive(Serialize, JsonSchema)]
pub(super) struct ExtensionList {
    value: Vec<ExtensionListed>,
}

/// What installing a component came to.
#[derive(Serialize, JsonSchema)]
pub(super) struct ExtensionSet {
    /// What the name points to now.
    component: ExtensionListed,
    /// SHA-256 of what it pointed to before.
    previous: Option<String>,
    /// Nodes that take it over with their next frame: `INSTANCE/NODE`.
    swapped: Vec<String>,
}

/// What is logged.
#[derive(Serialize, JsonSchema)]
pub(super) struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or per module as in `info,mediagraph::nodes=debug`.
    filter: String,
}

/// What came of a reload.
#[derive(Serialize, JsonSchema)]
pub(super) struct Reloaded {
    /// What changed, and what could not be taken over, for people.
    messages: Vec<String>,
}

/// A description such as this one.
#[derive(Serialize, JsonSchema)]
pub(super) struct OpenApi {
    #[serde(flatten)]
    members: Object,
}
