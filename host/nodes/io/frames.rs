//! Mailboxes of decoded frames: live, at most one frame waits, and the newest wins; in replay all wait ([`super::pace`]).
//!
//! Beside the frame a mailbox carries *progress*: the media time up to which nothing more will come, so that a
//! consumer which is given few frames still knows how late it is. The other way it carries what the reader asks for,
//! which may change while the graph runs; the writer offers everything and only what is asked for goes in.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;

use super::demand::{Asked, Sampler};
use super::pace::Busy;
use crate::media::inference::Inference;
use crate::media::picture::Picture;
use crate::media::{MediaTime, Ticks};
use crate::nodes::stats::{Dropped, NodeStats};

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
    asked: Mutex<Asked>,
    /// Rises with each change of `asked`, so that a writer need not lock to see that nothing changed.
    changes: AtomicU64,
    /// Who is too slow when a frame is dropped.
    reader: OnceLock<Arc<NodeStats>>,
}

impl Shared {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        if let Some(reader) = self.reader.get() {
            reader.count_dropped(Dropped::Frames, 1);
        }
    }
}

/// The writing end. Dropping it closes the mailbox.
#[derive(Debug)]
pub struct FrameSender {
    shared: Arc<Shared>,
    /// Frames a second that filters between writer and reader let through.
    filter: Option<f64>,
    /// What the reader asks for, as far as the filters let it through.
    asked: Asked,
    changes: u64,
    all: Sampler,
    annotated: Sampler,
}

/// The reading end.
#[derive(Debug)]
pub struct FrameReceiver {
    shared: Arc<Shared>,
}

/// Makes a mailbox for a consumer that asks for this, behind filters that let through at most `filter` frames a second.
#[must_use]
pub(super) fn mailbox(filter: Option<f64>, asked: Asked, busy: Busy) -> (FrameSender, FrameReceiver) {
    let slot = Slot {
        busy,
        ..Slot::default()
    };
    let shared = Arc::new(Shared {
        slot: Mutex::new(slot),
        asked: Mutex::new(asked),
        changes: AtomicU64::new(1),
        ..Shared::default()
    });
    let mut sender = FrameSender {
        shared: Arc::clone(&shared),
        filter,
        asked: Asked::default(),
        changes: 0,
        all: Sampler::default(),
        annotated: Sampler::default(),
    };
    sender.refresh();
    (sender, FrameReceiver { shared })
}

impl FrameSender {
    /// Looks whether the reader asks for something else. Gives true when it does.
    pub fn refresh(&mut self) -> bool {
        let changes = self.shared.changes.load(Ordering::Acquire);
        if changes == self.changes {
            return false;
        }
        self.changes = changes;
        self.asked = self.shared.asked().limited(self.filter);
        self.all.ask(&self.asked.all);
        self.annotated.ask(&self.asked.annotated);
        true
    }

    /// What the reader asks for, as of the last [`FrameSender::refresh`].
    #[must_use]
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Offers a frame. Gives true when an older one had to make room.
    pub fn offer(&mut self, frame: &Frame) -> bool {
        self.refresh();
        let time = frame.picture.time();
        // Both are asked, whatever the other says: each remembers what it has seen.
        let due = self.all.due(time);
        let wanted = (!frame.annotations.is_empty() && self.annotated.due(time)) || due;
        let replaced = {
            let mut slot = self.shared.slot();
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
            self.shared.count_dropped();
        }
        self.shared.ready.notify_one();
        replaced
    }

    /// Tells that nothing will come up to this time.
    pub fn progress(&self, to: MediaTime) {
        let mut slot = self.shared.slot();
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
        self.shared.slot().closed = true;
        self.shared.ready.notify_one();
    }
}

impl FrameReceiver {
    /// Asks for something else from now on.
    pub fn ask(&self, asked: Asked) {
        let mut known = self.shared.asked();
        if *known != asked {
            *known = asked;
            self.shared.changes.fetch_add(1, Ordering::Release);
        }
    }

    /// Frames that make room for newer ones are counted as dropped by this node, which was too slow for them.
    pub fn count_for(&self, reader: &Arc<NodeStats>) {
        // Set once, by the node that the mailbox is made for.
        let _ = self.shared.reader.set(Arc::clone(reader));
    }

