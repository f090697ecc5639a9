//! `mediagraph model`: for whoever brings a model: what it wants, what runs it, and how fast.

mod inspect;
mod run;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::failure::{Failure, Outcome};
use crate::inference::Models;
use crate::inference::backend::Backend;

/// Look into an ONNX model and try it out
#[derive(Debug, clap::Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ModelCommand {
    /// Say what goes into a model, what comes out, and what can run it
    Inspect(inspect::InspectArgs),
    /// Run a model on made-up numbers, and say how long that takes
    Run(run::RunArgs),
}

/// The model that a command is about.
#[derive(Debug, clap::Args)]
struct FileArgs {
    /// The model: an ONNX file
    file: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the model cannot be used.
pub async fn run(args: ModelArgs) -> Outcome {
    let work = move || match args.command {
        ModelCommand::Inspect(args) => inspect::run(&args),
        ModelCommand::Run(args) => run::run(&args),
    };
    tokio::task::spawn_blocking(work).await.map_err(Failure::failed)?
}

/// What runs models here; the environment says which library of ONNX Runtime is meant.
fn backends() -> Vec<Arc<dyn Backend>> {
    Models::default().backends()
}

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    crate::inference::read(path).map_err(|problem| wrong(path, &problem))
}

fn wrong(path: &Path, problem: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format!("the model `{}` {problem}", path.display()))
}
