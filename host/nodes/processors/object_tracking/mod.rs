//! Follows the objects that an extension finds from frame to frame

mod config;

pub use config::*;

use super::super::{Config, nothing_more, parse};
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &["#Microsoft.VideoAnalyzer.ObjectTrackingProcessor"],
    class: Class::Tracker,
    summary: "Follows the objects that an extension finds from frame to frame",
    since: "AVA 1.0",
    status: Status::Runs,
    schema: schema_of::<ObjectTracking>,
    parse: |value| parse(value, Config::ObjectTracking),
    check: nothing_more,
};
