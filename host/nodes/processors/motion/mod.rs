//! Finds motion with the built-in detector

mod config;

pub use config::*;

use super::super::{Config, nothing_more, parse};
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &[
        "#Microsoft.Media.MediaGraphMotionDetectionProcessor",
        "#Microsoft.VideoAnalyzer.MotionDetectionProcessor",
    ],
    class: Class::Motion,
    summary: "Finds motion with the built-in detector",
    since: "LVA 1.0",
    status: Status::Runs,
    schema: schema_of::<MotionDetection>,
    parse: |value| parse(value, Config::Motion),
    check: nothing_more,
};
