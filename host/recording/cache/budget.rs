//! How much stands in the folder of a sink, and what goes to make room.
//!
//! Invariants: room is made before bytes are written, the oldest first by epoch opened and start; what this process counts is
//! at least what stands on the disk.

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

    /// Promises a writer so many bytes, and makes room for them. False when the budget is too small for them.
    pub(in crate::recording) fn reserve(
        &self,
        sink: &Path,
        bytes: u64,
        budget: u64,
    ) -> Result<bool, RecordingError> {
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
                return Ok(true);
            }
            if !self.drop_oldest(sink)? {
                return Ok(false);
            }
        }
    }

    /// A writer needs so many of the bytes that it was promised no more.
    pub(in crate::recording) fn release(&self, sink: &Path, bytes: u64) {
        if let Some(used) = self.state().used.get_mut(sink) {
            used.open = used.open.saturating_sub(bytes);
        }
    }

    /// Drops the oldest segment that waits in the folder of a sink; false when there is none.
    pub(in crate::recording) fn drop_oldest(&self, sink: &Path) -> Result<bool, RecordingError> {
        let Some(oldest) = self.index().below(sink, 1)?.into_iter().next() else {
            return Ok(false);
        };
        self.drop_segments(&[oldest.id], GapReason::CacheFull)?;
        Ok(true)
    }
}
