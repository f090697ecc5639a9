//! What asset sinks and file sinks have in common: they take media from their queue, hand it to a recorder on a
//! thread that may block, and tell the world what came of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use crate::media::{AccessUnit, MediaTime, Ticks};
use crate::nodes::context::{Dropped, NodeContext, NodeStats};
use crate::nodes::io::units::{CONTINUOUS, MediaItem, RecordingId, UnitReceiver};
use crate::nodes::io::witness::Witnesses;
use crate::nodes::losses::Loss;
use crate::recording::index::GapReason;
use crate::recording::{Notice, Recorder, RecordingError};

const OPERATIONAL: &str = "Microsoft.Media.Graph.Operational";
const STORAGE_ERROR: &str = "Microsoft.Media.Graph.Diagnostics.StorageError";
/// In a namespace of its own, as Live Video Analytics had it.
const RUNTIME_ERROR: &str = "Microsoft.Media.Edge.Diagnostics.RuntimeError";

/// What stands where Live Video Analytics named its cloud account.
const LOCAL_STORAGE: &str = "local";

/// How often it is tried to finish a recording before it is left as it is.
const CLOSE_TRIES: u32 = 5;
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// A disk that has not taken a write for so long has stalled. Media waits meanwhile.
const STALLED_AFTER: Duration = Duration::from_secs(10);

/// Opens recorders. Blocks: called on a thread that may.
pub trait Opener: Send + Sync + std::fmt::Debug {
    /// Opens a recording whose media begins at `start`. Its name is made now, of the host's time.
    ///
    /// # Errors
    /// When nothing can be written there.
    fn open(&self, start: MediaTime) -> Result<Box<dyn Recorder>, RecordingError>;

    /// `assetName` or `filePath`: what `outputLocation` of this sink's events is.
    fn output_type(&self) -> &'static str;

    /// Whether what is seen is kept with the media.
    fn keeps_detections(&self) -> bool {
        false
    }

    /// How long a whole segment is, where there are segments.
    fn segment_length(&self) -> Option<Ticks> {
        None
    }
}

/// A sink at work.
#[derive(Debug)]
pub struct RecordingSink {
    context: NodeContext,
    input: UnitReceiver,
    opener: Arc<dyn Opener>,
    open: HashMap<RecordingId, Open>,
    /// Who sees what is recorded.
    witnesses: Option<Witnesses>,
    /// Since when, on the monotonic clock, the disk takes nothing: told once, until something works again.
    paused: Option<Duration>,
    /// Before the second further try to finish a recording; doubles with each.
    close_wait: Duration,
    /// A write that takes longer is told.
    stalled_after: Duration,
}

#[derive(Debug, Default)]
struct Open {
    /// None before the first unit, and after opening failed.
    recorder: Option<Box<dyn Recorder>>,
    /// Units of this recording that are counted as dropped already, as gaps.
    gaps: u64,
    /// Where it was told to be recorded, until it was told to have stopped.
    started: Option<String>,
    /// Where it was told to be available.
    available: Option<String>,
    /// Since when nothing could be opened, and how many units that has cost.
    missed: Option<(MediaTime, u64)>,
}

/// What a recorder is asked to do on a blocking thread.
#[derive(Clone, Copy)]
enum Step {
    Flush,
    Pause,
    Close,
    GiveUp,
}

impl RecordingSink {
    /// A sink that reads from `input`.
    #[must_use]
    pub fn new(context: NodeContext, input: UnitReceiver, opener: Arc<dyn Opener>) -> Self {
        Self {
            context,
            input,
            opener,
            open: HashMap::new(),
            witnesses: None,
            paused: None,
            stalled_after: STALLED_AFTER,
            close_wait: CLOSE_WAIT,
        }
    }

    /// What they say is kept with the media.
    #[must_use]
    pub fn with_witnesses(self, witnesses: Option<Witnesses>) -> Self {
        Self { witnesses, ..self }
    }

    /// Runs until everything that feeds it has ended, and everything is on the disk.
    pub async fn run(mut self) {
        if let Some(length) = self.opener.segment_length() {
            self.context.stats.set_segment_length(length);
        }
        while let Some(item) = self.input.next().await {
            match item {
                MediaItem::Begin { recording, .. } => {
                    self.open.insert(recording, Open::default());
                }
                MediaItem::Unit { recording, unit } => self.unit(recording, &unit).await,
                MediaItem::End { recording } => self.end(recording).await,
                MediaItem::Lost => self.camera_lost().await,
            }
        }
        if let Some(witnesses) = self.witnesses.as_mut().filter(|_| !self.open.is_empty()) {
            witnesses.fallen_silent().await;
        }
        let mut rest: Vec<RecordingId> = self.open.keys().copied().collect();
        rest.sort_unstable();
        for recording in rest {
            self.end(recording).await;
        }
    }

    async fn unit(&mut self, recording: RecordingId, unit: &Arc<AccessUnit>) {
        self.context.came(unit.time);
        let mut open = self.open.remove(&recording).unwrap_or_default();
        if open.recorder.is_none() && unit.random_access {
            open.recorder = self.open_recorder(unit.time).await;
            if let Some(recorder) = &mut open.recorder {
                if recording != CONTINUOUS {
                    recorder.is_of_event();
                }
                self.tell_missed(&mut open, unit.time);
            } else {
                open.missed.get_or_insert((unit.time, 0));
            }
        }
        if let Some(recorder) = &mut open.recorder {
            NodeStats::add(&self.context.stats.bytes, unit.data.len() as u64);
            match recorder.push(unit) {
                Ok(false) => {}
                Ok(true) => {
                    self.step(&mut open, Step::Flush).await;
                }
                Err(error) => self.failed(&error),
            }
        } else if let Some((_, units)) = &mut open.missed {
            *units = units.saturating_add(1);
        } else {
            self.context.stats.count_dropped(Dropped::Media, 1);
        }
        self.open.insert(recording, open);
    }

