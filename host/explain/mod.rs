//! Why there is, or is no, clip of a moment: the chain from the camera to the stored recording, as the journal tells it.
//!
//! [`gather`] reads what the journal has of a moment, [`explain`] is pure. Both work on a journal whose host is not
//! running.
//!
//! Invariants: what is read is bounded; what the journal does not say is called unknown and never made up; the conclusion
//! is one sentence and names the first link of the chain that is broken.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

mod chain;
mod conclusion;
mod evidence;
pub mod moment;

pub use evidence::{Evidence, gather};

/// How far around the moment to look when nobody says it.
pub const DEFAULT_WINDOW: Duration = Duration::from_secs(30);
/// The furthest that can be asked for.
pub const MAX_WINDOW: Duration = Duration::from_secs(3600);

/// What somebody wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The graph instance.
    pub instance: String,
    /// The moment.
    pub at: Timestamp,
    /// How far before and after it to look.
    pub window: Duration,
}

impl Question {
    fn from(&self) -> Timestamp {
        self.at.checked_sub(self.window).unwrap_or(Timestamp::MIN)
    }

    fn to(&self) -> Timestamp {
        self.at.checked_add(self.window).unwrap_or(Timestamp::MAX)
    }
}

/// A link of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Link {
    /// The graph instance as a whole.
    Instance,
    /// The session with the camera.
    Camera,
    /// What came, was decoded and was left out.
    Frames,
    /// What looked at the frames.
    Detector,
    /// What decided.
    Gate,
    /// What recorded.
    Sink,
    /// Where the recording went from here.
    Upload,
}

impl Link {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Camera => "camera",
            Self::Frames => "frames",
            Self::Detector => "detector",
            Self::Gate => "gate",
            Self::Sink => "sink",
            Self::Upload => "upload",
        }
    }
}

/// How a link was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It did its part.
    Fine,
    /// It ended here.
    Broken,
    /// The journal does not say.
    Unknown,
}

/// A link of the chain at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Which.
    pub link: Link,
    /// The node; none when it is about all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// How it was.
    pub verdict: Verdict,
    /// What is known, for people.
    pub message: String,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The graph instance.
    pub instance: String,
    /// The moment, ISO 8601.
    pub at: String,
    /// How far around it was looked, from here ...
    pub from: String,
    /// ... to here.
    pub to: String,
    /// Whether there is a clip; none when the journal does not say.
    pub clip: Option<bool>,
    /// The chain, from the camera on.
    pub steps: Vec<Step>,
    /// One plain sentence.
    pub conclusion: String,
    /// That of the host, such as `Europe/Berlin`; empty when nobody says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub time_zone: String,
    /// What is to be told of how the question was understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Answers a question from what the journal has.
#[must_use]
pub fn explain(question: &Question, evidence: &Evidence) -> Explanation {
    let evidence = &evidence.of_run(question);
    let chain = chain::Chain::of(question, evidence);
    let (clip, conclusion) = conclusion::of(question, evidence, &chain);
    Explanation {
        instance: question.instance.clone(),
        at: moment::iso(question.at),
        from: moment::iso(question.from()),
        to: moment::iso(question.to()),
        clip,
        steps: chain.steps,
        conclusion,
        time_zone: String::new(),
        notes: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
