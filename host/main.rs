//! The command line of mediagraph.

use std::process::ExitCode;

use clap::Parser;
use mediagraph::cli::camera::{self, CameraArgs};
use tokio_util::sync::CancellationToken;

#[derive(Debug, Parser)]
enum Command {
    Camera(CameraArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let Command::Camera(args) = Command::parse();
    let shutdown = CancellationToken::new();
    let run = camera::run(args, shutdown.clone());
    tokio::pin!(run);
    let outcome = tokio::select! {
        outcome = &mut run => outcome,
        _ = tokio::signal::ctrl_c() => { shutdown.cancel(); run.await }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tracing::error!(%failure, "camera failed");
            ExitCode::from(failure.code as u8)
        }
    }
}
