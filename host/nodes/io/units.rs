//! Queues of encoded media between a source, a gate, a sink and a decode stage.
//!
//! Invariants: the writer never waits. At most [`MAX_QUEUED_BYTES`] of media stand in a queue. When that is
//! reached, units are left out up to the next random access point, which is then marked as a discontinuity, so
//! that what the reader gets is always decodable. The beginning and end of recordings are never left out.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::media::{AccessUnit, MediaTime, TrackKind};

/// The most media that waits in one queue: four seconds of a 64 Mbit/s camera.
pub const MAX_QUEUED_BYTES: usize = 32 << 20;

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

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<MediaItem>,
    bytes: usize,
    /// Left out since the queue was full; cleared by the next random access point.
    skipping: bool,
    closed: bool,
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
}

/// The reading end.
#[derive(Debug)]
pub struct UnitReceiver {
    shared: Arc<Shared>,
}

/// Makes a queue for a consumer of these tracks.
#[must_use]
pub fn queue(tracks: Tracks) -> (UnitSender, UnitReceiver) {
    let shared = Arc::new(Shared::default());
    (
        UnitSender {
            shared: Arc::clone(&shared),
            tracks,
        },
        UnitReceiver { shared },
    )
}

impl UnitSender {
    /// Adds an item. Gives true when this item is the first that had to be left out since the last that was not.
    pub fn push(&self, item: MediaItem) -> bool {
        let began_to_drop = {
            let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
            match item {
                MediaItem::Unit { recording, unit } => {
                    if !self.tracks.wants(unit.kind()) {
                        return false;
                    }
                    self.push_unit(&mut queue, recording, unit)
                }
                other => {
                    queue.items.push_back(other);
                    false
                }
            }
        };
        self.shared.ready.notify_one();
        began_to_drop
    }

    fn push_unit(&self, queue: &mut Queue, recording: RecordingId, mut unit: Arc<AccessUnit>) -> bool {
        let full = queue.bytes.saturating_add(unit.data.len()) > MAX_QUEUED_BYTES;
        let resumes = unit.random_access && (unit.kind() == TrackKind::Video || !self.tracks.video);
        if full || (queue.skipping && !resumes) {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return !std::mem::replace(&mut queue.skipping, true);
        }
        if std::mem::take(&mut queue.skipping) {
            unit = Arc::new(AccessUnit {
                discontinuity: true,
                ..(*unit).clone()
            });
        }
        queue.bytes += unit.data.len();
        queue.items.push_back(MediaItem::Unit { recording, unit });
        false
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
                        queue.bytes = queue.bytes.saturating_sub(unit.data.len());
                    }
                    return Some(item);
                }
                if queue.closed {
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
    use crate::nodes::testing::unit;

    const BOTH: Tracks = Tracks {
        video: true,
        audio: true,
    };

    fn item(unit: AccessUnit) -> MediaItem {
        MediaItem::Unit {
            recording: CONTINUOUS,
            unit: Arc::new(unit),
        }
    }

    #[tokio::test]
    async fn a_full_queue_leaves_out_whole_groups_and_says_so() {
        let (sender, mut receiver) = queue(BOTH);
        let big = |key| AccessUnit {
            data: vec![0; MAX_QUEUED_BYTES / 2].into(),
            ..unit(0.0, key)
        };
        assert!(!sender.push(item(big(true))));
        assert!(!sender.push(item(big(false))));
        assert!(
            sender.push(item(big(false))),
            "the first that is left out is told"
        );
        assert!(!sender.push(item(big(true))), "the second is not");
        receiver.next().await;
        assert!(
            !sender.push(item(big(false))),
            "there is room, but it depends on what was left out"
        );
        assert!(!sender.push(item(big(true))));
        receiver.next().await;
        let Some(MediaItem::Unit { unit, .. }) = receiver.next().await else {
            panic!("a unit")
        };
        assert!(unit.random_access && unit.discontinuity);
        assert_eq!(sender.dropped(), 3);
    }

    #[tokio::test]
    async fn the_queue_ends_when_its_writer_is_gone_and_it_is_empty() {
        let (sender, mut receiver) = queue(Tracks {
            video: false,
            audio: true,
        });
        sender.push(item(unit(0.0, true)));
        sender.push(MediaItem::Lost);
        drop(sender);
        assert!(
            matches!(receiver.next().await, Some(MediaItem::Lost)),
            "video was not wanted"
        );
        assert!(receiver.next().await.is_none());
    }
}
