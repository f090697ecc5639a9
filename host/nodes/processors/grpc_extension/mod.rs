//! Sends frames to an inference server over gRPC

mod config;
mod connect;
mod convert;
mod ledger;
mod memory;
mod messages;
pub mod run;
mod session;

pub use config::*;

use super::super::{Config, parse};
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &[
        "#Microsoft.Media.MediaGraphGrpcExtension",
        "#Microsoft.VideoAnalyzer.GrpcExtension",
    ],
    class: Class::Extension,
    summary: "Sends frames to an inference server over gRPC",
    since: "LVA 1.0",
    status: Status::Runs,
    schema: schema_of::<GrpcExtension>,
    parse: |value| parse(value, Config::GrpcExtension),
    check: |config| match config {
        Config::GrpcExtension(config) => config.check(),
        _ => Vec::new(),
    },
};
