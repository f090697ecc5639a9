//! Passes fewer frames on

mod config;

pub use config::*;

use super::super::{Config, nothing_more, parse};
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &["#Microsoft.Media.MediaGraphFrameRateFilterProcessor"],
    class: Class::FrameRate,
    summary: "Passes fewer frames on",
    since: "LVA 1.0",
    status: Status::Runs,
    schema: schema_of::<FrameRateFilter>,
    parse: |value| parse(value, Config::FrameRate),
    check: nothing_more,
};
