//! What the world is told when the disk refuses.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::events::{Emitter, Event, EventSink};
use crate::media::ManualClock;
use crate::nodes::io::pace::Pace;
use crate::nodes::io::units::{CONTINUOUS, Tracks};
use crate::nodes::testing::{at, unit};
use crate::recording::Totals;

#[derive(Debug, Default)]
struct Events(Mutex<Vec<Event>>);

impl EventSink for Events {
    fn publish(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Events {
    /// The last parts of the types of all events.
    fn names(&self) -> Vec<String> {
        let events = self.0.lock().unwrap();
        let name = |event: &Event| event.event_type.rsplit('.').next().unwrap_or_default().to_owned();
        events.iter().map(name).collect()
    }
}

fn refused() -> RecordingError {
    RecordingError::io("write", "/there".as_ref())(std::io::ErrorKind::StorageFull.into())
}

/// A recorder whose `close` fails so often.
#[derive(Debug)]
struct Fake {
    failures: u32,
    started: bool,
    /// What it reports when it is closed.
    gap: Option<(GapReason, u64)>,
}

impl Recorder for Fake {
    fn push(&mut self, _unit: &Arc<AccessUnit>) -> Result<bool, RecordingError> {
        Ok(!std::mem::replace(&mut self.started, true))
    }

    fn flush(&mut self) -> Result<Vec<Notice>, RecordingError> {
        let output = "asset".to_owned();
        Ok(vec![Notice::Started { output, at: at(0.0) }])
    }

    fn close(&mut self) -> Result<Vec<Notice>, RecordingError> {
        if let Some(left) = self.failures.checked_sub(1) {
            self.failures = left;
            return Err(refused());
        }
        let (output, totals) = ("asset".to_owned(), Totals::default());
        let gap = self.gap.map(|(reason, units)| Notice::Gap {
            output: output.clone(),
            start: at(1.0),
            end: at(2.0),
            reason,
            units,
        });
        let stopped = Notice::Stopped {
            output,
            at: at(2.0),
            totals,
        };
        Ok(gap.into_iter().chain([stopped]).collect())
    }
}

/// Gives, in turn, these recorders, or none.
#[derive(Debug)]
struct Openings(Mutex<VecDeque<Option<Fake>>>);

impl Opener for Openings {
    fn open(&self, _start: MediaTime) -> Result<Box<dyn Recorder>, RecordingError> {
        match self.0.lock().unwrap().pop_front().flatten() {
            Some(fake) => Ok(Box::new(fake)),
            None => Err(refused()),
        }
    }

    fn output_type(&self) -> &'static str {
        "assetName"
    }
}

/// Records so many key frames and ends, with recorders that fail to close so often, or none.
async fn record(failures: impl IntoIterator<Item = Option<u32>>, units: u32) -> Vec<String> {
    let fake = |failures| Fake {
        failures,
        started: false,
        gap: None,
    };
    let openings = failures.into_iter().map(|failures| failures.map(fake));
    record_with(openings.collect(), units).await
}

async fn record_with(openings: VecDeque<Option<Fake>>, units: u32) -> Vec<String> {
    let events = Arc::new(Events::default());
    let context = NodeContext {
        name: "sink".into(),
        span: tracing::Span::none(),
        emitter: Emitter::new(Arc::clone(&events) as Arc<dyn EventSink>, "test", "/sink"),
        clock: Arc::new(ManualClock::new(at(9.0).to_timestamp())),
        stats: Arc::default(),
        losses: Arc::default(),
        stop: tokio_util::sync::CancellationToken::new(),
    };
    let (sender, receiver) = Pace::Live.units(Tracks {
        video: true,
        audio: true,
    });
    for n in 0..units {
        sender.push(MediaItem::Unit {
            recording: CONTINUOUS,
            unit: Arc::new(unit(f64::from(n), true)),
        });
    }
    drop(sender);
    let openings = Openings(Mutex::new(openings.into_iter().collect()));
    let mut sink = RecordingSink::new(context, receiver, Arc::new(openings));
    sink.close_wait = Duration::ZERO;
    sink.run().await;
    events.names()
}

#[tokio::test]
async fn a_recording_that_cannot_be_finished_at_once_is_finished_later() {
    let told = record([Some(CLOSE_TRIES - 1)], 1).await;
    assert_eq!(
        told,
        [
            "RecordingStarted",
            "StorageError",
            "StorageRestored",
            "RecordingStopped"
        ]
    );
}

#[tokio::test]
async fn a_recording_that_cannot_be_finished_at_all_is_told_to_have_stopped() {
    let told = record([Some(u32::MAX)], 1).await;
    assert_eq!(
        told,
        [
            "RecordingStarted",
            "StorageError",
            "DataDropped",
            "RecordingStopped"
        ]
    );
}

#[tokio::test]
async fn what_came_while_nothing_could_be_opened_is_told_to_be_missing() {
    let told = record([None, None, Some(0)], 3).await;
    assert_eq!(
        told,
        [
            "StorageError",
            "DataDropped",
            "StorageRestored",
            "RecordingStarted",
            "RecordingStopped"
        ]
    );
    assert_eq!(record([None], 1).await, ["StorageError", "DataDropped"]);
}

#[tokio::test]
async fn a_gap_is_told_when_something_was_dropped_and_not_when_the_camera_was_away() {
    let told = async |reason, units| {
        let fake = Fake {
            failures: 0,
            started: false,
            gap: Some((reason, units)),
        };
        let told = record_with(VecDeque::from([Some(fake)]), 1).await;
        told.iter().any(|name| name == "DataDropped")
    };
    assert!(!told(GapReason::Camera, 0).await);
    assert!(told(GapReason::Disk, 0).await);
    assert!(told(GapReason::Disk, 3).await);
}
