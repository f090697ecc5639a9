//! Bodies: how things are, which are nodes and instances, the host, its uploads, and what is in alarm.

use schemars::JsonSchema;
use serde::Serialize;

use super::Object;

/// How a node of a running graph is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NodeStatus {
    /// Its name in the topology.
    node: String,
    /// Units, frames or signals that came in.
    received: u64,
    /// Units, frames or signals that went out.
    sent: u64,
    /// What was left out because somebody was too slow.
    dropped: u64,
    /// Things that went wrong.
    errors: u64,
    /// The newest of them.
    last_error: Option<String>,
    /// What depends on the type of the node.
    #[serde(flatten)]
    more: Object,
}

/// How a graph instance is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct InstanceStatus {
    /// Its name.
    name: String,
    /// Its topology.
    topology_name: String,
    /// `Inactive`, `Activating`, `Active` or `Deactivating`.
    state: String,
    /// `Active` or `Inactive`: what was last asked for.
    wanted: String,
    /// Since when it is in this state; ISO 8601, UTC.
    since: String,
    /// Its nodes; none while nothing runs.
    nodes: Option<Vec<NodeStatus>>,
    /// Why it does not run although it is wanted, or what went wrong when it last stopped.
    last_error: Option<String>,
}

/// How all instances are that the token may see.
#[derive(Serialize, JsonSchema)]
pub(super) struct InstanceStatusList {
    value: Vec<InstanceStatus>,
}

/// One thing that must be well.
#[derive(Serialize, JsonSchema)]
struct CheckResult {
    /// What was looked at.
    name: String,
    /// Why it is not well.
    error: Option<String>,
}

/// How the host is.
#[derive(Serialize, JsonSchema)]
pub(super) struct Health {
    /// `ok` or `unwell`.
    status: String,
    /// What was looked at.
    checks: Option<Vec<CheckResult>>,
}

/// Whether a graph instance is well.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct InstanceHealth {
    /// Its name.
    name: String,
    /// `ok` or `unwell`.
    status: String,
    /// As in its status.
    state: String,
    /// As in its status.
    wanted: String,
    /// As in its status.
    last_error: Option<String>,
    /// What is in alarm.
    alarms: Vec<Alarm>,
}

/// Whether graph instances are well.
#[derive(Serialize, JsonSchema)]
pub(super) struct InstanceHealthList {
    /// `ok` when all are, and the host.
    status: String,
    value: Vec<InstanceHealth>,
    /// What is in alarm and belongs to no instance.
    alarms: Vec<Alarm>,
}

/// A recording that a store does not take.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct BlockedAsset {
    /// Its name.
    asset_name: String,
    /// Why, and what to do.
    message: String,
}

/// How the uploads to a store are.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Upload {
    /// Its name in the configuration.
    store: String,
    /// Where it is.
    location: String,
    /// `idle`, `uploading` or `paused`.
    state: String,
    /// Since when it takes nothing; ISO 8601, UTC.
    paused_since: Option<String>,
    /// Why it takes nothing.
    message: Option<String>,
    /// Segments that it does not have yet.
    backlog_segments: u64,
    /// Their bytes.
    backlog_bytes: u64,
    /// The oldest moment among them; ISO 8601, UTC.
    oldest: Option<String>,
    /// How long ago that was.
    lag_seconds: f64,
    /// Segments that it has taken since the host began.
    uploaded_segments: u64,
    /// Their bytes.
    uploaded_bytes: u64,
    /// Playlists that it has taken since the host began.
    playlists: u64,
    /// Tries that failed since the host began.
    errors: u64,
    /// Recordings that it does not take; none for a token that is limited to instances.
    blocked: Vec<BlockedAsset>,
}

/// How the uploads to all stores are.
#[derive(Serialize, JsonSchema)]
pub(super) struct UploadList {
    value: Vec<Upload>,
}

/// Something that somebody should look at.
#[derive(Serialize, JsonSchema)]
struct Alarm {
    /// Such as `cameraSilent/yard/rtspSource`; the same trouble has the same.
    id: String,
    /// `cameraSilent`, `noKeyframe`, `nothingStored`, `eventsBacklog`, `diskNearlyFull`, `clock`, `storeAway` or
    /// `heldFull`.
    kind: String,
    /// Where; none for the host.
    instance: Option<String>,
    /// At which node.
    node: Option<String>,
    /// Which store.
    store: Option<String>,
    /// Since when it is raised; ISO 8601, UTC.
    since: String,
    /// What is wrong, for people.
    message: String,
    /// What to do about it.
    hint: String,
}

/// What is in alarm, as far as the token may see it.
#[derive(Serialize, JsonSchema)]
pub(super) struct AlarmList {
    value: Vec<Alarm>,
}
