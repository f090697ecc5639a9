//! How much stands in the folder of a sink, and what goes to make room.
//!
//! Invariants: room is made before bytes are written, the oldest first by epoch opened and start; what this process counts is
//! at least what stands on the disk; what is held never goes, also when there is no room then for what is recorded.

use std::path::Path;

use super::Cache;
use crate::recording::RecordingError;
use crate::recording::index::{Dropped, GapReason};

/// Kept free of a budget for init segments, in bytes.
const SMALL_FILES: u64 = 64 << 10;

/// What stands below the folder of a sink, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    /// Sealed.
    cached: u64,
    /// Promised to open segments.
    open: u64,
}

/// Whether there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::recording) enum Room {
    /// There is.
    Made,
    /// There is not, for the budget is too small.
    TooSmall,
    /// There is not, for what is left in the folder of the sink is held.
    Held,
}

impl Cache {
    /// Begins to count for a sink.
    pub(super) fn count(&self, sink: &Path) -> Result<(), RecordingError> {
        // Before the lock: what is sealed or let go meanwhile is counted by nobody else, since nobody counts this sink yet.
        let cached = self.index().bytes_below(sink)?;
        let mut state = self.state();
        state
            .used
            .entry(sink.to_owned())
            .or_insert(Used { cached, open: 0 });
        Ok(())
    }

    pub(super) fn count_sealed(&self, folder: &Path, bytes: u64) {
        let mut state = self.state();
        if let Some(used) = folder.parent().and_then(|sink| state.used.get_mut(sink)) {
            used.cached = used.cached.saturating_add(bytes);
        }
    }

    /// The file of a segment is gone.
    pub(super) fn count_gone(&self, one: &Dropped) {
        let mut state = self.state();
        let sink = one.segment.folder.as_deref().and_then(Path::parent);
        if let Some(used) = sink.and_then(|sink| state.used.get_mut(sink)) {
            used.cached = used.cached.saturating_sub(one.segment.bytes);
        }
    }

    /// Promises a writer so many bytes, and makes room for them.
    pub(in crate::recording) fn reserve(
        &self,
        sink: &Path,
        bytes: u64,
        budget: u64,
    ) -> Result<Room, RecordingError> {
        loop {
            let fits = {
                let mut state = self.state();
                let used = state.used.entry(sink.to_owned()).or_default();
                let wanted = used.cached.saturating_add(used.open).saturating_add(bytes);
                let fits = wanted <= budget.saturating_sub(SMALL_FILES.min(budget / 16));
                if fits {
                    used.open = used.open.saturating_add(bytes);
                }
                fits
            };
            if fits {
                self.is_not_held_full(sink);
                return Ok(Room::Made);
            }
            if !self.drop_oldest(sink)? {
                return self.without_room(sink);
            }
        }
    }

    /// Nothing more can go from the folder of a sink.
    fn without_room(&self, sink: &Path) -> Result<Room, RecordingError> {
        // What nothing holds would have gone.
        if self.index().bytes_below(sink)? == 0 {
            return Ok(Room::TooSmall);
        }
        if self.state().held_full.insert(sink.to_owned()) {
            tracing::warn!(
                folder = %sink.display(),
                "What is held fills the cache: what is recorded now is lost until there is room"
            );
        }
        Ok(Room::Held)
    }

    /// There is room below the folder of a sink, or nobody records into it any more.
    pub(super) fn is_not_held_full(&self, sink: &Path) {
        self.state().held_full.remove(sink);
    }

    /// Whether what is held leaves no room for what is being recorded.
    #[must_use]
    pub fn is_held_full(&self) -> bool {
        !self.state().held_full.is_empty()
    }

    /// A writer needs so many of the bytes that it was promised no more.
    pub(in crate::recording) fn release(&self, sink: &Path, bytes: u64) {
        if let Some(used) = self.state().used.get_mut(sink) {
            used.open = used.open.saturating_sub(bytes);
        }
    }

    /// Drops the oldest segment that waits in the folder of a sink and that nothing holds; false when there is none.
    pub(in crate::recording) fn drop_oldest(&self, sink: &Path) -> Result<bool, RecordingError> {
        let Some(oldest) = self.index().below(sink, 1)?.into_iter().next() else {
            return Ok(false);
        };
        // Should it be held since, the next look finds another.
        self.drop_segments(&[oldest.id], GapReason::CacheFull)?;
        Ok(true)
    }
}
