//! The written form of a graph instance: a topology's name, and values for its parameters.

use std::collections::HashSet;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::diagnostics::{Code, Diagnostic, Diagnostics, shown};
use super::document::TopologyDoc;
use super::limits::MAX_PARAMETERS;
use super::node::schema_of;
use super::resolve::{name_error, shape_envelope, text_at, too_many, valid_name};

/// A graph instance as written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    /// The version of the written form.
    #[serde(rename = "@apiVersion")]
    #[schemars(extend("x-kind" = "literal"))]
    #[expect(dead_code, reason = "checked in the canonical form")]
    api_version: String,
    /// Letters, digits and dashes; at most 32.
    #[schemars(extend("x-kind" = "literal"))]
    name: String,
    /// What a host says of a stored instance; ignored.
    #[schemars(extend("x-kind" = "raw"))]
    #[expect(dead_code, reason = "what a client read may be sent back")]
    system_data: Option<Value>,
    /// What it is made of.
    properties: WrittenProperties,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenProperties {
    /// The topology.
    #[schemars(extend("x-kind" = "literal"))]
    topology_name: String,
    /// For people.
    #[schemars(extend("x-kind" = "literal"))]
    description: Option<String>,
    /// Values for the topology's parameters.
    #[serde(default)]
    parameters: Vec<GivenParameter>,
    /// What a host says of a stored instance; ignored.
    #[schemars(extend("x-kind" = "raw"))]
    #[expect(dead_code, reason = "what a client read may be sent back")]
    state: Option<Value>,
}

/// A value for a parameter.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenParameter {
    /// The parameter.
    #[schemars(extend("x-kind" = "literal"))]
    pub name: String,
    /// Its value; the topology's default when it is absent.
    #[schemars(extend("x-kind" = "literal"))]
    pub value: Option<String>,
}

impl std::fmt::Debug for GivenParameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The value may be a password.
        f.debug_tuple("GivenParameter").field(&self.name).finish()
    }
}

/// A graph instance, read.
#[derive(Clone, Debug)]
pub struct GraphInstance {
    /// Its name.
    pub name: String,
    /// The topology that it is made of.
    pub topology_name: String,
    /// For people.
    pub description: Option<String>,
    /// In the order written; no name comes twice.
    pub parameters: Vec<GivenParameter>,
}

/// Reads a graph instance.
///
/// # Errors
/// All mistakes at once, with their places.
pub fn read_instance(doc: &TopologyDoc) -> Result<GraphInstance, Diagnostics> {
    let mut out = Diagnostics::default();
    let written = shape(doc, &mut out);
    if let Some(written) = &written {
        check_parameters(&written.properties.parameters, &mut out);
    }
    doc.place(&mut out);
    match written {
        Some(written) if !out.has_errors() => Ok(GraphInstance {
            name: written.name,
            topology_name: written.properties.topology_name,
            description: written.properties.description,
            parameters: written.properties.parameters,
        }),
        _ => Err(out),
    }
}

fn shape(doc: &TopologyDoc, out: &mut Diagnostics) -> Option<Written> {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| schema_of::<Written>().to_value());
    let envelope = shape_envelope(doc, schema, out);
    if let Some(name) = text_at(&envelope, "/name").filter(|name| !valid_name(name)) {
        out.push(name_error("/name".to_owned(), "the graph instance's name", &name));
    }
    let written = serde_json::from_value(envelope).ok();
    if written.is_none() && !out.has_errors() {
        let message = "this is not the form of a graph instance";
        out.push(Diagnostic::error(Code::PropertyValueInvalid, "", message));
    }
    written
}

fn check_parameters(parameters: &[GivenParameter], out: &mut Diagnostics) {
    const POINTER: &str = "/properties/parameters";
    if parameters.len() > MAX_PARAMETERS {
        out.push(too_many(POINTER, parameters.len(), "parameters", MAX_PARAMETERS));
    }
    let mut seen = HashSet::new();
    for (index, parameter) in parameters.iter().enumerate() {
        if !seen.insert(&parameter.name) {
            let message = format!("the parameter {} is given twice", shown(&parameter.name));
            out.push(Diagnostic::error(
                Code::PropertyDuplicate,
                format!("{POINTER}/{index}/name"),
                message,
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<GraphInstance, Vec<(Code, String)>> {
        let doc = TopologyDoc::parse(text.as_bytes()).unwrap();
        read_instance(&doc).map_err(|found| {
            let all = found.diagnostics.into_iter();
            all.map(|one| (one.code, one.pointer)).collect()
        })
    }

    #[test]
    fn an_instance_is_read_in_any_casing_and_with_bare_values() {
        let instance = read(
            r#"{"@apiversion": "2.0", "Name": "a-1", "systemData": {}, "properties": {"TopologyName": "t", "state": "Active",
               "parameters": [{"name": "a", "value": 5}, {"name": "b", "value": true}, {"name": "c"}, {"name": "d", "value": "${x}"}]}}"#,
        )
        .unwrap();
        assert_eq!(
            (instance.name.as_str(), instance.topology_name.as_str()),
            ("a-1", "t")
        );
        let values: Vec<_> = instance
            .parameters
            .iter()
            .map(|one| one.value.as_deref())
            .collect();
        assert_eq!(values, [Some("5"), Some("true"), None, Some("${x}")]);
    }

    #[test]
    fn every_mistake_is_reported_with_its_place() {
        let found = read(
            r#"{"@apiVersion": "9.0", "name": "-a", "properties": {"topologyname": "t", "topolgy": "t",
               "parameters": [{"name": "a", "value": {}}, {"name": "a", "value": ""}]}}"#,
        )
        .unwrap_err();
        let has = |code, pointer: &str| found.contains(&(code, pointer.to_owned()));
        assert!(has(Code::ApiVersionNotSupported, "/@apiVersion"), "{found:?}");
        assert!(has(Code::PropertyValueInvalidPattern, "/name"), "{found:?}");
        assert!(has(Code::PropertyUnknown, "/properties/topolgy"), "{found:?}");
        assert!(
            has(Code::PropertyValueInvalid, "/properties/parameters/0/value"),
            "{found:?}"
        );
        for text in ["[]", "{}", "null", r#"{"@apiVersion": "2.0", "name": "a"}"#] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_parameter_is_given_once() {
        let found = read(
            r#"{"@apiVersion": "2.0", "name": "a", "properties": {"topologyName": "t",
               "parameters": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}}"#,
        )
        .unwrap_err();
        assert_eq!(
            found,
            [(
                Code::PropertyDuplicate,
                "/properties/parameters/1/name".to_owned()
            )]
        );
    }
}
