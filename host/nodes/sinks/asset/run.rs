//! The asset sink at work: names and opens assets in the local store.

use std::path::PathBuf;
use std::sync::Arc;

use super::Wording;
use crate::media::{Clock, MediaTime, Ticks};
use crate::nodes::sinks::recorder::Opener;
use crate::recording::storage::Storage;
use crate::recording::{AssetOptions, AssetWriter, Recorder, RecordingError};
use crate::topology::Pattern;

/// Names that are tried for one recording when others write under the first.
const MAX_SUFFIX: u32 = 99;

/// Opens assets.
#[derive(Debug)]
pub struct AssetOpener {
    /// Makes the name, of the host's time when the recording opens.
    pub pattern: Pattern,
    /// The folder of all assets.
    pub root: PathBuf,
    /// Names this host.
    pub host: String,
    /// How long a segment is.
    pub segment_length: Ticks,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// The disk.
    pub storage: Arc<dyn Storage>,
    /// What events call it.
    pub wording: Wording,
}

impl AssetOpener {
    fn open_as(&self, name: String) -> Result<AssetWriter, RecordingError> {
        let options = AssetOptions {
            root: self.root.clone(),
            name,
            host: self.host.clone(),
            segment_length: self.segment_length,
        };
        AssetWriter::open(options, Arc::clone(&self.storage))
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
