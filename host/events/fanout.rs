//! One event to several sinks.

use std::sync::Arc;

use super::{Event, EventSink};

/// Hands every event and note to each of its sinks, in this order.
#[derive(Clone, Debug)]
pub struct Fanout(pub Vec<Arc<dyn EventSink>>);

impl EventSink for Fanout {
    fn publish(&self, event: Event) {
        self.each(event, |sink, event| sink.publish(event));
    }

    fn note(&self, event: Event) {
        self.each(event, |sink, event| sink.note(event));
    }
}

impl Fanout {
    fn each(&self, event: Event, hand: impl Fn(&dyn EventSink, Event)) {
        let Some((last, others)) = self.0.split_last() else {
            return;
        };
        for sink in others {
            hand(sink.as_ref(), event.clone());
        }
        hand(last.as_ref(), event);
    }
}
