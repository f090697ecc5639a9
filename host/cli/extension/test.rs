//! `mediagraph extension test`: a component on a recorded clip.

use std::path::PathBuf;

use crate::cli::failure::{Failure, Outcome};

/// Run a component on a recorded clip and compare what it says with what it should say
#[derive(Debug, clap::Args)]
pub(super) struct TestArgs {
    /// The component
    file: PathBuf,
}

pub(super) async fn run(args: &TestArgs) -> Outcome {
    Err(Failure::failed(format!(
        "`{}` cannot be tested yet",
        args.file.display()
    )))
}
