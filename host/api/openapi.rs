//! The description of the interface (OpenAPI 3.1), from the table of routes and the types of the bodies.
//!
//! No value of these types is ever made: they only say what a body looks like.

mod conditions;
mod holds;
mod recordings;
mod requests;
mod resources;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use self::conditions::{AlarmList, Health, InstanceHealthList, InstanceStatusList, UploadList};
use self::holds::{AuditList, Deleted, Hold, HoldList, HoldRequest};
use self::recordings::{
    AssetList, AvailableMedia, Coverage, DetectionList, Explanation, GapList, Link, LinkRequest, SeenList,
    SiteTime,
};
use self::requests::{Delivered, ExtensionList, ExtensionSet, HubMessage, Log, OpenApi, Reloaded};
use self::resources::{Error, GraphInstanceList, GraphTopologyList, MethodReply, ServiceCall};
use super::methods::METHODS;
use super::table::{Bound, Content, LINKED, Need, ROUTES, Route, Scope};

/// Any members.
type Object = Map<String, Value>;

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
        Scope::Asset => text.push_str(" Not for recordings of instances that the token is not for."),
        Scope::Host => {}
    }
    if row.bound == Bound::Long {
        text.push_str(" May take minutes.");
    }
    if row.linked {
        text.push_str(&format!(
            " Also below `{LINKED}`, without a token, for whoever has such a link."
        ));
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
            Some(json!({"application/json": {"schema": {}}, super::body::MESSAGE_TYPE: schema(name)}))
        }
        Content::Text(kind) => Some(json!({kind: {"schema": {"type": "string"}}})),
        Content::Bytes(kind) => Some(json!({kind: {"schema": {"type": "string", "format": "binary"}}})),
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
    generator.subschema_for::<DetectionList>();
    generator.subschema_for::<AssetList>();
    generator.subschema_for::<AvailableMedia>();
    generator.subschema_for::<GapList>();
    generator.subschema_for::<LinkRequest>();
    generator.subschema_for::<Link>();
    generator.subschema_for::<SeenList>();
    generator.subschema_for::<SiteTime>();
    generator.subschema_for::<Deleted>();
    generator.subschema_for::<HoldRequest>();
    generator.subschema_for::<Hold>();
    generator.subschema_for::<HoldList>();
    generator.subschema_for::<AuditList>();
    generator.subschema_for::<OpenApi>();
    Value::Object(generator.take_definitions(true))
}

#[cfg(test)]
mod tests;
