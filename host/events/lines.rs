//! Events as JSON lines.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use super::{Event, EventSink};
use crate::text::spelled;

/// Events that wait for a slow reader of the lines; more are left out and counted.
pub const MAX_WAITING_EVENTS: usize = 4096;

/// Writes each event as one line, on a thread of its own, so that a reader who does not read stops nothing.
#[derive(Debug)]
pub struct JsonLines {
    // Boxed because the channel sets all its places aside, and touches them, when it is made.
    queue: SyncSender<Box<Event>>,
    lost: AtomicU64,
}

/// How long the end of the process waits for a reader who does not read.
pub const FINISH_TIMEOUT: Duration = Duration::from_secs(5);

/// Waits until every event is written.
#[derive(Debug)]
pub struct LinesWriter(Receiver<()>);

impl JsonLines {
    /// Writes to `out`.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn new(mut out: impl Write + Send + 'static) -> std::io::Result<(Self, LinesWriter)> {
        let (queue, events) = sync_channel::<Box<Event>>(MAX_WAITING_EVENTS);
        let (done, finished) = sync_channel(1);
        std::thread::Builder::new().name("events".into()).spawn(move || {
            // Its end tells that everything is written.
            let _done = done;
            for event in events {
                let Ok(line) = serde_json::to_string(&event) else {
                    continue;
                };
                let mut line = spelled(&line).into_owned();
                line.push('\n');
                // A reader that has gone (such as `head`) is no reason to stop recording.
                if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
                    break;
                }
            }
        })?;
        Ok((
            Self {
                queue,
                lost: AtomicU64::new(0),
            },
            LinesWriter(finished),
        ))
    }

    /// How many events were left out.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl EventSink for JsonLines {
    fn publish(&self, event: Event) {
        match self.queue.try_send(Box::new(event)) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl LinesWriter {
    /// Returns once all events are written, or nobody has read them for [`FINISH_TIMEOUT`]: then gives false. Every
    /// [`JsonLines`] must be gone by then.
    #[must_use]
    pub fn finish(self) -> bool {
        !matches!(
            self.0.recv_timeout(FINISH_TIMEOUT),
            Err(RecvTimeoutError::Timeout)
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::events::Emitter;
    use crate::media::MediaTime;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_with_the_envelope_of_lva() {
        let out = Shared::default();
        let (lines, writer) = JsonLines::new(out.clone()).unwrap();
        let emitter = Emitter::new(Arc::new(lines), "mediagraph", "/graphInstances/g");
        emitter.emit(
            "Microsoft.Media.Graph.Operational.RecordingStarted",
            MediaTime::MIN,
            serde_json::json!({"a": "b\n"}),
        );
        drop(emitter);
        assert!(writer.finish());
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1);
        let event: serde_json::Value = serde_json::from_str(&text).unwrap();
        let names: Vec<&String> = event.as_object().unwrap().keys().collect();
        assert_eq!(
            names,
            [
                "data",
                "dataVersion",
                "eventTime",
                "eventType",
                "id",
                "subject",
                "topic"
            ]
        );
        assert_eq!(event["eventTime"], "1970-01-01T00:00:00.000Z");
    }
}
