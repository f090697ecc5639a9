//! `mediagraph doctor`: whether this host can be trusted to record.

use super::failure::Outcome;

/// Look whether this host can be trusted to record
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {}

/// Runs the command.
///
/// # Errors
/// None yet.
pub async fn run(_: DoctorArgs) -> Outcome {
    Ok(())
}
