//! The description of the interface (OpenAPI 3.1), from the table of routes and the types of the bodies.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::methods::METHODS;
use super::table::{Bound, Content, Need, ROUTES, Route, Scope};

/// Any members.
type Object = Map<String, Value>;

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
struct Error {
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
struct GraphTopologyList {
    /// In order of their names.
    value: Vec<GraphTopology>,
    /// Asks for the next page; not on the last.
    #[serde(rename = "@continuationToken")]
    continuation_token: Option<String>,
}

/// A page of graph instances, those that the token may see.
#[derive(Serialize, JsonSchema)]
struct GraphInstanceList {
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
struct MethodReply {
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
struct ServiceCall {
    /// Such as `GraphTopologyList`.
    method_name: String,
    /// What the method is given.
    payload: Option<MethodPayload>,
    /// How long to wait; 1 to 300, 300 when it is left out.
    response_timeout_in_seconds: Option<u64>,
    /// Not looked at: the module is here.
    connect_timeout_in_seconds: Option<u64>,
}

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
struct InstanceStatusList {
    value: Vec<InstanceStatus>,
}

/// A message with properties; sent as `application/json`, the whole body is the message.
#[derive(Serialize, JsonSchema)]
struct HubMessage {
    /// The message.
    body: Value,
    /// What is said about it. `eventTime` (ISO 8601) is when it happened.
    properties: Option<std::collections::BTreeMap<String, String>>,
}

/// What came of a message.
#[derive(Serialize, JsonSchema)]
struct Delivered {
    /// So many sources took it.
    delivered: u64,
    /// So many sources had no room for it.
    full: u64,
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
struct Health {
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
struct InstanceHealthList {
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
struct UploadList {
    value: Vec<Upload>,
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
struct ExtensionList {
    value: Vec<ExtensionListed>,
}

/// What installing a component came to.
#[derive(Serialize, JsonSchema)]
struct ExtensionSet {
    /// What the name points to now.
    component: ExtensionListed,
    /// SHA-256 of what it pointed to before.
    previous: Option<String>,
    /// Nodes that take it over with their next frame: `INSTANCE/NODE`.
    swapped: Vec<String>,
}

/// What is logged.
#[derive(Serialize, JsonSchema)]
struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or per module as in `info,mediagraph::nodes=debug`.
    filter: String,
}

/// What came of a reload.
#[derive(Serialize, JsonSchema)]
struct Reloaded {
    /// What changed, and what could not be taken over, for people.
    messages: Vec<String>,
}

/// Something that somebody should look at.
#[derive(Serialize, JsonSchema)]
struct Alarm {
    /// Such as `cameraSilent/yard/rtspSource`; the same trouble has the same.
    id: String,
    /// `cameraSilent`, `noKeyframe`, `nothingStored`, `eventsBacklog`, `diskNearlyFull` or `clock`.
    kind: String,
    /// Where; none for the host.
    instance: Option<String>,
    /// At which node.
    node: Option<String>,
    /// Since when it is raised; ISO 8601, UTC.
    since: String,
    /// What is wrong, for people.
    message: String,
    /// What to do about it.
    hint: String,
}

/// What is in alarm, as far as the token may see it.
#[derive(Serialize, JsonSchema)]
struct AlarmList {
    value: Vec<Alarm>,
}

/// A link of the chain at a moment.
#[derive(Serialize, JsonSchema)]
struct ExplanationStep {
    /// `instance`, `camera`, `frames`, `detector`, `gate`, `sink` or `upload`.
    link: String,
    /// The node; none when it is about all of them.
    node: Option<String>,
    /// `fine`, `broken` or `unknown`.
    verdict: String,
    /// What is known, for people.
    message: String,
    #[serde(flatten)]
    more: Object,
}

/// What became of a moment.
#[derive(Serialize, JsonSchema)]
struct Explanation {
    /// The graph instance.
    instance: String,
    /// The moment; ISO 8601, UTC.
    at: String,
    /// How far around it was looked, from here ...
    from: String,
    /// ... to here.
    to: String,
    /// Whether there is a clip; none when the journal does not say.
    clip: Option<bool>,
    /// The chain, from the camera on.
    steps: Vec<ExplanationStep>,
    /// One plain sentence.
    conclusion: String,
}

/// A stretch of a day that is not there.
#[derive(Serialize, JsonSchema)]
struct CoverageGap {
    /// Its first moment; ISO 8601, UTC.
    start: String,
    /// Where media goes on, or the day or the question ends.
    end: String,
    /// Its length.
    seconds: f64,
    /// `camera`, `disk`, `cacheFull`, `keepFree`, `retention`, `deleted`, `crash`, `damaged`, or `notRecorded`: inactive, a
    /// closed gate, or before the first recording.
    cause: String,
}

/// A day in the host's time zone, or as much of it as was asked for.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CoverageDay {
    /// In the time zone.
    date: String,
    /// Of the seconds, so many are recorded; from 0 to 100.
    percent: f64,
    /// As much of the day as was asked for.
    seconds: f64,
    /// As much as is there.
    recorded_seconds: f64,
    /// As much as is not.
    missing_seconds: f64,
    /// Of what begins in it.
    bytes: u64,
    /// What is not there, and why.
    gaps: Vec<CoverageGap>,
    /// Gaps that are not listed.
    more_gaps: u64,
}

/// What a node recorded.
#[derive(Serialize, JsonSchema)]
struct CoverageCamera {
    /// The graph instance; empty when the index does not know.
    instance: String,
    /// The node that records.
    node: String,
    /// Day by day, the oldest first; from the first of which something is known.
    days: Vec<CoverageDay>,
}

/// What was recorded.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Coverage {
    /// From here ...
    since: String,
    /// ... to here.
    until: String,
    /// Of the days, such as `Europe/Berlin`.
    time_zone: String,
    /// One for each node that records.
    cameras: Vec<CoverageCamera>,
}

/// A description such as this one.
#[derive(Serialize, JsonSchema)]
struct OpenApi {
    #[serde(flatten)]
    members: Object,
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for row in ROUTES {
        let expanded = match row.need {
            Need::Method if row.path.contains("{method}") => methods(row),
            _ => vec![(row.path.to_owned(), operation(row, row.summary, row.need))],
        };
        for (path, operation) in expanded {
            let item = paths.entry(path).or_insert_with(|| json!({}));
            if let Some(item) = item.as_object_mut() {
                item.insert(row.verb.name().to_ascii_lowercase(), operation);
            }
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "mediagraph",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Media graphs at the edge",
            "description": "The interface of `mediagraph serve`. Bodies are JSON, and POST and PUT need a JSON content type even without one. \
                Refusals have the shape of `Error`. Unknown query parameters are refused.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {"token": {
                "type": "http",
                "scheme": "bearer",
                "description": "Not needed on a host without tokens.",
            }},
        },
    })
}

/// One path for each direct method.
fn methods(row: &Route) -> Vec<(String, Value)> {
    METHODS
        .iter()
        .map(|method| {
            let path = row.path.replace("{method}", method.name);
            let mut one = operation(row, method.summary, Need::Role(method.role));
            if let Some(one) = one.as_object_mut() {
                one.insert(
                    "description".to_owned(),
                    json!(format!(
                        "{} Also called `{}`.",
                        described(row, Need::Role(method.role)),
                        method.alias
                    )),
                );
                one.insert("operationId".to_owned(), json!(method.name));
                one.remove("parameters");
            }
            (path, one)
        })
        .collect()
}

fn operation(row: &Route, summary: &str, need: Need) -> Value {
    let mut operation = json!({
        "operationId": id(row),
        "summary": summary,
        "description": described(row, need),
        "responses": responses(row),
    });
    let Some(object) = operation.as_object_mut() else {
        return operation;
    };
    let parameters: Vec<Value> = path_parameters(row).chain(query_parameters(row)).collect();
    if !parameters.is_empty() {
        object.insert("parameters".to_owned(), Value::Array(parameters));
    }
    if let Some(content) = content(row.takes) {
        let body = json!({"required": true, "content": content});
        object.insert("requestBody".to_owned(), body);
    }
    if row.need == Need::Nothing {
        object.insert("security".to_owned(), json!([]));
    }
    operation
}

/// Such as `getApiGraphInstanceStatus`.
fn id(row: &Route) -> String {
    let mut id = row.verb.name().to_ascii_lowercase();
    for word in row.path.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        let (first, rest) = word.split_at(word.len().min(1));
        id.push_str(&first.to_ascii_uppercase());
        id.push_str(rest);
    }
    id
}

