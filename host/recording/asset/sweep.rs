//! After a crash: finishes the recordings that it cut off, whether or not anybody records into them again.

use std::path::Path;
use std::sync::Arc;

use super::name::{AUDIO_PART, VIDEO_PART};
use super::scan;
use super::{AssetOptions, AssetWriter};
use crate::media::Ticks;
use crate::recording::storage::Storage;
use crate::recording::{Notice, Recorder, RecordingError};

/// What became of an asset that a crash had cut off.
#[derive(Debug)]
pub struct Swept {
    /// The asset.
    pub name: String,
    /// What was finished in it, or why it could not be.
    pub result: Result<Vec<Notice>, RecordingError>,
}

/// Seals what crashes have left open in the assets below `root`, and lists it in their playlists. Assets that are
/// being written by somebody else are left alone.
///
/// # Errors
/// When `root` cannot be listed. Trouble with one asset does not keep the others from being finished.
pub fn sweep(root: &Path, host: &str, storage: &Arc<dyn Storage>) -> Result<Vec<Swept>, RecordingError> {
    let listed = |error| RecordingError::io("list", root)(error);
    let entries = match std::fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(listed(error)),
    };
    let mut swept = Vec::new();
    for entry in entries {
        let entry = entry.map_err(listed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Not through links: what they lead to is not ours.
        let folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !folder || !is_cut_off(&entry.path()) {
            continue;
        }
        match finish(root, &name, host, storage) {
            Err(RecordingError::Locked { .. }) => {}
            result => swept.push(Swept { name, result }),
        }
    }
    Ok(swept)
}

fn is_cut_off(asset: &Path) -> bool {
    let names = scan::list(asset).unwrap_or_default();
    names
        .iter()
        .any(|name| name.ends_with(VIDEO_PART) || name.ends_with(AUDIO_PART))
}

fn finish(
    root: &Path,
    name: &str,
    host: &str,
    storage: &Arc<dyn Storage>,
) -> Result<Vec<Notice>, RecordingError> {
    // Opening is what finishes it; nothing is written, so the length of a segment does not matter.
    let options = AssetOptions {
        root: root.to_owned(),
        name: name.to_owned(),
        host: host.to_owned(),
        segment_length: Ticks::from_secs(30),
    };
    AssetWriter::open(options, Arc::clone(storage))?.close()
}
