//! What a host does before its graphs run: it finishes the recordings that a crash has cut off.

use std::sync::Arc;

use crate::recording::asset;
use crate::recording::storage::{Disk, Storage};
use crate::state::StateDir;

/// Seals what was cut off and lists it in the playlists; says so in the log. Blocks.
pub fn finish_interrupted(state: &StateDir) {
    let storage: Arc<dyn Storage> = Arc::new(Disk);
    let swept = match asset::sweep(&state.assets(), state.host_id(), &storage) {
        Ok(swept) => swept,
        Err(error) => return tracing::warn!(%error, "Recordings that were cut off cannot be looked for"),
    };
    for asset::Swept { name, result } in swept {
        match result {
            Ok(_) => tracing::info!(asset = name, "A recording that was cut off is finished"),
            Err(error) => {
                tracing::warn!(asset = name, %error, "A recording that was cut off cannot be finished")
            }
        }
    }
}
