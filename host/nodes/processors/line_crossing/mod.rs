//! Counts the objects that cross lines in the picture

mod config;

pub use config::*;

use super::super::{Config, parse};
use crate::topology::diagnostics::shown;
use crate::topology::node::{Finding, finding, schema_of};
use crate::topology::{Class, Code, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &["#Microsoft.VideoAnalyzer.LineCrossingProcessor"],
    class: Class::LineCrossing,
    summary: "Counts the objects that cross lines in the picture",
    since: "AVA 1.0",
    status: Status::Runs,
    schema: schema_of::<LineCrossing>,
    parse: |value| parse(value, Config::LineCrossing),
    check,
};

fn check(config: &Config) -> Vec<Finding> {
    let Config::LineCrossing(config) = config else {
        return Vec::new();
    };
    let bad = |NamedLine::Text(line): &&NamedLine| line.ends().is_none();
    let message = |NamedLine::Text(line): &NamedLine| {
        format!(
            "the line {} must be two different points from 0 to 1, such as `[[0.1, 0.5], [0.9, 0.5]]`",
            shown(&line.name)
        )
    };
    let bad = config.lines.iter().filter(bad);
    bad.map(|line| finding(Code::PropertyValueInvalid, "/lines", message(line)))
        .collect()
}