    /// What stands open is finished, so that it is kept wherever it goes; the camera may come back to the same recording.
    async fn camera_lost(&mut self) {
        let mut recordings: Vec<RecordingId> = self.open.keys().copied().collect();
        recordings.sort_unstable();
        for recording in recordings {
            let mut open = self.open.remove(&recording).unwrap_or_default();
            self.step(&mut open, Step::Pause).await;
            self.open.insert(recording, open);
        }
    }

    async fn end(&mut self, recording: RecordingId) {
        let Some(mut open) = self.open.remove(&recording) else {
            return;
        };
        for attempt in 0..CLOSE_TRIES {
            if attempt > 1 {
                // What comes meanwhile waits in the queue.
                tokio::time::sleep(self.close_wait.saturating_mul(1 << (attempt - 2))).await;
            }
            if self.step(&mut open, Step::Close).await {
                break;
            }
        }
        self.tell_missed(&mut open, self.context.clock.media());
        if open.recorder.is_some() {
            self.step(&mut open, Step::GiveUp).await;
            let message =
                "the end of the recording could not be written; what stands on the disk can be played";
            let now = self.context.clock.media();
            self.lost(now, now, 0, message, open.started.clone());
        }
        self.tell_stopped(&mut open);
    }

    fn lost(
        &self,
        start: MediaTime,
        end: MediaTime,
        units: u64,
        message: &'static str,
        output: Option<String>,
    ) {
        self.context.lost(Loss {
            kind: Dropped::Media,
            units,
            start,
            end,
            message,
            output,
        });
    }

    /// What is written now, for whoever asks.
    fn show_writing(&self, of: &Open) {
        let others = self.open.values().filter_map(|open| open.started.as_ref());
        let writing = of.started.as_ref().or_else(|| others.last());
        let state = if writing.is_some() { "recording" } else { "idle" };
        self.context.stats.set_writing(writing.cloned());
        self.context.state(state);
    }

    /// Whoever was told that a recording began is told that it ended, however it did.
    fn tell_stopped(&self, open: &mut Open) {
        if let Some(output) = open.started.take() {
            self.recording_event("RecordingStopped", &output);
        }
        self.show_writing(open);
    }

    fn tell_missed(&self, open: &mut Open, until: MediaTime) {
        let Some((start, units)) = open.missed.take() else {
            return;
        };
        if let Some(recorder) = &mut open.recorder {
            recorder.missed(start, until, units);
        }
        self.lost(
            start,
            until,
            units,
            "nothing could be opened to record into",
            None,
        );
    }

    async fn open_recorder(&mut self, start: MediaTime) -> Option<Box<dyn Recorder>> {
        let opener = Arc::clone(&self.opener);
        match in_background(move || opener.open(start)).await {
            Ok(Ok(mut recorder)) => {
                if let Some(witnesses) = &self.witnesses {
                    recorder.watch(witnesses.recent());
                }
                Some(recorder)
            }
            Ok(Err(error)) => {
                self.failed(&error);
                None
            }
            Err(error) => {
                self.panicked(&error);
                None
            }
        }
    }

    fn tell(&self, open: &mut Open, notice: Notice) {
        match notice {
            Notice::Started { output, .. } => {
                self.recording_event("RecordingStarted", &output);
                open.started = Some(output);
                self.show_writing(open);
            }
            // Once for each asset or file: a client that waits for it may begin to play.
            Notice::Available { output, .. } if open.available.as_ref() != Some(&output) => {
                self.recording_event("RecordingAvailable", &output);
                open.available = Some(output);
            }
            Notice::Available { .. } => {}
            Notice::Stopped { output, totals, .. } => {
                NodeStats::add(&self.context.stats.sent, totals.units);
                // Those of gaps are counted when they are told; what is left is sound before the first picture.
                let untold = totals.dropped.saturating_sub(std::mem::take(&mut open.gaps));
                self.context.stats.count_dropped(Dropped::Media, untold);
                open.started = None;
                self.recording_event("RecordingStopped", &output);
            }
            Notice::SegmentSealed { path, bytes, .. } => {
                tracing::debug!(path = %path.display(), bytes, "A segment is complete");
            }
            Notice::Gap {
                output,
                start,
                end,
                reason,
                units,
            } => {
                open.gaps = open.gaps.saturating_add(units);
                self.gap(start, end, reason, units, output);
            }
            Notice::Removed { path, bytes } => {
                tracing::info!(path = %path.display(), bytes, "An old file was removed");
            }
        }
    }

    /// Nothing was dropped while the camera sent nothing: its source has told of that.
    fn gap(&self, start: MediaTime, end: MediaTime, reason: GapReason, units: u64, output: String) {
        if reason == GapReason::Camera && units == 0 {
            tracing::info!(output, start = %start.iso(), end = %end.iso(), "The recording has a gap: {}", reason.text());
        } else {
            self.lost(start, end, units, reason.text(), Some(output));
        }
    }

    fn recording_event(&self, name: &str, output: &str) {
        let data = json!({"outputType": self.opener.output_type(), "outputLocation": output});
        self.context.emit(&format!("{OPERATIONAL}.{name}"), data);
    }

    fn panicked(&mut self, error: &JoinError) {
        self.context.error(error);
        self.context.emit(
            RUNTIME_ERROR,
            json!({"code": "recorder", "message": error.to_string()}),
        );
    }
}

mod steps;

/// Work that may block; its log lines name the node, too.
fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let span = tracing::Span::current();
    spawn_blocking(move || span.in_scope(work))
}

#[cfg(test)]
mod tests;
