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
            // It may stand among the inferences of one movement: the run goes on.
            return vec![event.summary()];
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
}
