//! Lets media through when a WebAssembly component decides so

pub mod buffer;
mod config;
pub mod decisions;
pub mod run;

pub use config::*;

use super::super::{Config, parse};
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &["#MediaGraph.GateProcessor"],
    class: Class::Gate,
    summary: "Lets media through when a WebAssembly component decides so",
    since: "mediagraph 0.1",
    status: Status::Runs,
    schema: schema_of::<GateProcessor>,
    parse: |value| parse(value, Config::Gate),
    check: |config| match config {
        Config::Gate(config) => [config.extension.check(), config.limits.check()].concat(),
        _ => Vec::new(),
    },
};
