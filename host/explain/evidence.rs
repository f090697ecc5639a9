//! What the journal has of a moment.

use std::time::Duration;

use jiff::Timestamp;

use super::Question;
use crate::alarms;
use crate::events::journal::{Entry, JournalError, LOST, Reader};
use crate::events::notes::{DETECTION, FRAMES, GATE_DECISION, GRAPH};

pub(super) const STARTED: &str = "Microsoft.Media.Graph.Operational.GraphInstanceStarted";
pub(super) const STOPPED: &str = "Microsoft.Media.Graph.Operational.GraphInstanceStopped";
pub(super) const ESTABLISHED: &str = "Microsoft.Media.Graph.Diagnostics.MediaSessionEstablished";
pub(super) const CAMERA_LOST: &str = "MediaGraph.Diagnostics.CameraLost";
pub(super) const CAMERA_RESTORED: &str = "MediaGraph.Diagnostics.CameraRestored";
pub(super) const DOWN: &str = "MediaGraph.Diagnostics.ExtensionDown";
pub(super) const BACK: &str = "MediaGraph.Diagnostics.ExtensionBack";
pub(super) const RECORDING_STARTED: &str = "Microsoft.Media.Graph.Operational.RecordingStarted";
pub(super) const RECORDING_AVAILABLE: &str = "Microsoft.Media.Graph.Operational.RecordingAvailable";
pub(super) const RECORDING_STOPPED: &str = "Microsoft.Media.Graph.Operational.RecordingStopped";
pub(super) const STORAGE_ERROR: &str = "Microsoft.Media.Graph.Diagnostics.StorageError";
pub(super) const DATA_DROPPED: &str = "Microsoft.Media.Graph.Diagnostics.DataDropped";
pub(super) const STORE_PAUSED: &str = "MediaGraph.Diagnostics.StorePaused";
pub(super) const STORE_RESUMED: &str = "MediaGraph.Diagnostics.StoreResumed";
pub(super) const UPLOAD_BLOCKED: &str = "MediaGraph.Diagnostics.UploadBlocked";
pub(super) const INFERENCE: &str = "Microsoft.Media.Graph.Analytics.Inference";

/// The most entries of one sort that are looked at, the newest.
pub(super) const MAX_ENTRIES: usize = 2_000;
/// What is told of a moment may be told so much later: recordings end, gates decide.
const LOOK_AHEAD: Duration = Duration::from_secs(600);
/// Frames are told once a minute, of the minute before.
pub(super) const FRAMES_AHEAD: Duration = Duration::from_secs(75);

/// What the journal has of a moment; each list oldest first.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// When the journal begins; none when it is empty.
    pub oldest: Option<Timestamp>,
    /// Whether it knows the instance at all.
    pub known: bool,
    /// The camera, components and the instance itself: up to the end of the window, and what camera and instance
    /// did soon after.
    pub states: Vec<Entry>,
    /// Notes of frames, up to a minute after the window.
    pub frames: Vec<Entry>,
    /// What detectors found, up to the end of the window.
    pub findings: Vec<Entry>,
    /// What gates decided, up to soon after the window.
    pub decisions: Vec<Entry>,
    /// What sinks did, up to soon after the window, and what was lost.
    pub recordings: Vec<Entry>,
    /// What stores did, up to soon after the window.
    pub stores: Vec<Entry>,
    /// What was wrong with the host in the window.
    pub host: Vec<Entry>,
}

impl Evidence {
    /// When the run of the graph began that a moment lies in.
    pub(super) fn began(&self, question: &Question) -> Option<Timestamp> {
        let starts = self
            .states
            .iter()
            .filter(|entry| entry.event.event_type == STARTED);
        starts.filter_map(time).rfind(|start| *start <= question.at)
    }

    /// Without what gates decided in an earlier run: it ended with that.
    pub(super) fn of_run(&self, question: &Question) -> Self {
        let mut evidence = self.clone();
        if let Some(began) = self.began(question) {
            let in_run = |entry: &Entry| time(entry).is_none_or(|at| at >= began);
            evidence.decisions.retain(in_run);
        }
        evidence
    }
}

/// Reads what the journal has of a moment. Blocks.
///
/// # Errors
/// When it cannot be read.
pub fn gather(reader: &Reader, question: &Question) -> Result<Evidence, JournalError> {
    let (from, to) = (question.from(), question.to());
    let later = |by: Duration| to.checked_add(by).unwrap_or(Timestamp::MAX);
    let of = |instance: &str, until: Timestamp, types: &[&str]| -> Result<Vec<Entry>, JournalError> {
        let mut found = reader.latest(instance, until, types, MAX_ENTRIES)?;
        found.reverse();
        Ok(found)
    };
    let instance = question.instance.as_str();
    let states = [
        STARTED,
        STOPPED,
        ESTABLISHED,
        CAMERA_LOST,
        CAMERA_RESTORED,
        DOWN,
        BACK,
        GRAPH,
    ];
    let recordings = [
        RECORDING_STARTED,
        RECORDING_AVAILABLE,
        RECORDING_STOPPED,
        STORAGE_ERROR,
        DATA_DROPPED,
    ];
    let mut evidence = Evidence {
        oldest: reader.oldest()?,
        known: reader.instances()?.iter().any(|name| name == instance),
        states: of(instance, later(LOOK_AHEAD), &states)?,
        frames: of(instance, later(FRAMES_AHEAD), &[FRAMES])?,
        findings: of(instance, to, &[DETECTION, INFERENCE])?,
        decisions: of(instance, later(LOOK_AHEAD), &[GATE_DECISION])?,
        recordings: of(instance, later(LOOK_AHEAD), &recordings)?,
        stores: of(
            "",
            later(LOOK_AHEAD),
            &[STORE_PAUSED, STORE_RESUMED, UPLOAD_BLOCKED],
        )?,
        host: of("", to, &[LOST, alarms::RAISED])?,
    };
    evidence
        .findings
        .retain(|entry| time(entry).is_some_and(|at| at >= from));
    evidence
        .host
        .retain(|entry| time(entry).is_some_and(|at| at >= from));
    Ok(evidence)
}

/// When an entry's event was.
pub(super) fn time(entry: &Entry) -> Option<Timestamp> {
    entry.event.event_time.parse().ok()
}
