//! What has been sent and not been answered, in the order of the frames.
//!
//! A server may answer later frames first, or several with one answer. Whoever listens to this node is told of frames in
//! their order, so what is done waits for what is before it; what is not answered in time is done without an answer.

use std::collections::VecDeque;
use std::time::Duration;

use crate::media::MediaTime;
use crate::media::inference::{Inference, Rect};
use crate::nodes::io::frames::Frame;

/// A frame is waited for no longer than this.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// Frames that are waited for. Each may hold its picture, so these are some MiB.
const MAX_STEPS: usize = 32;

/// A moment that this node has come to.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) time: MediaTime,
    /// Its frame; none where none came.
    pub(super) frame: Option<Frame>,
    /// What was found in it.
    pub(super) found: Vec<Inference>,
    waits: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    sequence: u64,
    /// The part of the image that shows the frame.
    content: Rect,
    /// On the monotonic clock.
    until: Duration,
}

/// The steps that are not told yet.
#[derive(Debug, Default)]
pub(super) struct Ledger(VecDeque<Step>);

impl Ledger {
    /// There is nothing to wait for here.
    pub(super) fn pass(&mut self, time: MediaTime, frame: Option<Frame>) {
        self.0.push_back(Step {
            time,
            frame,
            found: Vec::new(),
            waits: None,
        });
        self.bound();
    }

    /// A frame was sent as the message of this number.
    pub(super) fn sent(&mut self, frame: Frame, sequence: u64, content: Rect, now: Duration) {
        self.0.push_back(Step {
            time: frame.picture.time(),
            frame: Some(frame),
            found: Vec::new(),
            waits: Some(Waiting {
                sequence,
                content,
                until: now.saturating_add(ANSWER_TIME),
            }),
        });
        self.bound();
    }

    /// What the server said: of the message that it names; else of the frame with this time; else of the oldest one. False
    /// when that is not waited for any more.
    pub(super) fn answered(&mut self, ack: u64, time: u64, found: Vec<Inference>) -> bool {
        let waiting = |step: &&mut Step| match &step.waits {
            Some(_) if ack == 0 && time == 0 => true,
            Some(_) if ack == 0 => step.time.ticks() == time,
            Some(waits) => waits.sequence == ack,
            None => false,
        };
        let Some(step) = self.0.iter_mut().find(waiting) else {
            return false;
        };
        let Some(waits) = step.waits.take() else {
            return false;
        };
        step.found = found;
        for inference in &mut step.found {
            inference.map_area(|area| area.to_source(waits.content));
        }
        true
    }

    /// What is told next: the oldest step, once it is done.
    pub(super) fn pop(&mut self, now: Duration) -> Option<Step> {
        let first = self.0.front()?;
        let done = first.waits.as_ref().is_none_or(|waits| waits.until <= now);
        if done { self.0.pop_front() } else { None }
    }

    /// Nothing is waited for any more: the session has ended.
    pub(super) fn give_up(&mut self) -> u64 {
        let waiting = self.0.iter_mut().filter_map(|step| step.waits.take());
        u64::try_from(waiting.count()).unwrap_or(u64::MAX)
    }

    /// Until when the oldest answer is waited for.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.0.front()?.waits.as_ref().map(|waits| waits.until)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets the oldest answer when there are too many.
    fn bound(&mut self) {
        if self.0.len() > MAX_STEPS
            && let Some(first) = self.0.front_mut()
        {
            first.waits = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::media::inference::Finding;
    use crate::nodes::testing::{at, picture};

    const NOW: Duration = Duration::from_secs(1);

    fn frame(seconds: f64) -> Frame {
        Frame {
            picture: Arc::new(picture(seconds)),
            annotations: Arc::new([]),
        }
    }

    fn moved() -> Vec<Inference> {
        let area = Rect {
            l: 0.0,
            t: 0.25,
            w: 1.0,
            h: 0.25,
        };
        vec![Inference::new(Finding::Motion { area })]
    }

    fn told(ledger: &mut Ledger) -> Vec<(MediaTime, usize)> {
        std::iter::from_fn(|| ledger.pop(NOW))
            .map(|step| (step.time, step.found.len()))
            .collect()
    }

    #[test]
    fn frames_are_told_in_their_order_however_they_are_answered() {
        let mut ledger = Ledger::default();
        ledger.sent(frame(1.0), 2, Rect::WHOLE, NOW);
        ledger.pass(at(1.5), None);
        ledger.sent(frame(2.0), 3, Rect::WHOLE, NOW);
        assert!(ledger.answered(3, 0, moved()));
        assert!(told(&mut ledger).is_empty());
        assert!(ledger.answered(2, 0, Vec::new()) && !ledger.answered(2, 0, moved()));
        assert_eq!(told(&mut ledger), [(at(1.0), 0), (at(1.5), 0), (at(2.0), 1)]);
        assert!(ledger.is_empty());
    }

    #[test]
    fn an_answer_without_a_number_is_of_its_time_or_of_the_oldest_frame() {
        let mut ledger = Ledger::default();
        for (sequence, seconds) in [(2, 1.0), (3, 2.0), (4, 3.0)] {
            ledger.sent(frame(seconds), sequence, Rect::WHOLE, NOW);
        }
        assert!(ledger.answered(0, at(2.0).ticks(), moved()));
        assert!(!ledger.answered(0, 7, moved()));
        assert!(ledger.answered(0, 0, Vec::new()) && ledger.answered(0, 0, moved()));
        assert_eq!(told(&mut ledger), [(at(1.0), 0), (at(2.0), 1), (at(3.0), 1)]);
    }

    #[test]
    fn what_is_not_answered_is_not_waited_for_for_ever() {
        let mut ledger = Ledger::default();
        ledger.sent(frame(1.0), 2, Rect::WHOLE, NOW);
        assert_eq!(ledger.deadline(), Some(NOW + ANSWER_TIME));
        assert!(ledger.pop(NOW + ANSWER_TIME / 2).is_none());
        assert!(ledger.pop(NOW + ANSWER_TIME).is_some());
        for sequence in 0..=MAX_STEPS as u64 {
            ledger.sent(frame(2.0 + sequence as f64), sequence, Rect::WHOLE, NOW);
        }
        assert_eq!(told(&mut ledger).len(), 1, "the oldest had to go");
        assert_eq!(ledger.give_up(), MAX_STEPS as u64);
        assert_eq!(told(&mut ledger).len(), MAX_STEPS);
    }

    #[test]
    fn boxes_are_about_the_camera_s_picture() {
        let mut ledger = Ledger::default();
        let content = Rect {
            l: 0.0,
            t: 0.25,
            w: 1.0,
            h: 0.5,
        };
        ledger.sent(frame(1.0), 2, content, NOW);
        ledger.answered(2, 0, moved());
        let step = ledger.pop(NOW).unwrap();
        let Finding::Motion { area } = step.found[0].finding else {
            panic!()
        };
        assert_eq!((area.t, area.h), (0.0, 0.5));
    }
}
