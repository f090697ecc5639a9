//! Mailboxes of decoded frames: live, at most one frame waits, and the newest wins; in replay all wait ([`super::pace`]).
//!
//! Beside the frame a mailbox carries *progress*: the media time up to which nothing more will come, so that a
//! consumer which is given few frames still knows how late it is.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::pace::Busy;
use crate::media::inference::Inference;
use crate::media::picture::Picture;
use crate::media::{MediaTime, TICKS_PER_SECOND, Ticks};

/// A decoded frame and what was said of it so far.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The picture.
    pub picture: Arc<Picture>,
    /// What nodes upstream said of it.
    pub annotations: Arc<[Inference]>,
}

/// What a mailbox gives.
#[derive(Debug)]
pub enum Delivery {
    /// A frame to look at.
    Frame(Frame),
    /// No frame came up to here, and none will.
    Progress(MediaTime),
}

/// Lets through at most so many frames a second, on the absolute grid of media time, so that the same media
/// always gives the same frames.
#[derive(Clone, Debug, Default)]
pub struct Sampler {
    /// Frames a second; None lets everything through.
    pub rate: Option<f64>,
    last_cell: Option<i64>,
}

impl Sampler {
    /// At most `rate` frames a second.
    #[must_use]
    pub fn new(rate: Option<f64>) -> Self {
        Self {
            rate,
            last_cell: None,
        }
    }

    /// Whether the frame at this time is due.
    pub fn due(&mut self, time: MediaTime) -> bool {
        let Some(rate) = self.rate else { return true };
        let cell = (time.ticks() as f64 * rate / TICKS_PER_SECOND as f64).floor() as i64;
        let due = self.last_cell != Some(cell);
        self.last_cell = Some(cell);
        due
    }
}

#[derive(Debug, Default)]
struct Slot {
    /// Live, at most one.
    frames: VecDeque<Frame>,
    progress: MediaTime,
    told: MediaTime,
    closed: bool,
    busy: Busy,
}

impl Slot {
    /// Gives true when an older frame had to make room.
    fn put(&mut self, frame: Frame) -> bool {
        let replaced = !self.busy.keeps_all() && self.frames.pop_front().is_some();
        self.frames.push_back(frame);
        replaced
    }

    /// What the reader is to be given next.
    fn take(&mut self) -> Option<Delivery> {
        if let Some(frame) = self.frames.pop_front() {
            self.told = self.told.max(frame.picture.time());
            return Some(Delivery::Frame(frame));
        }
        (self.progress > self.told).then(|| {
            self.told = self.progress;
            Delivery::Progress(self.progress)
        })
    }
}

#[derive(Debug, Default)]
struct Shared {
    slot: Mutex<Slot>,
    ready: Notify,
    dropped: AtomicU64,
}

/// The writing end. Dropping it closes the mailbox.
#[derive(Debug)]
pub struct FrameSender {
    shared: Arc<Shared>,
    sampler: Sampler,
    /// Only frames that some node upstream has said something of.
    only_annotated: bool,
}

/// The reading end.
#[derive(Debug)]
pub struct FrameReceiver {
    shared: Arc<Shared>,
}

/// Makes a mailbox for a consumer that wants at most `rate` frames a second.
#[must_use]
pub(super) fn mailbox(rate: Option<f64>, only_annotated: bool, busy: Busy) -> (FrameSender, FrameReceiver) {
    let slot = Slot {
        busy,
        ..Slot::default()
    };
    let shared = Arc::new(Shared {
        slot: Mutex::new(slot),
        ..Shared::default()
    });
    let sender = FrameSender {
        shared: Arc::clone(&shared),
        sampler: Sampler::new(rate),
        only_annotated,
    };
    (sender, FrameReceiver { shared })
}

