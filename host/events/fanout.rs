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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::Value;

    use super::*;
    use crate::events::Emitter;
    use crate::media::MediaTime;

    #[derive(Debug, Default)]
    struct Count(Mutex<(u32, u32)>);

    impl EventSink for Count {
        fn publish(&self, _: Event) {
            self.0.lock().unwrap().0 += 1;
        }

        fn note(&self, _: Event) {
            self.0.lock().unwrap().1 += 1;
        }
    }

    #[test]
    fn an_event_and_a_note_reach_each_sink_once() {
        let sinks: Vec<Arc<Count>> = (0..3).map(|_| Arc::default()).collect();
        let fanout = Fanout(sinks.iter().map(|sink| Arc::clone(sink) as _).collect());
        let emitter = Emitter::new(Arc::new(fanout), "mediagraph", "/host");
        emitter.emit("E", MediaTime::MIN, Value::Null);
        emitter.note("N", MediaTime::MIN, Value::Null);
        for sink in sinks {
            assert_eq!(*sink.0.lock().unwrap(), (1, 1));
        }
    }
}
