//! What a graph must pass before it is stored, and again before it runs.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::Shared;
use super::catalog::Topology;
use super::error::{ControlError, Detail, Kind, MODULE_VALIDATION, json_path, mistakes};
use super::secrets::{Secrets, member};
use crate::graph::prepare::Compiling;
use crate::graph::registry::{InstanceRow, ParameterValue};
use crate::graph::{Plan, Problem, prepare, prepare_and_tell};
use crate::nodes::{Config, Graph, TABLE};
use crate::topology::diagnostics::shown;
use crate::topology::{Bindings, Code, Diagnostic, Diagnostics, Severity, Status, TopologyDoc, check};

/// What stands for the instance's name while there is none.
const NO_INSTANCE: &str = "instance";

/// Checks a topology by itself. Gives what is odd about it.
pub(super) fn topology(shared: &Shared, doc: &TopologyDoc) -> Result<Diagnostics, ControlError> {
    let checked = check(doc, &Bindings::default(), NO_INSTANCE, TABLE);
    if checked.diagnostics.has_errors() {
        return Err(ControlError::invalid("the topology", &checked.diagnostics));
    }
    let details = checked
        .graph
        .map(|graph| shared.options.policy.check(&graph))
        .unwrap_or_default();
    refuse("the topology", details)?;
    Ok(checked.diagnostics)
}

fn refuse(what: &str, details: Vec<Detail>) -> Result<(), ControlError> {
    if details.is_empty() {
        return Ok(());
    }
    let message = mistakes(what, details.len(), &details);
    Err(ControlError::with(Kind::BadRequest, message, details))
}

/// An instance and what it is made of.
pub(super) struct Candidate<'a> {
    pub(super) topology: &'a Topology,
    pub(super) row: &'a InstanceRow,
    /// The instance as sent, for line numbers; none when it is not being set.
    pub(super) sent: Option<&'a TopologyDoc>,
}

