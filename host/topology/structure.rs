//! The shape of the graph: names, edges, who may stand behind whom, one piece, no circle.
//!
//! Everything is linear in nodes and edges, both of which are capped.

use std::collections::{BTreeMap, VecDeque};

use super::diagnostics::{Code, Diagnostic, Diagnostics, did_you_mean, shown};
use super::limits::{MAX_DIAGNOSTICS, MAX_NODE_NAME_CHARS};
use super::model::{MediaType, NodeInput};
use super::node::{Class, Role};

/// A node as far as the structure goes.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) pointer: String,
    /// None when the type is unknown; the node then takes part in the structure but not in its rules.
    pub(super) class: Option<Class>,
    pub(super) role: Role,
    pub(super) inputs: Vec<NodeInput>,
}

/// The edges that resolve: for each node, its inputs as (index of the parent, index of the input).
pub(super) type Edges = Vec<Vec<(usize, usize)>>;

/// Checks the graph and gives its edges and, when it has no circle, its nodes in topological order.
pub(super) fn check(parts: &[Part], out: &mut Diagnostics) -> (Edges, Option<Vec<usize>>) {
    let by_name = index(parts, out);
    let edges = edges(parts, &by_name, out);
    for (at, part) in parts.iter().enumerate() {
        check_inputs(part, edges.get(at).map_or(&[], Vec::as_slice), parts, out);
    }
    let order = order(&edges);
    if let Err(circle) = &order {
        report_circle(circle, parts, out);
    }
    check_use(parts, &edges, out);
    check_connected(parts, &edges, out);
    (edges, order.ok())
}

fn graph_error(pointer: String, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::GraphValidationError, pointer, message)
}

fn index<'a>(parts: &'a [Part], out: &mut Diagnostics) -> BTreeMap<&'a str, usize> {
    let mut by_name = BTreeMap::new();
    for (at, part) in parts.iter().enumerate() {
        let pointer = format!("{}/name", part.pointer);
        let letters = part.name.chars().count();
        if !part
            .name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            || letters == 0
            || letters > MAX_NODE_NAME_CHARS
        {
            let message = format!(
                "the node name {} must have 1 to {MAX_NODE_NAME_CHARS} letters, digits, `-` or `_`",
                shown(&part.name)
            );
            out.push(Diagnostic::error(
                Code::PropertyValueInvalidPattern,
                pointer.clone(),
                message,
            ));
        }
        if by_name.insert(part.name.as_str(), at).is_some() {
            let message = format!("there is more than one node named {}", shown(&part.name));
            out.push(graph_error(pointer, message).hint("give each node a name of its own"));
        }
    }
    by_name
}

fn edges(parts: &[Part], by_name: &BTreeMap<&str, usize>, out: &mut Diagnostics) -> Edges {
    let resolve = |part: &Part, out: &mut Diagnostics| {
        let mut found = Vec::new();
        for (index, input) in part.inputs.iter().enumerate() {
            match by_name.get(input.node_name.as_str()) {
                Some(parent) => found.push((*parent, index)),
                // Beyond the cap nobody reads it, and looking for names takes time.
                None if out.errors >= MAX_DIAGNOSTICS => out.errors += 1,
                None => out.push(unknown_input(part, index, input, by_name)),
            }
            check_selectors(part, index, input, out);
        }
        found
    };
    parts.iter().map(|part| resolve(part, out)).collect()
}

fn unknown_input(
    part: &Part,
    index: usize,
    input: &NodeInput,
    by_name: &BTreeMap<&str, usize>,
) -> Diagnostic {
    let pointer = format!("{}/inputs/{index}/nodeName", part.pointer);
    let error = graph_error(pointer, format!("there is no node {}", shown(&input.node_name)));
    match did_you_mean(&input.node_name, by_name.keys().copied()) {
        Some(meant) => error.hint(format!("did you mean `{meant}`?")),
        None => error.hint("an input names a source or processor of the same topology"),
    }
}

