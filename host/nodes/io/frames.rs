//! Mailboxes of decoded frames: at most one frame waits, and the newest wins.
//!
//! Beside the frame a mailbox carries *progress*: the media time up to which nothing more will come, so that a
//! consumer which is given few frames still knows how late it is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

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
    frame: Option<Frame>,
    progress: MediaTime,
    told: MediaTime,
    closed: bool,
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
pub fn mailbox(rate: Option<f64>, only_annotated: bool) -> (FrameSender, FrameReceiver) {
    let shared = Arc::new(Shared::default());
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
            wanted && slot.frame.replace(frame.clone()).is_some()
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
                if let Some(frame) = slot.frame.take() {
                    slot.told = slot.told.max(frame.picture.time());
                    return Some(Delivery::Frame(frame));
                }
                if slot.progress > slot.told {
                    slot.told = slot.progress;
                    return Some(Delivery::Progress(slot.progress));
                }
                if slot.closed {
                    return None;
                }
            }
            self.shared.ready.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::testing::{at, picture};

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
