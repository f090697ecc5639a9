//! Records to a video of Azure Video Analyzer: an asset sink in other words

mod config;

use super::super::Config;
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &["#Microsoft.VideoAnalyzer.VideoSink"],
    class: Class::AssetSink,
    summary: "Records to a video of Azure Video Analyzer: an asset sink in other words",
    since: "AVA 1.0",
    status: Status::Runs,
    schema: schema_of::<config::VideoSink>,
    parse: |value| {
        serde_json::from_value::<config::VideoSink>(value).map(|sink| Config::AssetSink(sink.into_asset()))
    },
    check: |config| match config {
        Config::AssetSink(sink) => {
            let mut findings = sink.check_segments("/videoCreationProperties/segmentLength");
            findings.extend(sink.check_cache());
            findings.extend(config::check(sink));
            findings
        }
        _ => Vec::new(),
    },
};