impl Candidate<'_> {
    fn what(&self) -> String {
        format!("the graph instance {}", shown(&self.row.name))
    }

    /// The secrets of the topology and of the host, with the values that the instance gives.
    pub(super) fn secrets(&self, shared: &Shared) -> Secrets {
        let mut secrets = self.topology.secrets.clone();
        secrets.add_all(shared.options.secrets.values());
        for ParameterValue { name, value } in &self.row.parameters {
            if let Some(value) = value {
                secrets.add_value(name, value);
            }
        }
        secrets
    }

    /// Checks it for being stored: everything but whether its nodes can already run. Compiles components: blocks.
    pub(super) fn check(&self, shared: &Shared) -> Result<Diagnostics, ControlError> {
        let graph = self.graph(shared)?;
        let warnings = graph.warnings.clone();
        match prepare(&graph, &shared.environment) {
            Ok(plan) => shared.keep_components(&plan),
            Err(problems) => {
                let real = problems
                    .iter()
                    .filter(|problem| !is_planned(&graph, &problem.node));
                refuse(&self.what(), real.map(|problem| self.problem(problem)).collect())?;
            }
        }
        Ok(warnings)
    }

    /// Checks it for running, and loads what it needs. Compiles components: blocks.
    pub(super) fn plan(&self, shared: &Shared, compiling: Compiling<'_>) -> Result<Plan, ControlError> {
        let graph = self.graph(shared)?;
        let early = graph
            .warnings
            .diagnostics
            .iter()
            .filter(|one| one.code == Code::NotYetAvailable);
        let details = early.flat_map(|one| {
            let detail = self.in_topology(one);
            let module = Detail {
                code: MODULE_VALIDATION.to_owned(),
                ..detail.clone()
            };
            [module, detail]
        });
        let details: Vec<Detail> = details.collect();
        if let Some(first) = details.first() {
            let message = format!("{} cannot be activated: {}", self.what(), first.message);
            return Err(ControlError::with(Kind::BadRequest, message, details));
        }
        let plan = prepare_and_tell(&graph, &shared.environment, compiling).map_err(|problems| {
            let details: Vec<Detail> = problems.iter().map(|problem| self.problem(problem)).collect();
            let message = mistakes(&self.what(), details.len(), &details);
            ControlError::with(Kind::BadRequest, message, details)
        })?;
        shared.keep_components(&plan);
        Ok(plan)
    }

    /// Binds the parameters and checks the graph that comes of it, and the host's rules.
    fn graph(&self, shared: &Shared) -> Result<Graph, ControlError> {
        let mut bindings = Bindings::default().with_secrets(shared.options.secrets.clone());
        for ParameterValue { name, value } in &self.row.parameters {
            if let Some(value) = value {
                bindings.set(name, value);
            }
        }
        let checked = check(&self.topology.doc, &bindings, &self.row.name, TABLE);
        let errors = checked
            .diagnostics
            .diagnostics
            .iter()
            .filter(|one| one.severity == Severity::Error);
        let mut details: Vec<Detail> = errors.map(|one| self.detail(one)).collect();
        details.extend(self.undeclared(&checked.diagnostics));
        details.extend(checked.missing.iter().map(|name| self.missing(name)));
        refuse(&self.what(), details)?;
        let Some(mut graph) = checked.graph else {
            let message = format!("{} is not valid", self.what());
            return Err(ControlError::new(Kind::BadRequest, message));
        };
        let mut details = components_within(&mut graph, &shared.options.load_roots, &self.topology.doc);
        details.extend(shared.options.policy.check(&graph));
        refuse(&self.what(), details)?;
        Ok(graph)
    }

    /// Names without a value are not bound, so nobody has looked whether they are declared.
    fn undeclared(&self, found: &Diagnostics) -> Vec<Detail> {
        let declared = declared(&self.topology.doc);
        let valueless = self.row.parameters.iter().filter(|one| one.value.is_none());
        let unknown = valueless.filter(|one| !declared.contains(&one.name.as_str()));
        let reported = |name: &str| {
            found
                .diagnostics
                .iter()
                .any(|one| one.pointer == format!("-p {name}"))
        };
        unknown
            .filter(|one| !reported(&one.name))
            .map(|one| {
                let message = format!("the topology does not declare the parameter {}", shown(&one.name));
                self.placed(Detail::new(Code::ParameterUndeclared.name(), message), &one.name)
            })
            .collect()
    }

    fn missing(&self, name: &str) -> Detail {
        let message = format!("the parameter {} has no value", shown(name));
        let hint = "give it a `value` in `properties.parameters`, or a `default` in the topology";
        let detail = Detail::new(Code::ParameterMissing.name(), message).hint(hint);
        self.placed(detail, name)
    }

    fn detail(&self, one: &Diagnostic) -> Detail {
        match one.pointer.strip_prefix("-p ") {
            Some(name) => {
                let mut detail = Detail::new(one.code.name(), one.message.clone());
                detail.hint.clone_from(&one.hint);
                self.placed(detail, name)
            }
            None => self.in_topology(one),
        }
    }

    /// A mistake that shows in the topology once the values are put in; its lines are not those that were sent.
    fn in_topology(&self, one: &Diagnostic) -> Detail {
        let mut detail = Detail::new(one.code.name(), one.message.clone()).at(json_path(&one.pointer));
        detail.hint.clone_from(&one.hint);
        detail
    }

    /// Says where the value of a parameter stands in what was sent.
    fn placed(&self, detail: Detail, parameter: &str) -> Detail {
        let at = self.row.parameters.iter().position(|one| one.name == parameter);
        let pointer = at.map_or_else(
            || "/properties/parameters".to_owned(),
            |index| format!("/properties/parameters/{index}/value"),
        );
        let detail = detail.at(json_path(&pointer));
        let Some((line, column)) = self.sent.and_then(|doc| doc.position(&pointer)) else {
            return detail;
        };
        Detail {
            pointer: Some(pointer),
            line: Some(line),
            column: Some(column),
            ..detail
        }
    }

    fn problem(&self, problem: &Problem) -> Detail {
        module_problem(&self.topology.doc, &problem.node, &problem.message)
    }
}

/// Something that a node found missing or unfit on this host.
pub(super) fn module_problem(doc: &TopologyDoc, node: &str, message: &str) -> Detail {
    let (message, hint) = match message.split_once("\nhint: ") {
        Some((message, hint)) => (message, Some(hint)),
        None => (message, None),
    };
    let mut detail = Detail::new(MODULE_VALIDATION, format!("node {}: {message}", shown(node)));
    detail.target = node_path(doc, node);
    detail.hint = hint.map(str::to_owned);
    detail
}

/// Where a node stands: `$.Properties.Sinks[0]`.
fn node_path(doc: &TopologyDoc, node: &str) -> Option<String> {
    let properties = member(doc.value(), "properties")?;
    ["sources", "processors", "sinks"].into_iter().find_map(|list| {
        let nodes = member(properties, list)?.as_array()?;
        let named = |one: &Value| member(one, "name").and_then(Value::as_str) == Some(node);
        let index = nodes.iter().position(named)?;
        Some(json_path(&format!("/properties/{list}/{index}")))
    })
}

