//! Pulls video and audio from a camera over RTSP

mod address;
mod ahead;
pub mod backoff;
mod clock;
mod config;
pub mod connect;
mod door;
pub mod error;
pub mod formats;
mod logins;
mod meter;
mod outage;
pub mod probe;
pub mod run;
pub mod session;
pub mod target;
pub mod tls;
pub mod tunnel;

pub use config::*;

use super::super::{Config, parse};
use crate::topology::node::schema_of;
use crate::topology::{Class, NodeType, Status};

/// This node type.
pub(in crate::nodes) const TYPE: NodeType<Config> = NodeType {
    names: &[
        "#Microsoft.Media.MediaGraphRtspSource",
        "#Microsoft.VideoAnalyzer.RtspSource",
    ],
    class: Class::RtspSource,
    summary: "Pulls video and audio from a camera over RTSP",
    since: "LVA 1.0",
    status: Status::Runs,
    schema: schema_of::<RtspSource>,
    parse: |value| parse(value, Config::RtspSource),
    check: |config| match config {
        Config::RtspSource(config) => config.check(),
        _ => Vec::new(),
    },
};
