//! What the demo prints of events as they come: a detector speaks of every frame, people want to hear of each movement.

use super::event::Event;
use crate::time;

/// Inferences that follow each other within so many seconds are told as one.
const ONE_MOVEMENT_S: f64 = 2.0;

/// Inferences that were not printed since one was.
#[derive(Debug)]
struct Run {
    subject: String,
    last: f64,
    more: usize,
}

/// Turns events into lines.
#[derive(Debug, Default)]
pub(crate) struct Telling(Option<Run>);

impl Telling {
    /// The lines to print now that this event has come.
    pub(crate) fn event(&mut self, event: &Event) -> Vec<String> {
        let Some(at) = event.inference_time() else {
            // Within a movement its run goes on.
            let over = self
                .0
                .as_ref()
                .zip(event.time())
                .is_some_and(|(run, at)| at - run.last > ONE_MOVEMENT_S);
            let ended = if over { self.end() } else { None };
            return ended.into_iter().chain([event.summary()]).collect();
        };
        if let Some(run) = &mut self.0
            && run.subject == event.subject()
            && at - run.last <= ONE_MOVEMENT_S
        {
            (run.last, run.more) = (at, run.more + 1);
            return Vec::new();
        }
        let ended = self.end();
        self.0 = Some(Run {
            subject: event.subject().to_owned(),
            last: at,
            more: 0,
        });
        ended.into_iter().chain([event.summary()]).collect()
    }

    /// The line about what was not printed.
    pub(crate) fn end(&mut self) -> Option<String> {
        let run = self.0.take().filter(|run| run.more > 0)?;
        let until = time::clock(run.last);
        Some(format!(
            "{until}  Inference                and {} more until here",
            run.more
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::inference;
    use super::*;

    #[test]
    fn a_movement_is_told_when_it_begins_and_counted_when_the_next_does() {
        let mut telling = Telling::default();
        assert_eq!(telling.event(&inference(10.0)).len(), 1);
        for at in [10.04, 10.08, 11.9] {
            assert!(telling.event(&inference(at)).is_empty());
        }
        let lines = telling.event(&inference(20.0));
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].ends_with("and 3 more until here"), "{lines:?}");
        assert_eq!(telling.end(), None);
    }

    #[test]
    fn other_events_are_told_at_once_and_after_the_movement_that_they_follow() {
        let later = |at: f64| {
            let line = serde_json::json!({
                "id": "1", "subject": "s", "eventType": "x.RecordingStopped",
                "eventTime": format!("1970-01-01T00:00:{at:02.0}Z"),
            });
            Event::parse(&line.to_string()).unwrap()
        };
        let mut telling = Telling::default();
        telling.event(&inference(10.0));
        telling.event(&inference(11.0));
        assert_eq!(telling.event(&later(12.0)).len(), 1);
        let lines = telling.event(&later(15.0));
        assert!(lines[0].ends_with("and 1 more until here"), "{lines:?}");
        assert!(lines[1].contains("RecordingStopped"), "{lines:?}");
    }
}
