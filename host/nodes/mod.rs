//! Node types: one folder each, and the literal table that registers them.

use serde::de::DeserializeOwned;
use serde_json::Value;

pub mod analysis;
pub mod context;
pub mod decode;
pub mod endpoint;
pub mod image;
pub mod io;
pub mod losses;
pub mod minutes;
pub mod processors;
pub mod reach;
pub mod sinks;
pub mod sources;
pub mod stats;
#[cfg(test)]
mod testing;

pub use processors::extension::ExtensionProcessor;
pub use processors::frame_rate::FrameRateFilter;
pub use processors::gate::GateProcessor;
pub use processors::grpc_extension::GrpcExtension;
pub use processors::http_extension::HttpExtension;
pub use processors::line_crossing::LineCrossing;
pub use processors::motion::MotionDetection;
pub use processors::object_tracking::ObjectTracking;
pub use processors::signal_gate::SignalGate;
pub use processors::vision_extension::VisionExtension;
pub use sinks::asset::AssetSink;
pub use sinks::file::FileSink;
pub use sinks::hub::HubSink;
pub use sources::hub::HubSource;
pub use sources::rtsp::RtspSource;

use crate::topology::node::Finding;
use crate::topology::{NodeType, ResolvedGraph};

/// The configuration of a node, by its type.
#[derive(Clone, Debug)]
pub enum Config {
    /// A camera.
    RtspSource(RtspSource),
    /// Messages from outside.
    HubSource(HubSource),
    /// The built-in motion detector.
    Motion(MotionDetection),
    /// Fewer frames.
    FrameRate(FrameRateFilter),
    /// The built-in gate.
    SignalGate(SignalGate),
    /// A gate component.
    Gate(GateProcessor),
    /// A detector or processor component.
    Extension(ExtensionProcessor),
    /// Inference over HTTP.
    HttpExtension(HttpExtension),
    /// Inference over gRPC.
    GrpcExtension(GrpcExtension),
    /// Microsoft's spatial analysis container.
    VisionExtension(VisionExtension),
    /// Following objects.
    ObjectTracking(ObjectTracking),
    /// Counting objects.
    LineCrossing(LineCrossing),
    /// Recording to an asset.
    AssetSink(AssetSink),
    /// Recording to files.
    FileSink(FileSink),
    /// Messages to outside.
    HubSink(HubSink),
}

/// A graph of this host's nodes.
pub type Graph = ResolvedGraph<Config>;

/// All node types. Reference page, editor schema and `mediagraph list nodes` are made from this.
pub static TABLE: &[NodeType<Config>] = &[
    sources::rtsp::TYPE,
    sources::hub::TYPE,
    processors::motion::TYPE,
    processors::signal_gate::TYPE,
    processors::extension::TYPE,
    processors::gate::TYPE,
    processors::frame_rate::TYPE,
    processors::http_extension::TYPE,
    processors::grpc_extension::TYPE,
    processors::vision_extension::TYPE,
    processors::object_tracking::TYPE,
    processors::line_crossing::TYPE,
    sinks::asset::TYPE,
    sinks::video::TYPE,
    sinks::file::TYPE,
    sinks::hub::TYPE,
];

/// Reads one configuration and puts it into the enum.
fn parse<T: DeserializeOwned>(value: Value, wrap: fn(T) -> Config) -> Result<Config, serde_json::Error> {
    serde_json::from_value(value).map(wrap)
}

/// For nodes whose values say everything one by one.
fn nothing_more(_: &Config) -> Vec<Finding> {
    Vec::new()
}

impl Config {
    /// The `@type` of its node.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::RtspSource(_) => sources::rtsp::TYPE.name(),
            Self::HubSource(_) => sources::hub::TYPE.name(),
            Self::Motion(_) => processors::motion::TYPE.name(),
            Self::FrameRate(_) => processors::frame_rate::TYPE.name(),
            Self::SignalGate(_) => processors::signal_gate::TYPE.name(),
            Self::Gate(_) => processors::gate::TYPE.name(),
            Self::Extension(_) => processors::extension::TYPE.name(),
            Self::HttpExtension(_) => processors::http_extension::TYPE.name(),
            Self::GrpcExtension(_) => processors::grpc_extension::TYPE.name(),
            Self::VisionExtension(_) => processors::vision_extension::TYPE.name(),
            Self::ObjectTracking(_) => processors::object_tracking::TYPE.name(),
            Self::LineCrossing(_) => processors::line_crossing::TYPE.name(),
            Self::AssetSink(_) => sinks::asset::TYPE.name(),
            Self::FileSink(_) => sinks::file::TYPE.name(),
            Self::HubSink(_) => sinks::hub::TYPE.name(),
        }
    }
}
