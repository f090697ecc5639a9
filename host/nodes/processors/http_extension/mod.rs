//! Sends frames to an inference server over HTTP

mod client;
mod config;
mod login;
pub mod run;

pub use config::*;

use super::super::{Config, nothing_more, parse};
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &[
        "#Microsoft.Media.MediaGraphHttpExtension",
        "#Microsoft.VideoAnalyzer.HttpExtension",
    ],
    class: Class::Extension,
    summary: "Sends frames to an inference server over HTTP",
    since: "LVA 1.0",
    status: Status::Runs,
    schema: schema_of::<HttpExtension>,
    parse: |value| parse(value, Config::HttpExtension),
    check: nothing_more,
};
