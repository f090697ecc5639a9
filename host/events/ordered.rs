//! Events in an order, and with names, that depend on what happened and on nothing else: for replay.
//!
//! The nodes of a graph work side by side, so events come in any order. They are kept until the graph rests, then put
//! into order and written. Invariant: of one graph on the same media every line is the same each time, its id included.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::{Event, EventSink};
use crate::text::spelled;

/// What a message sink says of a node comes from another task than what the node says of itself: it stands behind it.
const INFERENCE: &str = "Microsoft.Media.Graph.Analytics.Inference";

/// Keeps events until they are asked for, and writes them as lines.
pub struct OrderedEvents {
    state: Mutex<State>,
}

impl std::fmt::Debug for OrderedEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OrderedEvents").finish_non_exhaustive()
    }
}

struct State {
    waiting: Vec<Event>,
    out: Box<dyn Write + Send>,
    written: u64,
}

impl OrderedEvents {
    /// Writes to `out`.
    #[must_use]
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self {
            state: Mutex::new(State {
                waiting: Vec::new(),
                out: Box::new(out),
                written: 0,
            }),
        }
    }

    /// Writes everything that was published since the last call: by time, and at the same time by who speaks. Called when
    /// the graph rests. Blocks while nobody reads. Gives how many events were written so far.
    ///
    /// # Errors
    /// When it cannot be written: the reader may have gone.
    pub fn write(&self) -> io::Result<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut events = std::mem::take(&mut state.waiting);
        events.sort_by(|one, other| order(one).cmp(&order(other)));
        for event in events {
            let line = line(event, state.written)?;
            state.written += 1;
            state.out.write_all(line.as_bytes())?;
        }
        state.out.flush()?;
        Ok(state.written)
    }
}

/// What one task publishes of one subject at one time stays as it came.
fn order(event: &Event) -> (&str, &str, bool, Option<&str>) {
    let inferred = event.event_type == INFERENCE;
    (
        &event.event_time,
        &event.subject,
        inferred,
        event.output.as_deref(),
    )
}

fn line(mut event: Event, number: u64) -> io::Result<String> {
    event.id = String::new();
    let unnamed = serde_json::to_string(&event)?;
    let hash = Sha256::new()
        .chain_update(number.to_be_bytes())
        .chain_update(&unnamed)
        .finalize();
    let bytes = hash.first_chunk::<16>().copied().unwrap_or_default();
    event.id = uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string();
    let line = serde_json::to_string(&event)?;
    Ok(format!("{}\n", spelled(&line)))
}

impl EventSink for OrderedEvents {
    fn publish(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.push(event);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::events::Emitter;
    use crate::media::{MediaTime, Ticks};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(order: &[usize]) -> String {
        let out = Shared::default();
        let events = Arc::new(OrderedEvents::new(out.clone()));
        let emitters = ["a", "b", "c"].map(|subject| Emitter::new(Arc::clone(&events) as _, "t", subject));
        for index in order {
            let time = MediaTime::MIN.offset(Ticks::from_secs(if *index == 0 { 2 } else { 1 }));
            emitters[*index].emit("E", time, serde_json::json!({"index": index}));
        }
        assert_eq!(events.write().unwrap(), 3);
        String::from_utf8(out.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn lines_do_not_depend_on_the_order_in_which_events_came() {
        let first = written(&[0, 1, 2]);
        assert_eq!(first, written(&[2, 0, 1]));
        let lines: Vec<serde_json::Value> = first
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let subjects: Vec<_> = lines
            .iter()
            .map(|line| line["subject"].as_str().unwrap())
            .collect();
        assert_eq!(subjects, ["b", "c", "a"]);
        assert_ne!(lines[0]["id"], lines[1]["id"]);
        assert_eq!(
            uuid::Uuid::parse_str(lines[0]["id"].as_str().unwrap())
                .unwrap()
                .get_version_num(),
            8
        );
    }
}
