//! One node after the other: its type, its configuration with the parameters put in, its inputs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::diagnostics::{Code, Diagnostic, Diagnostics, did_you_mean, shown};
use super::document::push_step;
use super::limits::{MAX_EDGES, MAX_NODES, MAX_SELECTORS};
use super::model::{NodeHeader, NodeInput, SourceHeader};
use super::node::{NodeType, Role, Status, schema_of};
use super::parameters::Scope;
use super::resolve::{list_at, text_at, too_many};
use super::shape::{Shaper, TYPE_MEMBER};
use super::structure::Part;

const ROLES: [(Role, &str); 3] = [
    (Role::Source, "sources"),
    (Role::Processor, "processors"),
    (Role::Sink, "sinks"),
];

/// A node on its way: its type and, when all went well, its configuration.
pub(super) struct Draft<C: 'static> {
    pub(super) node_type: Option<&'static NodeType<C>>,
    pub(super) config: Option<C>,
}

pub(super) fn shape_nodes<C>(
    written: &Value,
    table: &'static [NodeType<C>],
    scope: &mut Scope<'_>,
    out: &mut Diagnostics,
) -> (Vec<Part>, Vec<Draft<C>>) {
    let (mut parts, mut drafts) = (Vec::new(), Vec::new());
    let (mut nodes, mut edges) = (0, 0);
    let properties = written_member("", written, "properties");
    for (role, list) in ROLES {
        let base = written.pointer(&properties).map_or_else(
            || format!("{properties}/{list}"),
            |object| written_member(&properties, object, list),
        );
        let all = list_at(written, &base);
        nodes += all.len();
        for (index, node) in all.iter().enumerate().take(MAX_NODES) {
            let pointer = format!("{base}/{index}");
            edges += list_at(node, "/inputs").len();
            let mut one = OneNode {
                table,
                scope: &mut *scope,
                out: &mut *out,
            };
            if let Some((part, draft)) = one.shape(role, list, pointer, node) {
                parts.push(part);
                drafts.push(draft);
            }
        }
    }
    for (count, what, most) in [(nodes, "nodes", MAX_NODES), (edges, "inputs", MAX_EDGES)] {
        if count > most {
            out.push(too_many("/properties", count, what, most));
        }
    }
    (parts, drafts)
}

/// The pointer of a member in the casing that was written.
fn written_member(base: &str, object: &Value, name: &str) -> String {
    let members = object.as_object().into_iter().flat_map(Map::keys);
    let written = members.into_iter().find(|key| key.eq_ignore_ascii_case(name));
    let mut pointer = base.to_owned();
    push_step(&mut pointer, written.map_or(name, String::as_str));
    pointer
}

struct OneNode<'o, 's, C: 'static> {
    table: &'static [NodeType<C>],
    scope: &'o mut Scope<'s>,
    out: &'o mut Diagnostics,
}

impl<C> OneNode<'_, '_, C> {
    fn shape(&mut self, role: Role, list: &str, pointer: String, node: &Value) -> Option<(Part, Draft<C>)> {
        let Some(members) = node.as_object() else {
            self.out.push(Diagnostic::error(
                Code::PropertyValueInvalid,
                pointer,
                "expected a node, which is an object",
            ));
            return None;
        };
        let member = |name: &str| {
            members
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        };
        let node_type = self.find_type(role, list, &pointer, member(TYPE_MEMBER));
        let (header, config) = match node_type {
            Some(node_type) => self.known(node_type, &pointer, node),
            None => (node.clone(), None),
        };
        let name = text_at(&header, "/name").or_else(|| member("name")?.as_str().map(str::to_owned));
        if node_type.is_none() && name.is_none() {
            self.out.push(Diagnostic::error(
                Code::PropertyMissing,
                pointer.clone(),
                "the member `name` is missing",
            ));
        }
        let inputs = self.inputs(&header, &pointer);
        let part = Part {
            name: name?,
            pointer,
            class: node_type.map(|one| one.class),
            role,
            inputs,
        };
        Some((part, Draft { node_type, config }))
    }

