//! Records to an asset, in segments that can be played while they are written

mod config;
pub mod run;

pub use config::*;

use super::super::{Config, parse};
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &["#Microsoft.Media.MediaGraphAssetSink"],
    class: Class::AssetSink,
    summary: "Records to an asset, in segments that can be played while they are written",
    since: "LVA 1.0",
    status: Status::Runs,
    schema: schema_of::<AssetSink>,
    parse: |value| parse(value, Config::AssetSink),
    check: |config| match config {
        Config::AssetSink(config) => config.check(),
        _ => Vec::new(),
    },
};
