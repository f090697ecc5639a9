//! Queues of encoded media between a source, a gate, a sink and a decode stage.
//!
//! Invariants: the writer never waits. At most [`MAX_QUEUED_BYTES`] of media stand in a queue. When that is
//! reached, units are left out up to the next random access point, which is then marked as a discontinuity, so
//! that what the reader gets is always decodable. That counts for each recording by itself. The beginning and end
//! of a recording are never left out, unless all between them was.
//!
//! In replay nothing is left out, and the player does not hand on more than a portion at a time ([`super::pace`]).
//!
//! A queue for analysis also stays near the present: what is more than [`MAX_BEHIND`] behind makes room for a new random
//! access point, since nobody waits for what a detector would say of it, and a graph that stops would have to look at
//! all of it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::pace::Busy;
use crate::media::{AccessUnit, MediaTime, Ticks, TrackKind};

/// The most media that waits in one queue: four seconds of a 64 Mbit/s camera.
pub const MAX_QUEUED_BYTES: usize = 32 << 20;

/// How far analysis may be behind the media: less than [`super::signals::MAX_LAG`], after which gates decide without it.
pub const MAX_BEHIND: Ticks = Ticks::from_secs(3);

/// The number of a recording within a graph; what comes straight from a source is number [`CONTINUOUS`].
pub type RecordingId = u64;

/// The recording that a source without a gate feeds.
pub const CONTINUOUS: RecordingId = 0;

/// One thing in a queue of media.
#[derive(Clone, Debug)]
pub enum MediaItem {
    /// A recording begins.
    Begin {
        /// Which.
        recording: RecordingId,
        /// The media time that its gate asked for; the media itself begins at the key frame before.
        start: MediaTime,
    },
    /// An access unit of a recording.
    Unit {
        /// Which.
        recording: RecordingId,
        /// The unit.
        unit: Arc<AccessUnit>,
    },
    /// A recording ends.
    End {
        /// Which.
        recording: RecordingId,
    },
    /// The camera is gone; units may come again later, the first marked as a discontinuity.
    Lost,
}

impl MediaItem {
    fn recording(&self) -> Option<RecordingId> {
        match self {
            Self::Begin { recording, .. } | Self::Unit { recording, .. } | Self::End { recording } => {
                Some(*recording)
            }
            Self::Lost => None,
        }
    }
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<MediaItem>,
    bytes: usize,
    /// The recordings of which units were left out since the queue was full, each until its next random access
    /// point.
    skipping: BTreeSet<RecordingId>,
    closed: bool,
    busy: Busy,
}

impl Queue {
    /// How far the oldest unit is behind a moment.
    fn behind(&self, now: MediaTime) -> Ticks {
        let oldest = self.items.iter().find_map(|item| match item {
            MediaItem::Unit { unit, .. } => Some(unit.time),
            _ => None,
        });
        oldest.map_or(Ticks(0), |time| now.since(time))
    }

    /// Leaves out all units, and says how many they were.
    fn skip(&mut self) -> u64 {
        let all = self.items.len();
        self.items.retain(|item| !matches!(item, MediaItem::Unit { .. }));
        self.bytes = 0;
        (all - self.items.len()) as u64
    }