    /// The next frame or news of progress; None once the writer is gone and everything was read. Cancel-safe.
    pub async fn next(&mut self) -> Option<Delivery> {
        loop {
            {
                let mut slot = self.shared.slot();
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
        self.shared.slot().busy.retire();
    }
}

#[cfg(test)]
mod tests {
    use super::super::demand::Demand;
    use super::super::pace::{InFlight, Pace};
    use super::*;
    use crate::media::inference::{Finding, Rect};
    use crate::nodes::testing::{at, picture};

    fn frame(seconds: f64) -> Frame {
        Frame {
            picture: Arc::new(picture(seconds)),
            annotations: Arc::new([]),
        }
    }

    fn annotated(seconds: f64) -> Frame {
        let motion = Finding::Motion {
            area: Rect::default(),
        };
        Frame {
            annotations: Arc::new([Inference::new(motion)]),
            ..frame(seconds)
        }
    }

    fn live(rate: Option<f64>, only_annotated: bool) -> (FrameSender, FrameReceiver) {
        let asked = Asked::new(Demand::at_most(rate), only_annotated);
        Pace::Live.frames(None, asked)
    }

    async fn taken(receiver: &mut FrameReceiver) -> Option<MediaTime> {
        match receiver.next().await {
            Some(Delivery::Frame(frame)) => Some(frame.picture.time()),
            _ => None,
        }
    }

    #[tokio::test]
    async fn the_newest_frame_wins_and_the_rest_is_counted_for_the_reader() {
        let (mut sender, mut receiver) = live(None, false);
        let stats = Arc::new(NodeStats::default());
        receiver.count_for(&stats);
        assert!(!sender.offer(&frame(1.0)));
        assert!(sender.offer(&frame(2.0)));
        assert_eq!(taken(&mut receiver).await, Some(at(2.0)));
        assert_eq!((sender.dropped(), stats.dropped()), (1, 1));
        drop(sender);
        assert!(receiver.next().await.is_none());
    }

    #[tokio::test]
    async fn a_frame_that_is_not_due_is_progress() {
        let (mut sender, mut receiver) = live(Some(1.0), true);
        sender.offer(&frame(3.0));
        assert!(matches!(receiver.next().await, Some(Delivery::Progress(to)) if to == at(3.0)));
        sender.offer(&annotated(3.5));
        assert_eq!(taken(&mut receiver).await, Some(at(3.5)));
    }

    #[tokio::test]
    async fn what_the_reader_asks_for_may_change() {
        let (mut sender, mut receiver) = live(None, false);
        sender.offer(&frame(1.0));
        assert_eq!(taken(&mut receiver).await, Some(at(1.0)));
        receiver.ask(Asked::default());
        assert!(sender.refresh() && !sender.refresh());
        sender.offer(&frame(1.2));
        assert_eq!(taken(&mut receiver).await, None, "progress");
        receiver.ask(Asked::new(Demand::at_most(Some(1.0)), false));
        for (seconds, comes) in [(1.4, true), (1.6, false), (2.0, true)] {
            sender.offer(&frame(seconds));
            assert_eq!(taken(&mut receiver).await.is_some(), comes, "{seconds}");
        }
    }

    #[tokio::test]
    async fn filters_on_the_way_limit_what_is_asked() {
        let asked = Asked::new(Demand::Everything, false);
        let (sender, _receiver) = Pace::Live.frames(Some(2.0), asked);
        assert_eq!(sender.asked().all, Demand::at_most(Some(2.0)));
    }

    #[tokio::test]
    async fn in_replay_every_frame_waits_until_its_reader_has_dealt_with_it() {
        let in_flight = Arc::new(InFlight::default());
        let asked = Asked::new(Demand::Everything, false);
        let (mut sender, mut receiver) = Pace::Replay(Arc::clone(&in_flight)).frames(None, asked);
        for seconds in [1.0, 2.0, 3.0] {
            assert!(!sender.offer(&frame(seconds)));
        }
        for seconds in [1.0, 2.0, 3.0] {
            assert_eq!(taken(&mut receiver).await, Some(at(seconds)));
            let idle = futures::poll!(std::pin::pin!(in_flight.idle()));
            assert!(idle.is_pending(), "the reader has not dealt with it");
        }
        assert!(futures::poll!(std::pin::pin!(receiver.next())).is_pending());
        in_flight.idle().await;
        sender.progress(at(9.0));
        drop(receiver);
        in_flight.idle().await;
    }

    #[tokio::test]
    async fn progress_is_told_after_the_clock_was_set_back() {
        let (mut sender, mut receiver) = live(None, true);
        sender.progress(at(3_600.0));
        assert!(matches!(receiver.next().await, Some(Delivery::Progress(_))));
        sender.offer(&frame(3.0));
        assert!(matches!(receiver.next().await, Some(Delivery::Progress(to)) if to == at(3.0)));
    }
}
