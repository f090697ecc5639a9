//! Lets media through for a while after an event

mod config;

pub use config::*;

use super::super::{Config, parse};
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &[
        "#Microsoft.Media.MediaGraphSignalGateProcessor",
        "#Microsoft.VideoAnalyzer.SignalGateProcessor",
    ],
    class: Class::Gate,
    summary: "Lets media through for a while after an event",
    since: "LVA 1.0",
    status: Status::Runs,
    schema: schema_of::<SignalGate>,
    parse: |value| parse(value, Config::SignalGate),
    check: |config| match config {
        Config::SignalGate(config) => config.check(),
        _ => Vec::new(),
    },
};
