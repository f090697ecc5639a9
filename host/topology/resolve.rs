//! From the written form to a graph that can be planned: everything bound, typed and checked.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::diagnostics::{Code, Diagnostic, Diagnostics, did_you_mean, one_of, shown};
use super::document::{TopologyDoc, push_step};
use super::draw::{Outline, OutlineNode};
use super::limits::{MAX_EDGES, MAX_NAME_CHARS, MAX_NODES, MAX_PARAMETERS, MAX_SELECTORS};
use super::model::{
    API_VERSIONS, NodeHeader, NodeInput, OutputSelector, ParameterDeclaration, SourceHeader, Topology,
};
use super::node::{NodeType, Role, Status, schema_of};
use super::parameters::{Bindings, Scope};
use super::shape::{Shaper, TYPE_MEMBER};
use super::structure::{self, Edges, Part};

const ROLES: [(Role, &str); 3] = [
    (Role::Source, "sources"),
    (Role::Processor, "processors"),
    (Role::Sink, "sinks"),
];

/// Where a node gets media and events from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The node upstream: an index into [`ResolvedGraph::nodes`], always a smaller one.
    pub node: usize,
    /// All must accept; none means everything.
    pub selectors: Vec<OutputSelector>,
}

/// A node with its configuration.
#[derive(Clone, Debug)]
pub struct ResolvedNode<C: 'static> {
    /// Unique in the graph.
    pub name: String,
    /// What it is; the static description from the table.
    pub node_type: &'static NodeType<C>,
    /// Typed, parameters put in.
    pub config: C,
    /// In the order written.
    pub inputs: Vec<Input>,
}

/// A graph that can be planned. Its nodes stand in topological order.
#[derive(Clone, Debug)]
pub struct ResolvedGraph<C: 'static> {
    /// The topology's name.
    pub topology: String,
    /// The graph instance's name.
    pub instance: String,
    /// Parents before children.
    pub nodes: Vec<ResolvedNode<C>>,
    /// What is odd about it.
    pub warnings: Diagnostics,
}

/// What a topology comes to when it need not run yet.
#[derive(Debug)]
pub struct Checked<C: 'static> {
    /// All that is wrong or odd. Missing values are not in here.
    pub diagnostics: Diagnostics,
    /// Parameters that must be set before it can run.
    pub missing: Vec<String>,
    /// For drawing.
    pub outline: Outline,
    /// The graph, when nothing is wrong and nothing is missing.
    pub graph: Option<ResolvedGraph<C>>,
}

/// Checks all that can be checked with the values that are given.
///
/// A node type that is only planned is a warning here and an error in [`resolve`].
#[must_use]
pub fn check<C>(
    doc: &TopologyDoc,
    bindings: &Bindings,
    instance: &str,
    table: &'static [NodeType<C>],
) -> Checked<C> {
    let mut diagnostics = Diagnostics::default();
    let mut checked = check_parts(doc, bindings, instance, table, &mut diagnostics);
    doc.place(&mut diagnostics);
    if diagnostics.has_errors() || !checked.missing.is_empty() {
        checked.graph = None;
    }
    if let Some(graph) = &mut checked.graph {
        graph.warnings = diagnostics.clone();
    }
    Checked {
        diagnostics,
        ..checked
    }
}

/// Binds and checks a topology so that it can run.
///
/// # Errors
/// All mistakes at once, among them parameters without a value and node types that cannot run yet.
pub fn resolve<C>(
    doc: &TopologyDoc,
    bindings: &Bindings,
    instance: &str,
    table: &'static [NodeType<C>],
) -> Result<ResolvedGraph<C>, Diagnostics> {
    let mut checked = check(doc, bindings, instance, table);
    let mut failures = Diagnostics::default();
    if !valid_name(instance) {
        failures.push(name_error(String::new(), "the graph instance's name", instance));
    }
    for name in &checked.missing {
        let message = format!("the parameter {} has no value", shown(name));
        failures.push(
            Diagnostic::error(Code::ParameterMissing, format!("-p {name}"), message).hint(format!(
                "give it with `-p {name}=VALUE`, or give it a `default` in the topology"
            )),
        );
    }
    let all = &mut checked.diagnostics;
    let omitted = all.errors + all.warnings - all.diagnostics.len();
    for one in std::mem::take(&mut all.diagnostics) {
        failures.push(match one.code {
            Code::NotYetAvailable => Diagnostic {
                severity: super::Severity::Error,
                ..one
            },
            _ => one,
        });
    }
    // Warnings that were not kept count among the rest, too: the number is for people.
    failures.warnings += omitted;
    match checked.graph {
        Some(graph) if !failures.has_errors() => Ok(graph),
        _ => Err(failures),
    }
}

