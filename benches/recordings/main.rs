//! What takes the recorder longer than criterion has patience: `cargo xtask measure drain` and `measure thirty-days` run this
//! with the name of one of them, and read the line of JSON that it prints. The measures of playback let it make what they play.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "it measures real time, prints to people, and one line to `cargo xtask measure`"
)]

mod archive;
mod drain;
mod thirty_days;

use std::error::Error;

/// Anything that keeps it from being measured.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What follows a name on the command line. `cargo bench` adds arguments of its own.
fn argument(name: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != name).nth(1)
}

fn main() -> Result<()> {
    let part = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    match part.as_deref() {
        Some("archive") => archive::run(),
        Some("year") => archive::run_year(),
        Some("drain") => drain::run(),
        Some("thirty-days") => thirty_days::run(),
        _ => Err("which one: `archive`, `year`, `drain` or `thirty-days`?\nhint: `cargo xtask measure` runs them with all that they need".into()),
    }
}
