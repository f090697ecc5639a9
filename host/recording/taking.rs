//! Taking media into the index that it does not know: after a crash, or of an earlier version.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::RecordingError;
use super::asset::name::{Epoch, SEGMENT, SegmentName};
use super::asset::scan::{self, Scanned};
use super::asset::segment::hash_file;
use super::index::{AssetId, EpochId, Index, NewSegment};
use crate::media::{MediaTime, Ticks, TrackKind};

/// A sealed segment as its file shows it.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) name: SegmentName,
    pub(super) epoch: EpochId,
    pub(super) scanned: Scanned,
    pub(super) bytes: u64,
    pub(super) sha256: [u8; 32],
}

impl Taken {
    /// As the index wants it.
    pub(super) fn row<'a>(&'a self, asset: AssetId, folder: &'a Path) -> NewSegment<'a> {
        NewSegment {
            asset,
            epoch: self.epoch,
            start: self.name.start,
            end: self.end(),
            bytes: self.bytes,
            video: self.scanned.video,
            audio: self.scanned.audio,
            fragments: &self.scanned.fragments,
            sha256: self.sha256,
            folder,
            detections: &self.scanned.detections,
        }
    }

    fn end(&self) -> MediaTime {
        let ticks = i64::try_from(self.scanned.video.ticks).unwrap_or(i64::MAX);
        self.name.start.offset(Ticks(ticks))
    }
}

/// Reads a sealed segment; `hashed` reads all of it, otherwise only the headers of its fragments.
///
/// # Errors
/// When it cannot be read or is broken.
pub(super) fn take(
    index: &Index,
    asset: AssetId,
    dir: &Path,
    name: SegmentName,
    hashed: bool,
) -> Result<Taken, RecordingError> {
    let path = dir.join(name.file(SEGMENT));
    let tracks = scan::tracks(dir, &name.epoch)?;
    let scanned = scan::inspect(&path, &tracks)?;
    let (_, bytes) = scan::open(&path)?;
    let sha256 = if hashed {
        let mut hash = Sha256::new();
        hash_file(&path, u64::MAX, &mut hash)?;
        hash.finalize().into()
    } else {
        [0; 32]
    };
    let epoch = epoch(index, asset, dir, &name.epoch, name.start)?;
    Ok(Taken {
        name,
        epoch,
        scanned,
        bytes,
        sha256,
    })
}

/// The row of an epoch, with the init segments that stand in the folder.
fn epoch(
    index: &Index,
    asset: AssetId,
    dir: &Path,
    epoch: &Epoch,
    first: MediaTime,
) -> Result<EpochId, RecordingError> {
    // One that is new to the index was opened when its media began, as far as can be told.
    let id = index.begin_epoch(asset, epoch, first.to_timestamp())?;
    let known = index.epoch(id)?;
    let lacking = |kind| {
        known.as_ref().is_none_or(|row| match kind {
            TrackKind::Video => row.video.is_none(),
            TrackKind::Audio => row.audio.is_none(),
        })
    };
    for kind in [TrackKind::Video, TrackKind::Audio] {
        let path = dir.join(epoch.init(kind));
        if lacking(kind) && path.exists() {
            let bytes = std::fs::read(&path).map_err(RecordingError::io("read", &path))?;
            index.set_init(id, kind, &bytes)?;
        }
    }
    Ok(id)
}
