//! What a segment is put from: its file, or its bytes when the store sends them; the next is read while one is sent.

use std::path::PathBuf;

use tokio::task::JoinHandle;

use crate::recording::asset::name::SEGMENT;
use crate::recording::blocking::finished;
use crate::recording::index::{SegmentId, SegmentRow};
use crate::recording::store::{Content, StoreError, StoreErrorKind};

/// Larger segments are not read ahead, so that memory is bounded by twice of it.
const MAX_AHEAD: u64 = 256 << 20;

/// At most one segment, which is being read or has been.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    reading: Option<(SegmentId, JoinHandle<Result<Content, StoreError>>)>,
}

impl Ahead {
    /// Begins to read a segment that is needed next.
    pub(super) fn begin(&mut self, segment: &SegmentRow) {
        let begun = self.reading.as_ref().is_some_and(|(id, _)| *id == segment.id);
        if begun || segment.bytes > MAX_AHEAD {
            return;
        }
        let segment = segment.clone();
        self.reading = Some((segment.id, tokio::task::spawn_blocking(move || read(&segment))));
    }

    /// The bytes of a segment, which may have been read before.
    pub(super) async fn take(&mut self, segment: &SegmentRow) -> Result<Content, StoreError> {
        let reading = match self.reading.take() {
            Some((id, reading)) if id == segment.id => reading,
            _ => {
                let segment = segment.clone();
                tokio::task::spawn_blocking(move || read(&segment))
            }
        };
        let failed = |error| StoreError::new(StoreErrorKind::Source, format!("reading failed: {error}"));
        finished(reading).await.unwrap_or_else(|error| Err(failed(error)))
    }
}

/// The file of a segment, for a store that takes files.
pub(super) fn file(segment: &SegmentRow) -> Result<Content, StoreError> {
    Ok(Content::File {
        path: path(segment)?,
        bytes: segment.bytes,
        sha256: segment.sha256,
    })
}

fn path(segment: &SegmentRow) -> Result<PathBuf, StoreError> {
    let folder = segment.folder.as_deref().ok_or_else(|| {
        let message = format!("the segment `{}` is not in the cache", segment.name);
        StoreError::new(StoreErrorKind::Source, message)
    })?;
    Ok(folder.join(segment.name.file(SEGMENT)))
}

fn read(segment: &SegmentRow) -> Result<Content, StoreError> {
    let path = path(segment)?;
    let source = |message: String| StoreError::new(StoreErrorKind::Source, message);
    let bytes = std::fs::read(&path)
        .map_err(|error| source(format!("cannot read `{}` of the cache: {error}", path.display())))?;
    if bytes.len() as u64 != segment.bytes {
        return Err(source(format!(
            "`{}` of the cache has {} bytes and not {}\nhint: `mediagraph check` says what is damaged, and repairs it",
            path.display(),
            bytes.len(),
            segment.bytes
        )));
    }
    Ok(Content::Read {
        bytes: bytes.into(),
        sha256: segment.sha256,
    })
}
