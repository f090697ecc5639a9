//! Records to MP4 files

mod config;
pub mod run;

pub use config::*;

use super::super::{Config, parse};
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &[
        "#Microsoft.Media.MediaGraphFileSink",
        "#Microsoft.VideoAnalyzer.FileSink",
    ],
    class: Class::FileSink,
    summary: "Records to MP4 files",
    since: "LVA 1.0",
    status: Status::Runs,
    schema: schema_of::<FileSink>,
    parse: |value| parse(value, Config::FileSink),
    check: |config| match config {
        Config::FileSink(config) => config.check(),
        _ => Vec::new(),
    },
};
