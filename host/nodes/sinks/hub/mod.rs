//! Sends what detectors find out as messages

mod config;
pub mod run;

pub use config::*;

use super::super::{Config, nothing_more, parse};
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &[
        "#Microsoft.Media.MediaGraphIoTHubMessageSink",
        "#Microsoft.VideoAnalyzer.IotHubMessageSink",
    ],
    class: Class::HubSink,
    summary: "Sends what detectors find out as messages",
    since: "LVA 1.0",
    status: Status::Runs,
    schema: schema_of::<HubSink>,
    parse: |value| parse(value, Config::HubSink),
    check: nothing_more,
};
