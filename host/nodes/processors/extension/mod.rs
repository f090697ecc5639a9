//! Looks at frames with a WebAssembly component

mod config;

pub use config::*;

use super::super::{Config, parse};
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &["#MediaGraph.ExtensionProcessor"],
    class: Class::Extension,
    summary: "Looks at frames with a WebAssembly component",
    since: "mediagraph 0.1",
    status: Status::Runs,
    schema: schema_of::<ExtensionProcessor>,
    parse: |value| parse(value, Config::Extension),
    check: |config| match config {
        Config::Extension(config) => [
            config.extension.check(),
            config.limits.check(),
            check_models(&config.models),
        ]
        .concat(),
        _ => Vec::new(),
    },
};
