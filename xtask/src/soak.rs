//! `cargo xtask soak`: what must hold for long. Not part of `cargo xtask test`: it takes as long as it is told to.

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::project;

/// Run something for long, and see whether it stays as it was.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What to run.
    #[arg(value_enum)]
    what: What,
    /// How long.
    #[arg(long, default_value_t = 60)]
    minutes: u32,
}

/// What can be run for long.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// Four components at 25 frames a second that trap at random, beside a recording.
    Extensions,
}

/// Runs it to its end.
///
/// # Errors
/// When something did not hold.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    project::ensure_component_target()?;
    let What::Extensions = arguments.what;
    let status = project::cargo()
        .args(["bench", "--bench", "soak", "--", "--minutes"])
        .arg(arguments.minutes.to_string())
        .status()?;
    if !status.success() {
        bail!("something did not hold; it stands above");
    }
    Ok(())
}
