//! What a node type says of itself: its names, where it may stand, how it is configured.
//!
//! Generic over the configuration `C`, so that this module knows no node: `nodes::TABLE` fills it in.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::Value;

use super::diagnostics::{Code, Diagnostic};
use super::shape::same_type;

/// Which list of the topology a node stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Media or messages come from it.
    Source,
    /// Looks or decides.
    Processor,
    /// Media or messages go out.
    Sink,
}

/// What a node is to its neighbours; connection rules are written in these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Class {
    /// A camera.
    RtspSource,
    /// Messages from outside.
    HubSource,
    /// Motion detection.
    Motion,
    /// A frame rate filter.
    FrameRate,
    /// A detector or processor, in a sandbox or behind a network.
    Extension,
    /// Follows what an extension finds.
    Tracker,
    /// Counts what a tracker follows.
    LineCrossing,
    /// Lets media through for a while.
    Gate,
    /// Records to an asset.
    AssetSink,
    /// Records to files.
    FileSink,
    /// Sends messages.
    HubSink,
}

impl Class {
    /// For messages.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::RtspSource => "an RTSP source",
            Self::HubSource => "a message source",
            Self::Motion => "a motion detector",
            Self::FrameRate => "a frame rate filter",
            Self::Extension => "an extension",
            Self::Tracker => "an object tracker",
            Self::LineCrossing => "a line counter",
            Self::Gate => "a gate",
            Self::AssetSink => "an asset sink",
            Self::FileSink => "a file sink",
            Self::HubSink => "a message sink",
        }
    }

    /// Which list it stands in.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::RtspSource | Self::HubSource => Role::Source,
            Self::Motion
            | Self::FrameRate
            | Self::Extension
            | Self::Tracker
            | Self::LineCrossing
            | Self::Gate => Role::Processor,
            Self::AssetSink | Self::FileSink | Self::HubSink => Role::Sink,
        }
    }

    /// What may stand directly upstream of it: everything that LVA 1.0 or 2.0 allowed, and Video Analyzer's tracker, line
    /// counter and metadata of a recording; ours are a file sink directly behind a camera, a tracker of motion, and
    /// processor components before and behind trackers and line counters.
    #[must_use]
    pub fn parents(self) -> &'static [Self] {
        use Class::{Extension, FrameRate, Gate, HubSource, LineCrossing, Motion, RtspSource, Tracker};
        match self {
            Self::RtspSource | Self::HubSource => &[],
            Self::Motion => &[RtspSource],
            Self::FrameRate => &[RtspSource, Motion],
            Self::Extension => &[RtspSource, Motion, FrameRate, Extension, Tracker, LineCrossing],
            Self::Tracker => &[Motion, Extension],
            Self::LineCrossing => &[Tracker, Extension],
            Self::Gate => &[RtspSource, HubSource, Motion, Extension, Tracker, LineCrossing],
            Self::AssetSink => &[RtspSource, Gate, Tracker],
            Self::FileSink => &[RtspSource, Gate],
            Self::HubSink => &[Motion, Extension, Tracker, LineCrossing],
        }
    }

    /// Whether its output is encoded media that can be recorded.
    #[must_use]
    pub fn gives_media(self) -> bool {
        matches!(self, Self::RtspSource | Self::Gate)
    }
}

/// Whether a node can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "status")]
pub enum Status {
    /// It can.
    Runs,
    /// It is understood and checked, but a graph with it cannot be activated yet.
    #[serde(rename_all = "camelCase")]
    Planned {
        /// What to use until then.
        use_instead: &'static str,
    },
}

/// What a check of a whole configuration found; the member is a JSON pointer below the node.
pub type Finding = (&'static str, Diagnostic);

/// A mistake in one member of a configuration.
pub fn finding(code: Code, member: &'static str, message: impl Into<String>) -> Finding {
    (member, Diagnostic::error(code, "", message))
}

/// Something odd in one member of a configuration.
pub fn oddity(member: &'static str, message: impl Into<String>) -> Finding {
    (
        member,
        Diagnostic::warning(Code::PropertyValueUnusual, "", message),
    )
}

/// One node type.
#[derive(Clone, Copy, Debug)]
pub struct NodeType<C: 'static> {
    /// How it is written in `@type`: our or LVA's spelling first, then AVA's.
    pub names: &'static [&'static str],
    /// What it is to its neighbours.
    pub class: Class,
    /// One line for people.
    pub summary: &'static str,
    /// Where it comes from, such as `LVA 1.0`.
    pub since: &'static str,
    /// Whether it runs.
    pub status: Status,
    /// The JSON Schema of its configuration, sub-schemas inlined.
    pub schema: fn() -> Schema,
    /// From canonical JSON to the configuration.
    pub parse: fn(Value) -> Result<C, serde_json::Error>,
    /// What one value alone does not show.
    pub check: fn(&C) -> Vec<Finding>,
}

impl<C> NodeType<C> {
    /// The spelling that is used in output.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// Whether `@type` names this type, whatever its casing.
    #[must_use]
    pub fn is_named(&self, written: &str) -> bool {
        self.names.iter().any(|name| same_type(name, written))
    }
}

/// The JSON Schema of a configuration struct with all sub-schemas inlined, as [`NodeType::schema`] wants it.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings.into_generator().into_root_schema_for::<T>()
}
