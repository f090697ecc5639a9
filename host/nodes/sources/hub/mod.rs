//! Takes messages from outside, each of which is one event

mod config;
pub mod run;

pub use config::*;

use super::super::{Config, nothing_more, parse};
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &[
        "#Microsoft.Media.MediaGraphIoTHubMessageSource",
        "#Microsoft.VideoAnalyzer.IotHubMessageSource",
    ],
    class: Class::HubSource,
    summary: "Takes messages from outside, each of which is one event",
    since: "LVA 1.0",
    status: Status::Runs,
    schema: schema_of::<HubSource>,
    parse: |value| parse(value, Config::HubSource),
    check: nothing_more,
};
