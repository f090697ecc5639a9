//! What is shown of a stored resource: what was written, brought into one form, without its secrets.
//!
//! The form is that of Live Video Analytics' published replies: `systemData` instead of `@apiVersion`, `transport` and
//! `outputSelectors` and `processors` put in where they were left out, everything else as the caller wrote it.

use serde_json::{Map, Value, json};

use super::secrets::{Secrets, is_secret_member, kind_of, member, redacted};
use super::status::InstanceState;
use crate::graph::registry::InstanceRow;

const NODE_LISTS: [&str; 3] = ["sources", "processors", "sinks"];
const PROPERTIES: [&str; 5] = ["description", "parameters", "sources", "processors", "sinks"];

/// When a resource was made and last changed.
pub(super) fn system_data(created_at: &str, modified_at: &str) -> Value {
    json!({"createdAt": created_at, "lastModifiedAt": modified_at})
}

/// A topology as shown.
pub(super) fn topology(written: &Value, secrets: &Secrets, (created_at, modified_at): (&str, &str)) -> Value {
    let mut properties = Map::new();
    if let Some(all) = member(written, "properties") {
        for name in PROPERTIES {
            let Some(value) = member(all, name).filter(|value| !value.is_null()) else {
                continue;
            };
            let shown = match name {
                "parameters" => parameters(value, secrets),
                _ => shown(value),
            };
            properties.insert(name.to_owned(), shown);
        }
    }
    properties.entry("processors").or_insert_with(|| json!([]));
    for list in NODE_LISTS {
        let nodes = properties.get_mut(list).and_then(Value::as_array_mut);
        nodes
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
            .for_each(fill_in);
    }
    json!({
        "systemData": system_data(created_at, modified_at),
        "name": member(written, "name"),
        "properties": properties,
    })
}

fn has(object: &Map<String, Value>, name: &str) -> bool {
    object
        .iter()
        .any(|(written, value)| written.eq_ignore_ascii_case(name) && !value.is_null())
}

/// Puts in what a node left out.
fn fill_in(node: &mut Map<String, Value>) {
    let is_camera = kind_of(node).is_some_and(|kind| kind.ends_with("rtspsource"));
    if is_camera && !has(node, "transport") {
        node.retain(|name, _| !name.eq_ignore_ascii_case("transport"));
        node.insert("transport".into(), "Tcp".into());
    }
    let inputs = node
        .iter_mut()
        .find(|(name, _)| name.eq_ignore_ascii_case("inputs"));
    let inputs = inputs.and_then(|(_, inputs)| inputs.as_array_mut());
    for input in inputs.into_iter().flatten().filter_map(Value::as_object_mut) {
        if !has(input, "outputSelectors") {
            input.retain(|name, _| !name.eq_ignore_ascii_case("outputSelectors"));
            input.insert("outputSelectors".into(), json!([]));
        }
    }
}

/// Declarations, without the defaults that are secrets.
fn parameters(value: &Value, secrets: &Secrets) -> Value {
    let mut declared = shown(value);
    for one in declared.as_array_mut().into_iter().flatten() {
        let name = member(one, "name").and_then(Value::as_str);
        if name.is_some_and(|name| secrets.parameters.contains(name))
            && let Some(one) = one.as_object_mut()
        {
            one.retain(|member, _| !member.eq_ignore_ascii_case("default"));
        }
    }
    declared
}

/// Anything, without what is secret in it.
fn shown(value: &Value) -> Value {
    match value {
        Value::String(text) => redacted(text).into(),
        Value::Array(items) => items.iter().map(shown).collect(),
        Value::Object(members) => {
            let open = members
                .iter()
                .filter(|(name, _)| !is_secret_member(members, name));
            Value::Object(open.map(|(name, inner)| (name.clone(), shown(inner))).collect())
        }
        _ => value.clone(),
    }
}

/// An instance as shown.
pub(super) fn instance(row: &InstanceRow, state: InstanceState, secrets: Option<&Secrets>) -> Value {
    let parameters = row.parameters.iter().map(|one| {
        let mut shown = json!({"name": one.name});
        // Without its topology nobody knows which values are secret.
        let secret = secrets.is_none_or(|secrets| secrets.parameters.contains(&one.name));
        if let (false, Some(value), Some(shown)) = (secret, &one.value, shown.as_object_mut()) {
            shown.insert("value".into(), redacted(value).into());
        }
        shown
    });
    let mut properties = json!({
        "topologyName": row.topology,
        "parameters": parameters.collect::<Vec<_>>(),
        "state": state.name(),
    });
    if let (Some(description), Some(properties)) = (&row.description, properties.as_object_mut()) {
        properties.insert("description".into(), redacted(description).into());
    }
    json!({
        "systemData": system_data(&row.created_at, &row.modified_at),
        "name": row.name,
        "properties": properties,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::registry::{ParameterValue, Wanted};

    #[test]
    fn a_topology_is_shown_in_the_form_of_the_original_without_secrets() {
        let written = json!({"@apiVersion": "2.0", "systemData": {"x": 1}, "Name": "t", "properties": {
            "parameters": [{"name": "pw", "type": "String", "default": "canary"}, {"name": "n", "type": "Int", "default": "5"}],
            "sources": [{"@type": "#Microsoft.Media.MediaGraphRtspSource", "name": "r", "transport": null, "endpoint": {
                "@type": "#Microsoft.Media.MediaGraphUnsecuredEndpoint", "url": "rtsp://u:canary@h/x",
                "credentials": {"@type": "x", "username": "me", "password": "${pw}"}}}],
            "sinks": [{"@type": "#Microsoft.Media.MediaGraphAssetSink", "name": "s", "inputs": [{"nodeName": "r"}]}]}});
        let shown = topology(&written, &Secrets::of_topology(&written), ("a", "b"));
        let expected = json!({"systemData": {"createdAt": "a", "lastModifiedAt": "b"}, "name": "t", "properties": {
            "parameters": [{"name": "pw", "type": "String"}, {"name": "n", "type": "Int", "default": "5"}],
            "sources": [{"@type": "#Microsoft.Media.MediaGraphRtspSource", "name": "r", "transport": "Tcp", "endpoint": {
                "@type": "#Microsoft.Media.MediaGraphUnsecuredEndpoint", "url": "rtsp://***@h/x",
                "credentials": {"@type": "x", "username": "me"}}}],
            "processors": [],
            "sinks": [{"@type": "#Microsoft.Media.MediaGraphAssetSink", "name": "s",
                "inputs": [{"nodeName": "r", "outputSelectors": []}]}]}});
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_instance_shows_its_state_and_the_values_that_are_no_secrets() {
        let secrets = Secrets::of_topology(
            &json!({"properties": {"parameters": [{"name": "s", "type": "SecretString"}]}}),
        );
        let given = |name: &str, value: Option<&str>| ParameterValue {
            name: name.into(),
            value: value.map(str::to_owned),
        };
        let row = InstanceRow {
            name: "i".into(),
            topology: "t".into(),
            description: None,
            parameters: vec![
                given("s", Some("canary")),
                given("u", Some("rtsp://a:b@h")),
                given("e", None),
            ],
            wanted: Wanted::Active,
            created_at: "a".into(),
            modified_at: "b".into(),
        };
        let expected = json!({"systemData": {"createdAt": "a", "lastModifiedAt": "b"}, "name": "i", "properties": {
            "topologyName": "t", "state": "Active",
            "parameters": [{"name": "s"}, {"name": "u", "value": "rtsp://***@h"}, {"name": "e"}]}});
        assert_eq!(instance(&row, InstanceState::Active, Some(&secrets)), expected);
    }
}
