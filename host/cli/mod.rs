//! The command line: one file per command.

pub mod backup;
pub mod camera;
pub mod check;
pub mod client;
pub mod completions;
pub mod config;
pub mod coverage;
pub mod doctor;
pub mod events;
pub mod explain;
pub mod failure;
pub mod graph;
pub mod health;
pub mod hub;
pub mod instance;
pub mod json;
pub mod list;
pub mod load;
pub mod log_level;
pub mod logging;
pub mod ops;
pub mod pages;
pub mod print;
pub mod probe;
pub mod progress;
pub mod reference;
pub mod run;
pub mod serve;
pub mod signals;
pub mod table;
pub mod topology;
pub mod validate;

use std::future::Future;

use clap::{CommandFactory as _, Parser, Subcommand};

pub use failure::{Failure, Outcome};

/// Media graphs at the edge: RTSP in, WebAssembly detectors and gates inside, recordings out
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    logging: logging::LoggingArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    Serve(serve::ServeArgs),
    Validate(validate::ValidateArgs),
    Graph(graph::GraphArgs),
    List(list::ListArgs),
    Camera(camera::CameraArgs),
    Check(check::CheckArgs),
    Coverage(coverage::CoverageArgs),
    Doctor(doctor::DoctorArgs),
    Config(config::ConfigArgs),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
    Topology(topology::TopologyArgs),
    Instance(instance::InstanceArgs),
    Ops(ops::OpsArgs),
    Events(events::EventsArgs),
    Explain(explain::ExplainArgs),
    Hub(hub::HubArgs),
    Health(health::HealthArgs),
    Alarms(health::AlarmsArgs),
    Log(log_level::LogArgs),
    Completions(completions::CompletionsArgs),
    Probe(probe::ProbeArgs),
}

/// Runs a command to its end.
///
/// # Errors
/// What the command came to, if not success.
pub fn run(cli: Cli) -> Outcome {
    // Before everything else, so the configuration is asked for this alone; what is wrong with it is told below.
    let configured = match &cli.command {
        Command::Serve(args) => args.log_format(),
        _ => None,
    };
    let logs = logging::start(&cli.logging, configured);
    match cli.command {
        Command::Run(args) => in_runtime(|| run::run(args)),
        Command::Serve(args) => in_runtime(|| serve::run(args, logs)),
        Command::Validate(args) => validate::run(args),
        Command::Graph(args) => graph::run(args),
        Command::List(args) => list::run(args, Cli::command()),
        Command::Camera(args) => in_runtime(|| async { camera::run(args, signals::stop()?).await }),
        Command::Check(args) => in_runtime(|| async { check::run(args, signals::stop()?).await }),
        Command::Coverage(args) => in_runtime(|| coverage::run(args)),
        Command::Doctor(args) => in_runtime(|| doctor::run(args)),
        Command::Config(args) => config::run(args),
        Command::Backup(args) => backup::backup(args),
        Command::Restore(args) => backup::restore(args),
        Command::Topology(args) => in_runtime(|| topology::run(args)),
        Command::Instance(args) => in_runtime(|| instance::run(args)),
        Command::Ops(args) => in_runtime(|| ops::run(args)),
        Command::Events(args) => in_runtime(|| events::run(args)),
        Command::Explain(args) => in_runtime(|| explain::run(args)),
        Command::Hub(args) => in_runtime(|| hub::run(args)),
        Command::Health(args) => in_runtime(|| health::health(args)),
        Command::Alarms(args) => in_runtime(|| health::alarms(args)),
        Command::Log(args) => in_runtime(|| log_level::run(args)),
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Probe(args) => in_runtime(|| async { probe::run(args, signals::stop()?).await }),
    }
}

/// Threads that wait for the network and hand media on, which takes a few thousandths of a core per camera. Each more
/// costs a megabyte and wakes the others for work that is not there. What computes or writes to a disk has threads of
/// its own (`nodes::analysis`, `spawn_blocking`).
const NETWORK_THREADS: usize = 1;

/// Runs a command that waits for things.
fn in_runtime<F: Future<Output = Outcome>>(command: impl FnOnce() -> F) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(NETWORK_THREADS)
        .enable_all()
        .thread_name("mediagraph")
        .build()
        .map_err(|error| Failure::failed(format!("no threads can be started: {error}")))?;
    runtime.block_on(async { command().await })
}
