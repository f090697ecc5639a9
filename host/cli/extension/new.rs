//! `mediagraph extension new`: a folder with a component in it.

use crate::cli::failure::{Failure, Outcome};

/// Write a new component: a folder that builds, with a test that passes
#[derive(Debug, clap::Args)]
pub(super) struct NewArgs {
    /// What the component is called: lower-case letters, digits and `-`; also the name of the folder
    name: String,
}

pub(super) fn run(args: &NewArgs) -> Outcome {
    Err(Failure::failed(format!("`{}` cannot be made yet", args.name)))
}