fn described(row: &Route, need: Need) -> String {
    let mut text = match need {
        Need::Nothing => "Needs no token.".to_owned(),
        Need::Role(role) => format!("Needs the role `{}`.", role.name()),
        Need::Method => "Needs the role of the method that is called.".to_owned(),
    };
    match row.scope {
        Scope::Path(_) | Scope::Body => text.push_str(" Not for instances that the token is not for."),
        Scope::Query(name) => {
            text.push_str(&format!(
                " A token for some instances must name one of them: `{name}`."
            ));
        }
        Scope::Host => {}
    }
    if row.bound == Bound::Long {
        text.push_str(" May take minutes.");
    }
    text
}

fn path_parameters(row: &Route) -> impl Iterator<Item = Value> {
    let names = row
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
}

fn query_parameters(row: &Route) -> impl Iterator<Item = Value> {
    row.query.iter().map(|one| {
        json!({"name": one.name, "in": "query", "description": one.summary, "schema": {"type": "string"}})
    })
}

fn responses(row: &Route) -> Value {
    let mut good = json!({"description": "Done."});
    if let (Some(content), Some(good)) = (content(row.gives), good.as_object_mut()) {
        good.insert("content".to_owned(), content);
    }
    let refused = json!({"description": "Refused.", "content": content(Content::Json("Error"))});
    json!({"2XX": good, "4XX": refused, "5XX": refused})
}