fn check_selectors(part: &Part, index: usize, input: &NodeInput, out: &mut Diagnostics) {
    let passes = |media| {
        input
            .output_selectors
            .iter()
            .all(|selector| selector.accepts(media))
    };
    if ![MediaType::Video, MediaType::Audio, MediaType::Application]
        .into_iter()
        .any(passes)
    {
        out.push(Diagnostic::warning(
            Code::PropertyValueUnusual,
            format!("{}/inputs/{index}/outputSelectors", part.pointer),
            "these selectors contradict each other: nothing passes all of them",
        ));
    }
}

fn check_inputs(part: &Part, parents: &[(usize, usize)], parts: &[Part], out: &mut Diagnostics) {
    let Some(class) = part.class.filter(|class| class.role() != Role::Source) else {
        return;
    };
    if part.inputs.is_empty() {
        out.push(graph_error(
            format!("{}/inputs", part.pointer),
            format!("{} needs an input", class.phrase()),
        ));
        return;
    }
    let named = |index: &usize| parts.get(*index);
    for (parent, input) in parents {
        let Some((other, above)) = named(parent).and_then(|other| Some((other, other.class?))) else {
            continue;
        };
        if !class.parents().contains(&above) {
            out.push(forbidden(part, *input, class, other, above));
        }
    }
    let classes: Vec<Option<Class>> = parents
        .iter()
        .map(|(parent, _)| named(parent).and_then(|one| one.class))
        .collect();
    // What is unknown might be what is needed, and has been reported already.
    let all_known = classes.len() == part.inputs.len() && !classes.contains(&None);
    if class == Class::Gate && all_known {
        check_gate(part, &classes, out);
    }
    if class == Class::AssetSink && all_known && !classes.iter().flatten().any(|above| above.gives_media()) {
        out.push(
            graph_error(
                format!("{}/inputs", part.pointer),
                "an asset sink needs media to record",
            )
            .hint("add the source or a gate to its `inputs`, beside the tracker"),
        );
    }
    check_single(part, class, parents, parts, out);
}

fn forbidden(part: &Part, input: usize, class: Class, other: &Part, above: Class) -> Diagnostic {
    let allowed: Vec<&str> = class.parents().iter().map(|parent| parent.phrase()).collect();
    let pointer = format!("{}/inputs/{input}", part.pointer);
    let message = format!(
        "{} cannot stand directly behind {} ({})",
        class.phrase(),
        above.phrase(),
        shown(&other.name)
    );
    graph_error(pointer, message).hint(format!("it may stand behind {}", allowed.join(", ")))
}

fn check_gate(part: &Part, parents: &[Option<Class>], out: &mut Diagnostics) {
    let pointer = format!("{}/inputs", part.pointer);
    if !parents.contains(&Some(Class::RtspSource)) {
        out.push(
            graph_error(
                pointer.clone(),
                "a gate needs an RTSP source as a direct input: its media is what it lets through",
            )
            .hint("add the source to the gate's `inputs`, beside what opens it"),
        );
    }
    if parents.iter().all(|parent| *parent == Some(Class::RtspSource)) {
        out.push(Diagnostic::warning(
            Code::PropertyValueUnusual,
            pointer,
            "nothing can open this gate: it has no detector or message source as an input",
        ));
    }
}

/// Media comes from one place: two cameras cannot be one track.
fn check_single(
    part: &Part,
    class: Class,
    parents: &[(usize, usize)],
    parts: &[Part],
    out: &mut Diagnostics,
) {
    let gives_only_frames = |at: usize| {
        let above = parts.get(at).and_then(|one| one.class);
        matches!(above, Some(Class::RtspSource | Class::FrameRate))
    };
    let beside_frames = parents.iter().any(|(parent, _)| gives_only_frames(*parent));
    let counts = |above: Class| match class {
        Class::Gate => above == Class::RtspSource,
        Class::AssetSink | Class::FileSink => above.gives_media(),
        Class::Motion | Class::FrameRate | Class::Tracker | Class::LineCrossing => true,
        // A processor component may hear several nodes; whether it is one is known once it is loaded.
        Class::Extension => beside_frames,
        _ => false,
    };
    let mut first = None;
    for (parent, input) in parents {
        if !parts.get(*parent).and_then(|one| one.class).is_some_and(counts) {
            continue;
        }
        if *first.get_or_insert(*parent) != *parent {
            let message = format!("{} takes media from one node only", class.phrase());
            out.push(
                graph_error(format!("{}/inputs/{input}", part.pointer), message)
                    .hint("use one node of this type for each"),
            );
        }
    }
}