/// The names of a topology's parameters.
pub(super) fn declared(doc: &TopologyDoc) -> Vec<&str> {
    let parameters = member(doc.value(), "properties").and_then(|all| member(all, "parameters"));
    let all = parameters.and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|one| member(one, "name")?.as_str()).collect()
}

/// The names of a topology's parameters that have a default.
pub(super) fn with_default(doc: &TopologyDoc) -> Vec<&str> {
    let parameters = member(doc.value(), "properties").and_then(|all| member(all, "parameters"));
    let all = parameters.and_then(Value::as_array).into_iter().flatten();
    all.filter(|one| member(one, "default").is_some_and(|default| !default.is_null()))
        .filter_map(|one| member(one, "name")?.as_str())
        .collect()
}

fn is_planned(graph: &Graph, node: &str) -> bool {
    let mut nodes = graph.nodes.iter();
    nodes.any(|one| one.name == node && one.node_type.status != Status::Runs)
}

/// Sees to it that components and models come from the folders that the host allows, and puts their real paths in, so that
/// what is checked is what is loaded.
fn components_within(graph: &mut Graph, roots: &[PathBuf], doc: &TopologyDoc) -> Vec<Detail> {
    let mut details = Vec::new();
    for node in &mut graph.nodes {
        for (what, path) in files(&mut node.config) {
            if let Some(found) = within(path, roots) {
                *path = found;
            } else {
                let message = format!(
                    "node {}: there is no {what} {} that may be loaded",
                    shown(&node.name),
                    shown(path)
                );
                let hint = match roots {
                    [] => format!(
                        "this host loads no {what}s from files: name their folder as `load_roots` under `[paths]` of its configuration{}",
                        if what == "model" {
                            ", or the file under `[models.files]`"
                        } else {
                            ""
                        }
                    ),
                    roots => {
                        let roots: Vec<String> =
                            roots.iter().map(|root| format!("`{}`", root.display())).collect();
                        format!("put it into {}, and write its path", roots.join(" or "))
                    }
                };
                let detail = Detail::new(MODULE_VALIDATION, message).hint(hint);
                details.push(Detail {
                    target: node_path(doc, &node.name),
                    ..detail
                });
            }
        }
    }
    details
}

/// The files that a node names, and what each is.
fn files(config: &mut Config) -> Vec<(&'static str, &mut String)> {
    let component = |reference| ("component", reference);
    match config {
        Config::Extension(extension) => {
            let models = extension
                .models
                .iter_mut()
                .map(|model| ("model", &mut model.path));
            let own = extension.extension.path.as_mut().map(component);
            own.into_iter().chain(models).collect()
        }
        Config::Gate(gate) => gate.extension.path.as_mut().map(component).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The real path of a file below one of the roots. A relative path begins at a root. What lies elsewhere is not even
/// looked for: whether it exists is nobody's business.
fn within(path: &str, roots: &[PathBuf]) -> Option<String> {
    let path = Path::new(path);
    if path.components().any(|part| part == Component::ParentDir) {
        return None;
    }
    roots.iter().find_map(|root| {
        let real_root = root.canonicalize().ok()?;
        if path.is_absolute() && !path.starts_with(root) && !path.starts_with(&real_root) {
            return None;
        }
        let real = root.join(path).canonicalize().ok()?;
        (real.starts_with(&real_root) && real.is_file()).then_some(())?;
        Some(real.to_str()?.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_come_only_from_the_folders_that_the_host_allows() {
        let dir = tempfile::tempdir().unwrap();
        let (root, other) = (dir.path().join("root"), dir.path().join("other"));
        for folder in [&root, &other] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("a.wasm"), "x").unwrap();
        }
        std::os::unix::fs::symlink(other.join("a.wasm"), root.join("link.wasm")).unwrap();
        let roots = [root.clone()];
        let real = root.join("a.wasm").canonicalize().unwrap();
        let allowed = |path: &Path| within(path.to_str().unwrap(), &roots);
        assert_eq!(allowed(&root.join("a.wasm")).as_deref(), real.to_str());
        assert_eq!(allowed(Path::new("a.wasm")).as_deref(), real.to_str());
        let outside = [
            other.join("a.wasm"),
            root.join("link.wasm"),
            root.join("missing.wasm"),
            root.join("../other/a.wasm"),
            root.clone(),
            PathBuf::from("../other/a.wasm"),
        ];
        for path in outside {
            assert_eq!(allowed(&path), None, "{}", path.display());
        }
        assert_eq!(within("a.wasm", &[]), None);
    }
}
