//! From the written form to a graph that can be planned: everything bound, typed and checked.

use std::sync::OnceLock;

use serde_json::Value;

use super::bind::{Draft, shape_nodes};
use super::diagnostics::{Code, Diagnostic, Diagnostics, one_of, shown};
use super::document::TopologyDoc;
use super::draw::{Outline, OutlineNode};
use super::limits::{MAX_NAME_CHARS, MAX_PARAMETERS};
use super::model::{API_VERSIONS, OutputSelector, ParameterDeclaration, Topology};
use super::node::{NodeType, schema_of};
use super::parameters::{Bindings, Scope};
use super::shape::Shaper;
use super::structure::{self, Edges, Part};

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

pub(super) fn valid_name(name: &str) -> bool {
    let letters = name.chars().count();
    (1..=MAX_NAME_CHARS).contains(&letters)
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

pub(super) fn name_error(pointer: String, what: &str, name: &str) -> Diagnostic {
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
    let envelope = shape_topology(doc, out);
    let topology = text_at(&envelope, "/name").unwrap_or_default();
    let declarations = declarations(&envelope, out);
    let mut scope = Scope::new(&declarations, bindings, (&topology, instance), out);
    let (parts, drafts) = shape_nodes(doc.value(), table, &mut scope, out);
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

/// What stands around nodes or values: shaped by its schema, and its version checked.
pub(super) fn shape_envelope(doc: &TopologyDoc, schema: &Value, out: &mut Diagnostics) -> Value {
    let mut scope = Scope::new(&[], &Bindings::default(), ("", ""), out);
    let mut shaper = Shaper {
        scope: &mut scope,
        out,
        pointer: String::new(),
        complete: true,
    };
    let envelope = shaper.shape(schema, doc.value());
    check_version(&envelope, out);
    envelope
}

fn shape_topology(doc: &TopologyDoc, out: &mut Diagnostics) -> Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| schema_of::<Topology>().to_value());
    let before = out.errors;
    let envelope = shape_envelope(doc, schema, out);
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

/// Whether the written form is of a version that is known here.
pub(super) fn check_version(envelope: &Value, out: &mut Diagnostics) {
    if let Some(version) = text_at(envelope, "/@apiVersion")
        && !API_VERSIONS.contains(&version.as_str())
    {
        let message = format!("the API version {} is not supported", shown(&version));
        out.push(
            Diagnostic::error(Code::ApiVersionNotSupported, "/@apiVersion", message)
                .hint(format!("use {}", one_of(API_VERSIONS))),
        );
    }
}

pub(super) fn text_at(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().map(str::to_owned)
}

pub(super) fn list_at<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

pub(super) fn too_many(pointer: impl Into<String>, count: usize, what: &str, most: usize) -> Diagnostic {
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