fn content(content: Content) -> Option<Value> {
    let schema = |name: &str| json!({"schema": {"$ref": format!("#/components/schemas/{name}")}});
    match content {
        Content::Nothing => None,
        Content::Json(name) => Some(json!({"application/json": schema(name)})),
        Content::Message(name) => {
            Some(json!({"application/json": {"schema": {}}, super::guard::MESSAGE_TYPE: schema(name)}))
        }
        Content::Text(kind) => Some(json!({kind: {"schema": {"type": "string"}}})),
        Content::Component => {
            Some(json!({super::table::COMPONENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}))
        }
    }
}

fn schemas() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    generator.subschema_for::<Error>();
    generator.subschema_for::<GraphTopologyList>();
    generator.subschema_for::<GraphInstanceList>();
    generator.subschema_for::<MethodReply>();
    generator.subschema_for::<ServiceCall>();
    generator.subschema_for::<InstanceStatusList>();
    generator.subschema_for::<HubMessage>();
    generator.subschema_for::<Delivered>();
    generator.subschema_for::<Health>();
    generator.subschema_for::<InstanceHealthList>();
    generator.subschema_for::<ExtensionList>();
    generator.subschema_for::<ExtensionSet>();
    generator.subschema_for::<Log>();
    generator.subschema_for::<Reloaded>();
    generator.subschema_for::<AlarmList>();
    generator.subschema_for::<UploadList>();
    generator.subschema_for::<Explanation>();
    generator.subschema_for::<Coverage>();
    generator.subschema_for::<OpenApi>();
    Value::Object(generator.take_definitions(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    found.push(reference.clone());
                }
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere_and_every_id_is_there_once() {
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 50);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        let paths = document["paths"].as_object().unwrap();
        let mut ids: Vec<&str> = paths
            .values()
            .flat_map(|item| item.as_object().unwrap().values())
            .map(|operation| operation["operationId"].as_str().unwrap())
            .collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
