//! The chores of the project: `cargo xtask demo`, `cargo xtask test` and what stands behind them.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a tool of the project, not the host: it prints to people and measures real time"
)]

mod audit;
mod clip;
mod demo;
#[cfg(test)]
mod documents;
mod fuzz;
mod measure;
mod order;
mod process;
mod project;
mod soak;
mod street;
mod test;
mod time;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The chores of the project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    Demo(demo::Arguments),
    Test(test::Arguments),
    Audit(audit::Arguments),
    Measure(measure::Arguments),
    Fuzz(fuzz::Arguments),
    Soak(soak::Arguments),
    Street(street::Arguments),
    /// Draw the clip of the demo of motion anew (needs Debian's ffmpeg).
    Clip,
    /// Look which functions a recorder runs, so that they stand together in releases (needs Debian's valgrind).
    Order,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Demo(arguments) => demo::run(&arguments),
        Chore::Test(arguments) => test::run(&arguments),
        Chore::Audit(arguments) => audit::run(&arguments),
        Chore::Measure(arguments) => measure::run(&arguments),
        Chore::Fuzz(arguments) => fuzz::run(&arguments),
        Chore::Soak(arguments) => soak::run(&arguments),
        Chore::Street(arguments) => street::run(&arguments),
        Chore::Clip => clip::run(),
        Chore::Order => order::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