impl FrameSender {
    /// Offers a frame. Gives true when an older one had to make room.
    pub fn offer(&mut self, frame: &Frame) -> bool {
        let time = frame.picture.time();
        let wanted = (!self.only_annotated || !frame.annotations.is_empty()) && self.sampler.due(time);
        let replaced = {
            let mut slot = self.shared.slot.lock().unwrap_or_else(PoisonError::into_inner);
            if time < slot.progress {
                // Frames come in the order of their times: the timeline began anew, earlier.
                slot.told = slot.told.min(time.offset(Ticks(-1)));
            }
            slot.progress = time;
            let replaced = wanted && slot.put(frame.clone());
            slot.busy.begin();
            replaced
        };
        if replaced {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.shared.ready.notify_one();
        replaced
    }

    /// Tells that nothing will come up to this time.
    pub fn progress(&self, to: MediaTime) {
        let mut slot = self.shared.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if to > slot.progress {
            slot.progress = to;
            slot.busy.begin();
            self.shared.ready.notify_one();
        }
    }

    /// How many frames had to make room so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for FrameSender {
    fn drop(&mut self) {
        self.shared
            .slot
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed = true;
        self.shared.ready.notify_one();
    }
}

impl FrameReceiver {
    /// The next frame or news of progress; None once the writer is gone and everything was read. Cancel-safe.
    pub async fn next(&mut self) -> Option<Delivery> {
        loop {
            {
                let mut slot = self.shared.slot.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(delivery) = slot.take() {
                    return Some(delivery);
                }
                slot.busy.end();
                if slot.closed {
                    return None;
                }
            }
            self.shared.ready.notified().await;
        }
    }
}

impl Drop for FrameReceiver {
    fn drop(&mut self) {
        let mut slot = self.shared.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.busy.retire();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::io::pace::{InFlight, Pace};
    use crate::nodes::testing::{at, picture};

    fn mailbox(rate: Option<f64>, only_annotated: bool) -> (FrameSender, FrameReceiver) {
        Pace::Live.frames(rate, only_annotated)
    }

    #[tokio::test]
    async fn in_replay_every_frame_waits_until_its_reader_has_dealt_with_it() {
        let in_flight = Arc::new(InFlight::default());
        let (mut sender, mut receiver) = Pace::Replay(Arc::clone(&in_flight)).frames(None, false);
        for seconds in [1.0, 2.0, 3.0] {
            assert!(!sender.offer(&frame(seconds)));
        }
        for seconds in [1.0, 2.0, 3.0] {
            let Some(Delivery::Frame(got)) = receiver.next().await else {
                panic!("a frame")
            };
            assert_eq!(got.picture.time(), at(seconds));
            let idle = futures::poll!(std::pin::pin!(in_flight.idle()));
            assert!(idle.is_pending(), "the reader has not dealt with it");
        }
        assert!(futures::poll!(std::pin::pin!(receiver.next())).is_pending());
        in_flight.idle().await;
        sender.progress(at(9.0));
        drop(receiver);
        in_flight.idle().await;
    }

    fn frame(seconds: f64) -> Frame {
        Frame {
            picture: Arc::new(picture(seconds)),
            annotations: Arc::new([]),
        }
    }

    #[tokio::test]
    async fn the_newest_frame_wins_and_the_rest_is_counted() {
        let (mut sender, mut receiver) = mailbox(None, false);
        assert!(!sender.offer(&frame(1.0)));
        assert!(sender.offer(&frame(2.0)));
        let Some(Delivery::Frame(got)) = receiver.next().await else {
            panic!("a frame")
        };
        assert_eq!(got.picture.time(), at(2.0));
        assert_eq!(sender.dropped(), 1);
        drop(sender);
        assert!(receiver.next().await.is_none());
    }

    #[tokio::test]
    async fn a_frame_that_is_not_due_is_progress() {
        let (mut sender, mut receiver) = mailbox(Some(1.0), true);
        sender.offer(&frame(3.0));
        assert!(matches!(receiver.next().await, Some(Delivery::Progress(to)) if to == at(3.0)));
    }

    #[tokio::test]
    async fn progress_is_told_after_the_clock_was_set_back() {
        let (mut sender, mut receiver) = mailbox(None, true);
        sender.progress(at(3_600.0));
        assert!(matches!(receiver.next().await, Some(Delivery::Progress(_))));
        sender.offer(&frame(3.0));
        assert!(matches!(receiver.next().await, Some(Delivery::Progress(to)) if to == at(3.0)));
    }

    #[test]
    fn frames_are_due_on_the_absolute_grid() {
        let mut sampler = Sampler::new(Some(2.0));
        let due: Vec<bool> = [0.1, 0.2, 0.5, 0.9, 1.0, 1.4, 7.3]
            .iter()
            .map(|t| sampler.due(at(*t)))
            .collect();
        assert_eq!(due, [true, false, true, false, true, false, true]);
    }
}
