//! How a node is at one moment, as it is shown to others.

use std::time::Duration;

use serde::Serialize;

/// How a node is at one moment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// The node's name.
    pub node: String,
    /// Its `@type`.
    pub node_type: &'static str,
    /// A source is `connecting`, `playing` or `waiting` (for its next attempt), a source of messages `listening`; what
    /// runs a component is `compiling` or `loading` a model (before the instance is active), `running`, `restarting` or `failed`;
    /// what asks a server is `running` or `waiting`; a sink is `idle` or `recording`; the rest is `running`.
    pub state: &'static str,
    /// Since when, ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Since when a source has no camera, ISO 8601; absent while it has one, and before the first attempt has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_since: Option<String>,
    /// Of a gate: `open` or `closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<&'static str>,
    /// What a sink writes now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writing: Option<String>,
    /// Units, frames or signals that came in.
    pub received: u64,
    /// Units, frames or signals that went out.
    pub sent: u64,
    /// What was left out because this node was too slow for it.
    pub dropped: u64,
    /// The same by kind.
    pub dropped_by_kind: DroppedByKind,
    /// Pictures decoded, at a source; frames that the component answered, at a detector.
    pub processed: u64,
    /// What nobody needed: pictures left undecoded, at a source; frames that went past the component unseen, since it wants
    /// fewer or others, at a detector.
    pub skipped: u64,
    /// Frames that were scaled and converted for this detector; one that another has asked for alike costs nothing.
    pub scaled: u64,
    /// What is decoded of a source: `nothing`; `keyframes`; `due`, which is what somebody wants and what that refers to; or
    /// `everything`. Absent where nobody ever wants pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoding: Option<&'static str>,
    /// Bytes of media: received by a source, written by a sink.
    pub bytes: u64,
    /// How often a source connected again.
    pub reconnects: u64,
    /// Media time of the newest unit, frame or signal that came in, ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_unit: Option<String>,
    /// Media time of the newest keyframe, at a source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_keyframe: Option<String>,
    /// When something last went out; of a sink, when it last wrote to the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_output: Option<String>,
    /// Seconds between the two newest keyframes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyframe_interval: Option<f64>,
    /// Pictures a second, at a source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_rate: Option<f64>,
    /// Bits a second, at a source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bit_rate: Option<u64>,
    /// Seconds that a camera's clock is ahead of the host's, as its sender reports say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_ahead: Option<f64>,
    /// Seconds of a whole segment, at an asset sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment_length: Option<f64>,
    /// Things that went wrong.
    pub errors: u64,
    /// The newest of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// How long ago things were, on the clock that is never stepped.
    #[serde(skip)]
    pub ages: Ages,
}

/// What was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DroppedByKind {
    /// Encoded media.
    pub media: u64,
    /// Decoded frames.
    pub frames: u64,
    /// Messages from outside.
    pub messages: u64,
}

/// How long ago things were; None if they never were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ages {
    /// Since the state changed.
    pub state: Option<Duration>,
    /// Since the camera was lost.
    pub lost: Option<Duration>,
    /// Since the newest unit.
    pub unit: Option<Duration>,
    /// Since the newest keyframe.
    pub keyframe: Option<Duration>,
    /// Since something last went out.
    pub output: Option<Duration>,
}
