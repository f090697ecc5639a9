//! What is kept for `explain` and is on no stream: the types of notes, and what stands in their data.
//!
//! Notes are many, so they are summaries: at most one a second from a detector, one a minute of frames, and one for
//! each call of a gate that changed something or was about an observation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a gate made of an observation: [`GateDecision`]. Its subject is the gate; its time is that of the observation.
pub const GATE_DECISION: &str = "MediaGraph.Journal.GateDecision";
/// What a detector found in a second: [`Detection`]. Its subject is the detector; its time is that of the first frame.
pub const DETECTION: &str = "MediaGraph.Journal.Detection";
/// What came through a source or a detector in a minute: [`Frames`]. Its time is that of the minute's end.
pub const FRAMES: &str = "MediaGraph.Journal.Frames";

/// Of which nodes a graph was made: [`Graph`]. Its subject is the instance; its time is that of the start.
pub const GRAPH: &str = "MediaGraph.Journal.Graph";

/// Of which nodes a graph was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Graph {
    /// All of them.
    pub nodes: Vec<GraphNode>,
}

/// A node of a graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphNode {
    /// Its name in the topology.
    pub name: String,
    /// What it does.
    pub role: Role,
}

/// What a node does for a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Brings media.
    Camera,
    /// Brings messages from outside.
    Messages,
    /// Looks at frames.
    Detector,
    /// Decides what is recorded.
    Gate,
    /// Records.
    Recorder,
    /// Something else.
    #[serde(other)]
    Other,
}

/// What a gate made of an observation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GateDecision {
    /// The node that observed; none when the gate was called because time had passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// What it observed: how many inferences of each kind (`motion`, or `entity person` with the tag).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub observed: BTreeMap<String, u64>,
    /// What came of it.
    pub decision: Verdict,
    /// Why, in words for people; lower case, no full stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The spans of media that it lets through, as it has just said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Passed>,
}

/// A span of media that a gate lets through.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Passed {
    /// The activation: the same id prolongs, a new one is a new recording.
    pub id: u64,
    /// First moment, ISO 8601.
    pub start: String,
    /// First moment after, ISO 8601.
    pub end: String,
}

/// What a gate decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// A new recording begins.
    Open,
    /// One that is open goes on for longer.
    Extend,
    /// One ends early.
    Close,
    /// Nothing changes: the gate stays as it was. It may still be gathering observations.
    #[default]
    Nothing,
    /// It opened a span of which the media is no longer held: the observation came too late.
    TooLate,
    /// The gate's component did not answer.
    Unanswered,
}

/// What a detector found in a second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Detection {
    /// Frames in which something was found.
    pub frames: u64,
    /// How many inferences of each kind (`motion`, or `entity person` with the tag).
    pub found: BTreeMap<String, u64>,
}

/// What came through a source or a detector in a minute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Frames {
    /// Seconds that this is about.
    pub seconds: u64,
    /// Units that came from the camera, or frames that reached the detector.
    pub received: u64,
    /// Pictures decoded, or frames that the detector answered.
    pub processed: u64,
    /// What was left out because somebody was too slow.
    pub dropped: u64,
    /// What nobody needed: pictures that were not decoded, or frames that the detector does not want.
    pub skipped: u64,
    /// Frames in which a detector found something.
    pub found: u64,
}