fn valid_name(name: &str) -> bool {
    let letters = name.chars().count();
    (1..=MAX_NAME_CHARS).contains(&letters)
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn name_error(pointer: String, what: &str, name: &str) -> Diagnostic {
    let message = format!(
        "{what} {} must have 1 to {MAX_NAME_CHARS} letters, digits or dashes, and no dash at its ends",
        shown(name)
    );
    Diagnostic::error(Code::PropertyValueInvalidPattern, pointer, message)
}

fn check_parts<C>(
    doc: &TopologyDoc,
    bindings: &Bindings,
    instance: &str,
    table: &'static [NodeType<C>],
    out: &mut Diagnostics,
) -> Checked<C> {
    let envelope = shape_envelope(doc, out);
    let topology = text_at(&envelope, "/name").unwrap_or_default();
    let declarations = declarations(&envelope, out);
    let mut scope = Scope::new(&declarations, bindings, (&topology, instance), out);
    let (parts, drafts) = shape_nodes(&envelope, doc.value(), table, &mut scope, out);
    scope.warn_of_unused(out);
    let (edges, order) = structure::check(&parts, out);
    let missing = scope.missing();
    let outline = outline(&topology, &parts, &drafts, &edges);
    let nodes = order.and_then(|order| assemble(&parts, drafts, &edges, &order));
    let graph = nodes.map(|nodes| ResolvedGraph {
        topology: topology.clone(),
        instance: instance.to_owned(),
        nodes,
        warnings: Diagnostics::default(),
    });
    Checked {
        diagnostics: Diagnostics::default(),
        missing,
        outline,
        graph,
    }
}

fn shape_envelope(doc: &TopologyDoc, out: &mut Diagnostics) -> Value {
    let schema = schema_of::<Topology>().to_value();
    let before = out.errors;
    let mut scope = Scope::new(&[], &Bindings::default(), ("", ""), out);
    let mut shaper = Shaper {
        scope: &mut scope,
        out,
        pointer: String::new(),
        complete: true,
    };
    let envelope = shaper.shape(&schema, doc.value());
    if let Some(version) = text_at(&envelope, "/@apiVersion")
        && !API_VERSIONS.contains(&version.as_str())
    {
        let message = format!("the API version {} is not supported", shown(&version));
        out.push(
            Diagnostic::error(Code::ApiVersionNotSupported, "/@apiVersion", message)
                .hint(format!("use {}", one_of(API_VERSIONS))),
        );
    }
    match text_at(&envelope, "/name") {
        Some(name) if !valid_name(&name) => {
            out.push(name_error("/name".to_owned(), "the topology's name", &name));
        }
        None if out.errors == before => out.push(Diagnostic::error(
            Code::PropertyMissing,
            "",
            "the topology has no name",
        )),
        _ => {}
    }
    envelope
}

fn text_at(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().map(str::to_owned)
}

fn list_at<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn too_many(pointer: impl Into<String>, count: usize, what: &str, most: usize) -> Diagnostic {
    Diagnostic::error(
        Code::LimitExceeded,
        pointer,
        format!("there are {count} {what}; at most {most} are allowed"),
    )
}

fn declarations(envelope: &Value, out: &mut Diagnostics) -> Vec<(usize, ParameterDeclaration)> {
    let all = list_at(envelope, "/properties/parameters");
    if all.len() > MAX_PARAMETERS {
        out.push(too_many(
            "/properties/parameters",
            all.len(),
            "parameters",
            MAX_PARAMETERS,
        ));
    }
    // What does not fit its shape has been reported.
    let parse = |(index, one): (usize, &Value)| Some((index, serde_json::from_value(one.clone()).ok()?));
    all.iter()
        .take(MAX_PARAMETERS)
        .enumerate()
        .filter_map(parse)
        .collect()
}

/// A node on its way: its type and, when all went well, its configuration.
struct Draft<C: 'static> {
    node_type: Option<&'static NodeType<C>>,
    config: Option<C>,
}

