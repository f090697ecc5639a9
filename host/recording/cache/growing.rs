//! What of the open segments can be read already: for whoever plays what is being recorded.
//!
//! Invariant: what is listed here stands on the disk, in the side files of the open segment, or in the sealed file of its name,
//! which has the same video first and the same audio behind it.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::{AssetSpec, Cache};
use crate::media::{MediaTime, TrackKind};
use crate::recording::asset::name::SegmentName;
use crate::recording::detections::{Detection, Recent};
use crate::recording::index::{EpochId, FragmentEntry};

/// A segment that is being written, or sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growing {
    /// What its file will be called, without ending.
    pub name: SegmentName,
    /// Its epoch.
    pub epoch: EpochId,
    /// The folder of the cache that it is in.
    pub folder: PathBuf,
    /// Whole fragments of video, in order.
    pub video: Vec<FragmentEntry>,
    /// Whole fragments of audio, in order.
    pub audio: Vec<FragmentEntry>,
}

impl Cache {
    /// What of an asset is being written; none when nobody writes it, or nothing of the open segment stands on the disk yet.
    /// Ask for this before the index: what is sealed meanwhile is then in one of the two at least.
    #[must_use]
    pub fn growing(&self, store: &str, asset: &str) -> Option<Growing> {
        let state = self.state();
        let writing = state.open.get(&(store.to_owned(), asset.to_owned()))?;
        writing.growing.clone()
    }

    /// What was seen within a range of late by whoever watches the camera of an asset that is being written. What is sealed has it, too.
    #[must_use]
    pub fn seen_of_late(&self, store: &str, asset: &str, range: &Range<MediaTime>) -> Vec<Detection> {
        let recent = {
            let state = self.state();
            let writing = state.open.get(&(store.to_owned(), asset.to_owned()));
            writing.and_then(|writing| writing.recent.clone())
        };
        recent.map_or_else(Vec::new, |recent| recent.within(range))
    }

    /// What is seen of the camera of an asset stands here while it is written.
    pub(in crate::recording) fn watched(&self, spec: &AssetSpec, recent: Arc<Recent>) {
        if let Some(writing) = self.state().open.get_mut(&spec.key()) {
            writing.recent = Some(recent);
        }
    }

    /// A fragment of the open segment stands on the disk.
    pub(in crate::recording) fn grew(
        &self,
        spec: &AssetSpec,
        epoch: EpochId,
        name: &SegmentName,
        fragment: FragmentEntry,
    ) {
        let mut state = self.state();
        let Some(writing) = state.open.get_mut(&spec.key()) else {
            return;
        };
        if writing
            .growing
            .as_ref()
            .is_none_or(|growing| growing.name != *name)
        {
            writing.growing = Some(Growing {
                name: name.clone(),
                epoch,
                folder: writing.folder.clone(),
                video: Vec::new(),
                audio: Vec::new(),
            });
        }
        if let Some(growing) = &mut writing.growing {
            match fragment.kind {
                TrackKind::Video => growing.video.push(fragment),
                TrackKind::Audio => growing.audio.push(fragment),
            }
        }
    }

    /// The open segment is in the index, or nothing of it is left.
    pub(in crate::recording) fn grown(&self, spec: &AssetSpec) {
        if let Some(writing) = self.state().open.get_mut(&spec.key()) {
            writing.growing = None;
        }
    }
}
