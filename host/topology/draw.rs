//! Pictures of a graph: Mermaid for Markdown, dot for Graphviz.

use std::fmt::Write as _;

use super::model::{MediaType, OutputSelector, SelectorOperator};
use super::node::Role;

/// A node as it is drawn.
#[derive(Clone, Debug)]
pub struct OutlineNode {
    /// Its name.
    pub name: String,
    /// Its type as the table spells it.
    pub node_type: &'static str,
    /// Decides its shape.
    pub role: Role,
    /// Index of the parent, and what is selected of its output.
    pub inputs: Vec<(usize, Vec<OutputSelector>)>,
}

/// A graph as far as drawing goes; parameters need no values.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The topology's name.
    pub topology: String,
    /// In the order written.
    pub nodes: Vec<OutlineNode>,
}

impl Outline {
    /// A Mermaid flow chart.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for (at, node) in self.nodes.iter().enumerate() {
            let (open, close) = match node.role {
                Role::Source => ("([", "])"),
                Role::Processor => ("[", "]"),
                Role::Sink => ("[(", ")]"),
            };
            let label = format!(
                "{}<br/>{}",
                mermaid_text(&node.name),
                mermaid_text(short(node.node_type))
            );
            let _ = writeln!(text, "    n{at}{open}\"{label}\"{close}");
        }
        for (at, node) in self.nodes.iter().enumerate() {
            for (parent, selectors) in &node.inputs {
                let label = match label(selectors) {
                    Some(label) => format!("|{label}|"),
                    None => String::new(),
                };
                let _ = writeln!(text, "    n{parent} -->{label} n{at}");
            }
        }
        text
    }

    /// A Graphviz digraph.
    #[must_use]
    pub fn dot(&self) -> String {
        let mut text = format!("digraph \"{}\" {{\n    rankdir=LR;\n", dot_text(&self.topology));
        for (at, node) in self.nodes.iter().enumerate() {
            let shape = match node.role {
                Role::Source => "oval",
                Role::Processor => "box",
                Role::Sink => "cylinder",
            };
            let (name, kind) = (dot_text(&node.name), dot_text(short(node.node_type)));
            let _ = writeln!(text, "    n{at} [shape={shape}, label=\"{name}\\n{kind}\"];");
        }
        for (at, node) in self.nodes.iter().enumerate() {
            for (parent, selectors) in &node.inputs {
                let label = label(selectors)
                    .map(|label| format!(" [label=\"{label}\"]"))
                    .unwrap_or_default();
                let _ = writeln!(text, "    n{parent} -> n{at}{label};");
            }
        }
        text.push_str("}\n");
        text
    }
}

fn short(node_type: &str) -> &str {
    let name = node_type.rsplit('.').next().unwrap_or(node_type);
    name.strip_prefix("MediaGraph").unwrap_or(name)
}

fn label(selectors: &[OutputSelector]) -> Option<String> {
    let words: Vec<String> = selectors
        .iter()
        .map(|selector| {
            let media = match selector.value {
                MediaType::Video => "video",
                MediaType::Audio => "audio",
                MediaType::Application => "application",
            };
            match selector.operator {
                SelectorOperator::Is => media.to_owned(),
                SelectorOperator::IsNot => format!("not {media}"),
            }
        })
        .collect();
    (!words.is_empty()).then(|| words.join(" and "))
}

// A broken name may hold anything: it must not end the label.
fn mermaid_text(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' | '<' | '>' | '&' | '#' => format!("#{};", u32::from(c)),
            c if c.is_control() => " ".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

fn dot_text(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace(char::is_control, " ")
}