/// Kahn's algorithm; fails with the nodes that are on a circle or behind one.
fn order(edges: &Edges) -> Result<Vec<usize>, Vec<usize>> {
    let mut waiting: Vec<usize> = edges.iter().map(Vec::len).collect();
    let children = children(edges);
    let mut ready: VecDeque<usize> = (0..edges.len())
        .filter(|at| waiting.get(*at) == Some(&0))
        .collect();
    let mut order = Vec::with_capacity(edges.len());
    while let Some(at) = ready.pop_front() {
        order.push(at);
        for child in children.get(at).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(*child) {
                *count -= 1;
                if *count == 0 {
                    ready.push_back(*child);
                }
            }
        }
    }
    if order.len() == edges.len() {
        return Ok(order);
    }
    Err((0..edges.len())
        .filter(|at| waiting.get(*at).is_some_and(|count| *count > 0))
        .collect())
}

fn children(edges: &Edges) -> Vec<Vec<usize>> {
    let mut children = vec![Vec::new(); edges.len()];
    for (at, parents) in edges.iter().enumerate() {
        for (parent, _) in parents {
            if let Some(list) = children.get_mut(*parent) {
                list.push(at);
            }
        }
    }
    children
}

fn report_circle(circle: &[usize], parts: &[Part], out: &mut Diagnostics) {
    let nodes: Vec<&Part> = circle.iter().filter_map(|at| parts.get(*at)).collect();
    let names: Vec<String> = nodes.iter().take(8).map(|part| shown(&part.name)).collect();
    let pointer = nodes
        .first()
        .map(|part| format!("{}/inputs", part.pointer))
        .unwrap_or_default();
    let message = format!("the nodes form a circle, or wait for one: {}", names.join(", "));
    out.push(graph_error(pointer, message).hint("media flows one way, from sources to sinks"));
}

fn check_use(parts: &[Part], edges: &Edges, out: &mut Diagnostics) {
    for (part, children) in parts.iter().zip(children(edges)) {
        if !children.is_empty() {
            continue;
        }
        let name = shown(&part.name);
        match part.role {
            Role::Source => out.push(
                graph_error(part.pointer.clone(), format!("no node uses the source {name}"))
                    .hint("name it in the `inputs` of a processor or sink, or remove it"),
            ),
            Role::Processor => out.push(Diagnostic::warning(
                Code::GraphValidationError,
                part.pointer.clone(),
                format!("no node uses what the processor {name} puts out"),
            )),
            Role::Sink => {}
        }
    }
    let has = |role| parts.iter().any(|part| part.role == role);
    if !has(Role::Source) {
        out.push(graph_error(
            "/properties/sources".to_owned(),
            "the graph has no source",
        ));
    }
    if !has(Role::Sink) {
        let message = "the graph has no sink: it records and reports nothing";
        out.push(Diagnostic::warning(
            Code::GraphValidationError,
            "/properties",
            message,
        ));
    }
}

/// LVA refuses a topology that falls into parts.
fn check_connected(parts: &[Part], edges: &Edges, out: &mut Diagnostics) {
    let children = children(edges);
    let mut reached = vec![false; parts.len()];
    let mut queue = VecDeque::from([0]);
    while let Some(at) = queue.pop_front() {
        match reached.get_mut(at) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        queue.extend(children.get(at).into_iter().flatten());
        queue.extend(edges.get(at).into_iter().flatten().map(|(parent, _)| parent));
    }
    // A node that nothing connects to has been reported by what it lacks.
    let alone =
        |at: usize| edges.get(at).is_some_and(Vec::is_empty) && children.get(at).is_some_and(Vec::is_empty);
    let stray = parts
        .iter()
        .enumerate()
        .find(|(at, _)| reached.get(*at) == Some(&false) && !alone(*at));
    if let (Some((_, part)), Some(first), false) = (stray, parts.first(), alone(0)) {
        let message = format!(
            "the node {} is not connected with {}",
            shown(&part.name),
            shown(&first.name)
        );
        out.push(graph_error(part.pointer.clone(), message).hint("write two topologies instead"));
    }
}
