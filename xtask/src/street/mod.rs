//! `cargo xtask street`: streets drawn in simple solid geometry, to learn from and to find trucks in.
//!
//! A seed decides everything: where the camera stands, the weather, who passes and when. Only the encoding of clips is left to
//! Debian's `ffmpeg`.

mod backdrop;
pub(crate) mod bodies;
pub(crate) mod clip;
mod dataset;
pub(crate) mod film;
mod mesh;
mod picture;
mod scene;
mod space;
mod traffic;
pub(crate) mod truth;
mod view;
pub(crate) mod weather;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Draw streets: pictures to train the demo's model with, or the demo's clip.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Dataset(dataset::Arguments),
    Clip(clip::Arguments),
}

/// Draws what was asked for.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.what {
        What::Dataset(arguments) => dataset::run(arguments),
        What::Clip(arguments) => clip::run(arguments),
    }
}
