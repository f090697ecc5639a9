//! Bodies: topologies and graph instances, the direct methods that are about them, and refusals.

use schemars::JsonSchema;
use serde::Serialize;

use super::Object;

/// One thing that is wrong.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ErrorDetail {
    /// What kind of mistake it is, for programs.
    code: String,
    /// Where, as a JSONPath with capital letters: `$.Properties.Sources[0].Endpoint.Url`.
    target: Option<String>,
    /// What is wrong, for people.
    message: String,
    /// Where, as a JSON pointer into what was sent.
    pointer: Option<String>,
    /// Line in what was sent, from 1.
    line: Option<u64>,
    /// Column in what was sent, from 1.
    column: Option<u64>,
    /// What to do next.
    hint: Option<String>,
}

/// Why a request was refused.
#[derive(Serialize, JsonSchema)]
struct ErrorContent {
    /// Such as `BadRequest`, `NotFound` or `Conflict`.
    code: String,
    /// For people.
    message: String,
    /// Everything that is wrong, one by one.
    details: Vec<ErrorDetail>,
}

/// A refusal.
#[derive(Serialize, JsonSchema)]
pub(super) struct Error {
    error: ErrorContent,
}

/// When a resource was stored.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SystemData {
    /// ISO 8601, UTC.
    created_at: String,
    /// ISO 8601, UTC.
    last_modified_at: String,
}

/// A topology; `docs/reference/topology.schema.json` says what is in its properties.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GraphTopology {
    /// `1.0`, `1.1` or `2.0`; not in replies.
    #[serde(rename = "@apiVersion")]
    api_version: Option<String>,
    /// Letters, digits and dashes; at most 32.
    name: String,
    /// Only in replies.
    system_data: Option<SystemData>,
    /// Parameters, sources, processors and sinks.
    properties: Object,
}

/// The value of a parameter.
#[derive(Serialize, JsonSchema)]
struct ParameterValue {
    /// As the topology declares it.
    name: String,
    /// Always a string, whatever the declared type; left out of replies when it is secret.
    value: Option<String>,
}

/// What an instance is made of.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct InstanceProperties {
    /// Its topology.
    topology_name: String,
    /// For people.
    description: Option<String>,
    /// Values of the topology's parameters.
    parameters: Option<Vec<ParameterValue>>,
    /// `Inactive`, `Activating`, `Active` or `Deactivating`; only in replies.
    state: Option<String>,
}

/// A graph instance: a topology with values for its parameters.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GraphInstance {
    /// `1.0`, `1.1` or `2.0`; not in replies.
    #[serde(rename = "@apiVersion")]
    api_version: Option<String>,
    /// Letters, digits and dashes; at most 32.
    name: String,
    /// Only in replies.
    system_data: Option<SystemData>,
    /// What it is made of.
    properties: InstanceProperties,
}

/// A page of topologies.
#[derive(Serialize, JsonSchema)]
pub(super) struct GraphTopologyList {
    /// In order of their names.
    value: Vec<GraphTopology>,
    /// Asks for the next page; not on the last.
    #[serde(rename = "@continuationToken")]
    continuation_token: Option<String>,
}

/// A page of graph instances, those that the token may see.
#[derive(Serialize, JsonSchema)]
pub(super) struct GraphInstanceList {
    /// In order of their names.
    value: Vec<GraphInstance>,
    /// Asks for the next page; not on the last.
    #[serde(rename = "@continuationToken")]
    continuation_token: Option<String>,
}

/// What a direct method is given: the resource to store, or the name of one.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MethodPayload {
    /// `1.0`, `1.1` or `2.0`.
    #[serde(rename = "@apiVersion")]
    api_version: String,
    /// The resource that is meant; not for lists.
    name: Option<String>,
    /// To store: what is in the resource.
    properties: Option<Object>,
    /// For lists: what the page before gave.
    #[serde(rename = "@continuationToken")]
    continuation_token: Option<String>,
    /// For lists: `$orderby=name asc` or `$orderby=name desc`.
    #[serde(rename = "@query")]
    query: Option<String>,
}

/// What a direct method replies.
#[derive(Serialize, JsonSchema)]
pub(super) struct MethodReply {
    /// 200, 201, 204; 400, 404, 409, 500, 503; 501 for a method that there is not.
    status: u16,
    /// The resource, the list, the error, or null.
    payload: Option<Object>,
    /// What is odd about a resource that was stored all the same.
    warnings: Option<Vec<ErrorDetail>>,
}

/// The call of the cloud service's SDKs.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceCall {
    /// Such as `GraphTopologyList`.
    method_name: String,
    /// What the method is given.
    payload: Option<MethodPayload>,
    /// How long to wait; 1 to 300, 300 when it is left out.
    response_timeout_in_seconds: Option<u64>,
    /// Not looked at: the module is here.
    connect_timeout_in_seconds: Option<u64>,
}