    fn find_type(
        &mut self,
        role: Role,
        list: &str,
        pointer: &str,
        written: Option<&Value>,
    ) -> Option<&'static NodeType<C>> {
        let Some(written) = written.and_then(Value::as_str) else {
            self.out.push(Diagnostic::error(
                Code::PropertyMissing,
                pointer,
                "the member `@type` is missing",
            ));
            return None;
        };
        let pointer = format!("{pointer}/{TYPE_MEMBER}");
        let Some(found) = self.table.iter().find(|one| one.is_named(written)) else {
            let names = self.table.iter().flat_map(|one| one.names.iter().copied());
            let hint = match did_you_mean(written, names) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "`mediagraph list nodes` shows all node types".to_owned(),
            };
            let message = format!("unknown node type {}", shown(written));
            self.out
                .push(Diagnostic::error(Code::TypeUnknown, pointer, message).hint(hint));
            return None;
        };
        if found.class.role() != role {
            let message = format!("{} does not belong in `{list}`", found.class.phrase());
            self.out
                .push(Diagnostic::error(Code::GraphValidationError, pointer, message));
        } else if let Status::Planned { use_instead } = found.status {
            let message = format!("the node type `{}` cannot run yet", found.name());
            self.out.push(
                Diagnostic::warning(Code::NotYetAvailable, pointer, message)
                    .hint(format!("use {use_instead}")),
            );
        }
        Some(found)
    }

    fn known(&mut self, node_type: &'static NodeType<C>, pointer: &str, node: &Value) -> (Value, Option<C>) {
        let schema = known_schema(node_type);
        let mut shaper = Shaper {
            scope: &mut *self.scope,
            out: &mut *self.out,
            pointer: pointer.to_owned(),
            complete: true,
        };
        let shaped = shaper.shape(&schema, node);
        let complete = shaper.complete;
        let Value::Object(mut config) = shaped else {
            return (shaped, None);
        };
        config.remove(TYPE_MEMBER);
        let header = ["name", "inputs"]
            .into_iter()
            .filter_map(|name| config.remove_entry(name))
            .collect();
        let config = if complete {
            self.parse(node_type, pointer, config)
        } else {
            None
        };
        (Value::Object(header), config)
    }

    fn parse(&mut self, node_type: &NodeType<C>, pointer: &str, config: Map<String, Value>) -> Option<C> {
        match (node_type.parse)(Value::Object(config)) {
            Ok(config) => {
                for (member, finding) in (node_type.check)(&config) {
                    self.out.push(Diagnostic {
                        pointer: format!("{pointer}{member}"),
                        ..finding
                    });
                }
                Some(config)
            }
            // The schema lets through what the struct does not take. The text might repeat a secret.
            Err(_) => {
                let message = "the configuration does not have the form that this node type needs";
                self.out
                    .push(Diagnostic::error(Code::PropertyValueInvalid, pointer, message));
                None
            }
        }
    }

    fn inputs(&mut self, header: &Value, pointer: &str) -> Vec<NodeInput> {
        let all = list_at(header, "/inputs").iter().take(MAX_EDGES);
        let inputs: Vec<NodeInput> = all
            .filter_map(|one| serde_json::from_value(one.clone()).ok())
            .collect();
        for (index, input) in inputs.iter().enumerate() {
            let count = input.output_selectors.len();
            if count > MAX_SELECTORS {
                let pointer = format!("{pointer}/inputs/{index}/outputSelectors");
                self.out
                    .push(too_many(pointer, count, "selectors", MAX_SELECTORS));
            }
        }
        inputs
    }
}

/// As [`node_schema`], which takes longer than checking a topology, made once.
fn known_schema<C>(node_type: &NodeType<C>) -> Arc<Value> {
    /// By the function that makes the configuration's part, and the role that makes the rest.
    static KNOWN: Mutex<BTreeMap<(usize, Role), Arc<Value>>> = Mutex::new(BTreeMap::new());
    let key = (node_type.schema as usize, node_type.class.role());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let schema = known
        .entry(key)
        .or_insert_with(|| Arc::new(node_schema(node_type)));
    Arc::clone(schema)
}

/// The schema of a whole node: its configuration and what every node has.
pub(super) fn node_schema<C>(node_type: &NodeType<C>) -> Value {
    let mut schema = (node_type.schema)().to_value();
    let header = match node_type.class.role() {
        Role::Source => schema_of::<SourceHeader>(),
        _ => schema_of::<NodeHeader>(),
    }
    .to_value();
    let Some(object) = schema.as_object_mut() else {
        return schema;
    };
    for (member, empty) in [
        ("properties", Value::Object(Map::new())),
        ("required", Value::Array(Vec::new())),
    ] {
        let own = object.entry(member).or_insert(empty);
        match (own, header.get(member)) {
            (Value::Object(own), Some(Value::Object(header))) => own.extend(header.clone()),
            (Value::Array(own), Some(Value::Array(header))) => own.extend(header.iter().cloned()),
            _ => {}
        }
    }
    schema
}
