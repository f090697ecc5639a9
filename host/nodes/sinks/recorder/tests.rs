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
        let at = at(1.0);
        Ok(vec![Notice::Stopped { output, at, totals }])
    }
}

/// Gives, in turn, recorders that fail to close so often, or none.
#[derive(Debug)]
struct Openings(Mutex<VecDeque<Option<u32>>>);

impl Opener for Openings {
    fn open(&self, _start: MediaTime) -> Result<Box<dyn Recorder>, RecordingError> {
        match self.0.lock().unwrap().pop_front().flatten() {
            Some(failures) => Ok(Box::new(Fake {
                failures,
                started: false,
            })),
            None => Err(refused()),
        }
    }

    fn output_type(&self) -> &'static str {
        "assetName"
    }
}

/// Records so many key frames and ends.
async fn record(openings: impl IntoIterator<Item = Option<u32>>, units: u32) -> Vec<String> {
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