    fn end(&mut self, recording: RecordingId) {
        self.skipping.remove(&recording);
        let last = self
            .items
            .iter()
            .rposition(|item| item.recording() == Some(recording));
        match last.and_then(|at| self.items.get(at)) {
            // Without this a gate could fill the queue with recordings of nothing.
            Some(MediaItem::Begin { .. }) => drop(last.and_then(|at| self.items.remove(at))),
            // Each attempt to reach a camera that is away may say so.
            Some(MediaItem::End { .. }) => {}
            _ => self.items.push_back(MediaItem::End { recording }),
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    ready: Notify,
    dropped: AtomicU64,
}

/// Which tracks a consumer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracks {
    /// Pictures.
    pub video: bool,
    /// Sound.
    pub audio: bool,
}

impl Tracks {
    fn wants(self, kind: TrackKind) -> bool {
        match kind {
            TrackKind::Video => self.video,
            TrackKind::Audio => self.audio,
        }
    }
}

/// The writing end. Dropping it closes the queue.
#[derive(Debug)]
pub struct UnitSender {
    shared: Arc<Shared>,
    tracks: Tracks,
    /// For analysis, which is to stay near the present.
    near: bool,
    /// See [`UnitSender::end_with_camera`].
    ends: bool,
}

/// The reading end.
#[derive(Debug)]
pub struct UnitReceiver {
    shared: Arc<Shared>,
}

/// Makes a queue for a consumer of these tracks.
#[must_use]
pub(super) fn queue(tracks: Tracks, busy: Busy) -> (UnitSender, UnitReceiver) {
    make(tracks, false, busy)
}

/// Makes a queue for someone who looks at pictures, and wants to see the present ones.
#[must_use]
pub(super) fn queue_for_analysis(busy: Busy) -> (UnitSender, UnitReceiver) {
    let pictures = Tracks {
        video: true,
        audio: false,
    };
    make(pictures, true, busy)
}

fn make(tracks: Tracks, near: bool, busy: Busy) -> (UnitSender, UnitReceiver) {
    let queue = Queue {
        busy,
        ..Queue::default()
    };
    let shared = Arc::new(Shared {
        queue: Mutex::new(queue),
        ..Shared::default()
    });
    let sender = UnitSender {
        shared: Arc::clone(&shared),
        tracks,
        near,
        ends: false,
    };
    (sender, UnitReceiver { shared })
}

impl UnitSender {
    /// Whether it leads to analysis.
    #[must_use]
    pub fn is_for_analysis(&self) -> bool {
        self.near
    }

    /// From now on the reader is told that the recording ended when the camera is lost, and not that it may go on.
    pub fn end_with_camera(&mut self) {
        self.ends = true;
    }

    /// Adds an item. Gives how many units had to be left out: this one, or others for its sake.
    pub fn push(&self, item: MediaItem) -> u64 {
        let left_out = {
            let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let left_out = match item {
                MediaItem::Lost if self.ends => {
                    queue.end(CONTINUOUS);
                    0
                }
                MediaItem::Unit { recording, unit } => {
                    if !self.tracks.wants(unit.kind()) {
                        return 0;
                    }
                    self.push_unit(&mut queue, recording, unit)
                }
                MediaItem::End { recording } => {
                    queue.end(recording);
                    0
                }
                other => {
                    queue.items.push_back(other);
                    0
                }
            };
            if !queue.items.is_empty() {
                queue.busy.begin();
            }
            left_out
        };
        self.shared.dropped.fetch_add(left_out, Ordering::Relaxed);
        self.shared.ready.notify_one();
        left_out
    }

    fn push_unit(&self, queue: &mut Queue, recording: RecordingId, mut unit: Arc<AccessUnit>) -> u64 {
        let mut left_out = 0;
        let keeps_all = queue.busy.keeps_all();
        if !keeps_all && self.near && unit.random_access && queue.behind(unit.time) > MAX_BEHIND {
            left_out = queue.skip();
            queue.skipping.insert(recording);
        }
        let full = !keeps_all && queue.bytes.saturating_add(unit.weight()) > MAX_QUEUED_BYTES;
        let resumes = unit.random_access && (unit.kind() == TrackKind::Video || !self.tracks.video);
        if full || (queue.skipping.contains(&recording) && !resumes) {
            queue.skipping.insert(recording);
            return left_out + 1;
        }
        if queue.skipping.remove(&recording) {
            unit = Arc::new(AccessUnit {
                discontinuity: true,
                ..(*unit).clone()
            });
        }
        queue.bytes += unit.weight();
        queue.items.push_back(MediaItem::Unit { recording, unit });
        left_out
    }

    /// How many units were left out so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for UnitSender {
    fn drop(&mut self) {
        self.shared
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed = true;
        self.shared.ready.notify_one();
    }
}

impl UnitReceiver {
    /// The next item; None once the writer is gone and everything was read. Cancel-safe.
    pub async fn next(&mut self) -> Option<MediaItem> {
        loop {
            // One reader: `notify_one` leaves a permit when nobody waits yet, so no wake-up is lost.
            {
                let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(item) = queue.items.pop_front() {
                    if let MediaItem::Unit { unit, .. } = &item {
                        queue.bytes = queue.bytes.saturating_sub(unit.weight());
                    }
                    return Some(item);
                }
                queue.busy.end();
                if queue.closed {
                    return None;
                }
            }
            self.shared.ready.notified().await;
        }
    }
}

impl Drop for UnitReceiver {
    fn drop(&mut self) {
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.busy.retire();
    }
}

#[cfg(test)]
mod tests;
