//! What moves in the clip, as `yard.truth.json` says it.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// The clip's length and everything that moves in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Truth {
    /// Frames a second.
    pub(crate) fps: u32,
    /// Frames in all.
    pub(crate) frames: u32,
    /// Length.
    pub(crate) seconds: f64,
    /// In order, none overlapping.
    pub(crate) movements: Vec<Movement>,
}

/// One movement, in seconds of the clip.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Movement {
    /// First moment in which it is seen.
    pub(crate) start: f64,
    /// First moment in which it is no longer seen.
    pub(crate) end: f64,
    /// What a person would call it.
    pub(crate) what: String,
}

impl Truth {
    /// Reads the list.
    ///
    /// # Errors
    /// When it is missing or of another shape.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no list of movements", path.display()))
    }
}
