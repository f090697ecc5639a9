//! The `mediagraph` program: parse, run, map the end to an exit code.

use std::process::ExitCode;

use clap::Parser;
use mediagraph::cli::{self, Cli};

fn main() -> ExitCode {
    // Usage errors end here, with exit code 2.
    match cli::run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            cli::print::stderr(&failure.render());
            ExitCode::from(failure.code as u8)
        }
    }
}
