//! Sends frames to Microsoft's spatial analysis container

mod config;

pub use config::*;

use super::super::{Config, nothing_more, parse};
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &[
        "#Microsoft.Media.MediaGraphCognitiveServicesVisionExtension",
        "#Microsoft.VideoAnalyzer.CognitiveServicesVisionProcessor",
    ],
    class: Class::Extension,
    summary: "Sends frames to Microsoft's spatial analysis container",
    since: "LVA 1.0",
    status: Status::Runs,
    schema: schema_of::<VisionExtension>,
    parse: |value| parse(value, Config::VisionExtension),
    check: nothing_more,
};
