//! What was seen while a segment was recorded goes into the segment, as a box behind its media.

use std::ops::Range;
use std::sync::Arc;

use super::AssetWriter;
use crate::media::{MediaTime, Ticks};
use crate::recording::RecordingError;
use crate::recording::cache::Room;
use crate::recording::detections::{Detection, Kept, Reader, Recent, coding};

/// What was seen in one segment may take this part of the budget: media must not go for it.
const SHARE: u64 = 16;

/// What is seen of the camera of a recording.
#[derive(Debug, Default)]
pub(super) struct Witness {
    reader: Option<Reader>,
    /// What was seen in the segment that is being sealed.
    sealing: Vec<Detection>,
}

impl Witness {
    pub(super) fn watch(&mut self, recent: Arc<Recent>) {
        self.reader = Some(Reader::new(recent));
    }

    /// What stands in the box of the segment that is being sealed.
    pub(super) fn sealing(&self) -> &[Detection] {
        &self.sealing
    }

    fn take(&mut self, segment: Range<MediaTime>, last: bool) -> Kept {
        let reader = self.reader.as_mut();
        reader.map_or_else(Kept::default, |reader| reader.take(segment, last))
    }
}

impl AssetWriter {
    /// Puts what was seen into the open segment, which is about to be sealed. Whatever goes wrong costs this and no media.
    pub(super) fn witness(&mut self, last: bool) {
        let Some(open) = &self.open else { return };
        let start = open.name.start;
        let length = i64::try_from(open.video().ticks).unwrap_or(i64::MAX);
        let kept = self.witness.take(start..start.offset(Ticks(length)), last);
        self.witness.sealing.clear();
        if kept.left_out > 0 {
            let (asset, left_out) = (&self.spec.name, kept.left_out);
            tracing::warn!(asset, left_out, "More was seen than is kept with a segment");
        }
        let kept_there = self.keep(start, &kept);
        match (kept_there, &mut self.open) {
            (Ok(Some(seen)), Some(open)) => {
                open.set_seen(seen);
                self.witness.sealing = kept.detections;
            }
            (Ok(_), _) => {}
            (Err(error), _) => {
                let asset = &self.spec.name;
                tracing::warn!(asset, %error, "What was seen is not kept with a segment: it cannot be searched");
            }
        }
    }

    /// The box of a segment, for which there is room now; none when there is nothing to keep, or no room.
    fn keep(&mut self, start: MediaTime, kept: &Kept) -> Result<Option<Vec<u8>>, RecordingError> {
        let Some(seen) = coding::encode(start, kept).map_err(RecordingError::media(&self.dir))? else {
            return Ok(None);
        };
        let bytes = seen.len() as u64;
        let fits = self.spec.budget.is_none_or(|budget| bytes <= budget / SHARE);
        if fits && self.reserve(bytes)? == Room::Made {
            return Ok(Some(seen));
        }
        let asset = &self.spec.name;
        tracing::warn!(
            asset,
            "The cache has no room for what was seen: it cannot be searched"
        );
        Ok(None)
    }
}
