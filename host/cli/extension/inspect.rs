//! `mediagraph extension inspect`: what a component is.

use std::path::PathBuf;

use crate::cli::failure::{Failure, Outcome};

/// Say what a component is, what it may reach, and what it wants
#[derive(Debug, clap::Args)]
pub(super) struct InspectArgs {
    /// The component
    file: PathBuf,
}

pub(super) async fn run(args: &InspectArgs) -> Outcome {
    Err(Failure::failed(format!(
        "`{}` cannot be shown yet",
        args.file.display()
    )))
}
