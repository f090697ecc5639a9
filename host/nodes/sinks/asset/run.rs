//! The asset sink at work: names assets and opens them in the cache.

use std::path::PathBuf;
use std::sync::Arc;

use super::Wording;
use crate::media::{Clock, MediaTime, Ticks};
use crate::nodes::sinks::recorder::Opener;
use crate::recording::{AssetSpec, AssetWriter, Cache, Recorder, RecordingError, RecordingEvent};
use crate::topology::Pattern;

/// Names that are tried for one recording when others write under the first.
const MAX_SUFFIX: u32 = 99;

/// Opens assets.
#[derive(Debug)]
pub struct AssetOpener {
    /// Makes the name, of the host's time when the recording opens.
    pub pattern: Pattern,
    /// The cache of the host.
    pub cache: Arc<Cache>,
    /// The store that the assets belong to.
    pub store: String,
    /// `INSTANCE/NODE`.
    pub owner: String,
    /// The sink's folder in the cache.
    pub folder: PathBuf,
    /// How many bytes may stand there.
    pub budget: Option<u64>,
    /// How long a segment is.
    pub segment_length: Ticks,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// What events call it.
    pub wording: Wording,
}

impl AssetOpener {
    fn open_as(&self, name: String) -> Result<AssetWriter, RecordingError> {
        let writer = self.cache.open_asset(AssetSpec {
            store: self.store.clone(),
            name,
            owner: self.owner.clone(),
            folder: self.folder.clone(),
            budget: self.budget,
            segment_length: self.segment_length,
        })?;
        let opened = RecordingEvent::Opened {
            store: self.store.clone(),
            asset: writer.name().to_owned(),
            output_type: self.output_type(),
        };
        self.cache.listener().tell(&self.owner, &opened);
        Ok(writer)
    }
}

impl Opener for AssetOpener {
    fn open(&self, _start: MediaTime) -> Result<Box<dyn Recorder>, RecordingError> {
        let name = self.pattern.render(self.clock.wall());
        let mut last = match self.open_as(name.clone()) {
            Err(locked @ RecordingError::Locked { .. }) => locked,
            opened => return opened.map(|writer| Box::new(writer) as Box<dyn Recorder>),
        };
        // An asset has one writer. Two recordings that begin in the same second may want the same name.
        for suffix in 2..=MAX_SUFFIX {
            let other = format!("{name}-{suffix}");
            match self.open_as(other.clone()) {
                Err(locked @ RecordingError::Locked { .. }) => last = locked,
                opened => {
                    tracing::warn!(
                        wanted = name,
                        used = other,
                        "Another recording has this asset; this one gets a name of its own"
                    );
                    return opened.map(|writer| Box::new(writer) as Box<dyn Recorder>);
                }
            }
        }
        Err(last)
    }

    fn keeps_detections(&self) -> bool {
        true
    }

    fn segment_length(&self) -> Option<Ticks> {
        Some(self.segment_length)
    }

    fn output_type(&self) -> &'static str {
        match self.wording {
            Wording::Asset => "assetName",
            Wording::Video { .. } => "videoName",
        }
    }
}