fn shape_nodes<C>(
    envelope: &Value,
    written: &Value,
    table: &'static [NodeType<C>],
    scope: &mut Scope<'_>,
    out: &mut Diagnostics,
) -> (Vec<Part>, Vec<Draft<C>>) {
    let (mut parts, mut drafts) = (Vec::new(), Vec::new());
    let (mut nodes, mut edges) = (0, 0);
    let mut schemas = BTreeMap::new();
    let properties = written_member("", written, "properties");
    for (role, list) in ROLES {
        let all = list_at(envelope, &format!("/properties/{list}"));
        nodes += all.len();
        let base = written.pointer(&properties).map_or_else(
            || format!("{properties}/{list}"),
            |object| written_member(&properties, object, list),
        );
        for (index, node) in all.iter().enumerate().take(MAX_NODES) {
            let pointer = format!("{base}/{index}");
            edges += list_at(node, "/inputs").len();
            let mut one = OneNode {
                table,
                scope: &mut *scope,
                out: &mut *out,
                schemas: &mut schemas,
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
    schemas: &'o mut BTreeMap<&'static str, Value>,
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
        let schema = self
            .schemas
            .entry(node_type.name())
            .or_insert_with(|| node_schema(node_type));
        let mut shaper = Shaper {
            scope: &mut *self.scope,
            out: &mut *self.out,
            pointer: pointer.to_owned(),
            complete: true,
        };
        let shaped = shaper.shape(schema, node);
        let complete = shaper.complete;
        let mut config = shaped.as_object().cloned().unwrap_or_default();
        config.retain(|name, _| !matches!(name.as_str(), TYPE_MEMBER | "name" | "inputs"));
        let config = if complete {
            self.parse(node_type, pointer, config)
        } else {
            None
        };
        (shaped, config)
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

fn outline<C>(topology: &str, parts: &[Part], drafts: &[Draft<C>], edges: &Edges) -> Outline {
    let nodes = parts
        .iter()
        .zip(drafts)
        .zip(edges)
        .map(|((part, draft), parents)| OutlineNode {
            name: part.name.clone(),
            node_type: draft.node_type.map_or("unknown", NodeType::name),
            role: part.role,
            inputs: parents
                .iter()
                .filter_map(|(parent, input)| {
                    Some((*parent, part.inputs.get(*input)?.output_selectors.clone()))
                })
                .collect(),
        });
    Outline {
        topology: topology.to_owned(),
        nodes: nodes.collect(),
    }
}

fn assemble<C>(
    parts: &[Part],
    drafts: Vec<Draft<C>>,
    edges: &Edges,
    order: &[usize],
) -> Option<Vec<ResolvedNode<C>>> {
    let mut place = vec![0; parts.len()];
    for (new, old) in order.iter().enumerate() {
        *place.get_mut(*old)? = new;
    }
    let mut drafts: Vec<Option<Draft<C>>> = drafts.into_iter().map(Some).collect();
    let node = |old: &usize| {
        let (part, draft) = (parts.get(*old)?, drafts.get_mut(*old)?.take()?);
        let input = |(parent, index): &(usize, usize)| {
            Some(Input {
                node: *place.get(*parent)?,
                selectors: part.inputs.get(*index)?.output_selectors.clone(),
            })
        };
        Some(ResolvedNode {
            name: part.name.clone(),
            node_type: draft.node_type?,
            config: draft.config?,
            inputs: edges.get(*old)?.iter().map(input).collect::<Option<_>>()?,
        })
    };
    order.iter().map(node).collect()
}
