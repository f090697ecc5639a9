//! The command line: one file per command.

pub mod asset;
pub mod audit;
pub mod backup;
pub mod camera;
pub mod check;
pub mod client;
pub mod completions;
pub mod config;
pub mod convert;
pub mod coverage;
pub mod doctor;
pub mod events;
pub mod explain;
pub mod extension;
pub mod failure;
pub mod find;
pub mod graph;
pub mod health;
pub mod hub;
pub mod instance;
pub mod json;
pub mod list;
pub mod load;
pub mod log_level;
pub mod logging;
pub mod model;
pub mod ops;
pub mod pages;
pub mod playback;
pub mod print;
pub mod probe;
pub mod progress;
pub mod reference;
pub mod replay;
pub mod run;
pub mod serve;
pub mod signals;
mod site;
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

// Deferred: each command is made when it is asked for, since all of them would take 300 kB of a process that runs for years.
// What the overview says of a command stands here, therefore, and again where it is made; a test compares them.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Command {
    /// Run one graph in the foreground
    Run(run::RunArgs),
    /// Run one graph on recorded media, as fast as the machine can, and always with the same result
    Replay(replay::ReplayArgs),
    /// Run the host: topologies and instances that are set over HTTP, and survive a restart
    Serve(serve::ServeArgs),
    /// Check topologies and report all mistakes at once
    Validate(validate::ValidateArgs),
    /// Draw a topology as a Mermaid or Graphviz graph
    Graph(graph::GraphArgs),
    /// Change a topology from one kind of node to another
    Convert(convert::ConvertArgs),
    /// List what this host knows
    List(list::ListArgs),
    /// Serve recorded files as an RTSP camera that never ends
    Camera(camera::CameraArgs),
    /// Say whether recordings are sound, and whether the index of a stopped host and its files agree
    Check(check::CheckArgs),
    /// Say how much of the time was recorded, by camera and day, and why the rest is missing
    Coverage(coverage::CoverageArgs),
    /// Find what detectors saw while it was recorded
    Find(find::FindArgs),
    /// List what a running host has recorded, save any portion of it as a file, and make links for players
    Playback(playback::PlaybackArgs),
    /// List, hold, release and delete recordings
    Asset(asset::AssetArgs),
    /// Say who looked at recordings, saved, deleted, held and released them
    Audit(audit::AuditArgs),
    /// Look whether this host can be trusted to record, and for how many days there is room
    Doctor(doctor::DoctorArgs),
    /// Write, check and show the configuration of a host
    Config(config::ConfigArgs),
    /// Back up topologies, instances, events and components of a host, while it runs
    Backup(backup::BackupArgs),
    /// Put a backup into a state directory
    Restore(backup::RestoreArgs),
    /// Keep topologies on a running host
    Topology(topology::TopologyArgs),
    /// Keep graph instances on a running host: a topology and the values for one camera
    Instance(instance::InstanceArgs),
    /// Replay a file of operations, as the console app of Live Video Analytics did
    Ops(ops::OpsArgs),
    /// Print the events of a running host, one JSON object a line
    Events(events::EventsArgs),
    /// Say why there is, or is no, clip of a moment
    Explain(explain::ExplainArgs),
    /// Write, look into, try and install components: detectors, gates and processors
    Extension(extension::ExtensionArgs),
    /// Look into an ONNX model and try it out
    Model(model::ModelArgs),
    /// Send messages to running graphs, as a hub would
    Hub(hub::HubArgs),
    /// Say how a running host is, or one of its instances
    Health(health::HealthArgs),
    /// List what is wrong on a running host right now
    Alarms(health::AlarmsArgs),
    /// Change what a running host logs
    Log(log_level::LogArgs),
    /// Print a script with which a shell completes mediagraph's commands and flags
    Completions(completions::CompletionsArgs),
    /// Find out what is wrong with a camera
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
        Command::Replay(args) => in_runtime(|| replay::run(args)),
        Command::Serve(args) => in_runtime(|| serve::run(args, logs)),
        Command::Validate(args) => validate::run(args),
        Command::Graph(args) => graph::run(args),
        Command::Convert(args) => convert::run(args),
        Command::List(args) => list::run(args, Cli::command()),
        Command::Camera(args) => in_runtime(|| async { camera::run(args, signals::stop()?).await }),
        Command::Check(args) => in_runtime(|| async { check::run(args, signals::stop()?).await }),
        Command::Coverage(args) => in_runtime(|| coverage::run(args)),
        Command::Find(args) => in_runtime(|| find::run(args)),
        Command::Playback(args) => in_runtime(|| playback::run(args)),
        Command::Asset(args) => in_runtime(|| asset::run(args)),
        Command::Audit(args) => in_runtime(|| audit::run(args)),
        Command::Doctor(args) => in_runtime(|| doctor::run(args)),
        Command::Config(args) => config::run(args),
        Command::Backup(args) => backup::backup(args),
        Command::Restore(args) => backup::restore(args),
        Command::Topology(args) => in_runtime(|| topology::run(args)),
        Command::Instance(args) => in_runtime(|| instance::run(args)),
        Command::Ops(args) => in_runtime(|| ops::run(args)),
        Command::Events(args) => in_runtime(|| events::run(args)),
        Command::Explain(args) => in_runtime(|| explain::run(args)),
        Command::Extension(args) => in_runtime(|| extension::run(args)),
        Command::Model(args) => in_runtime(|| model::run(args)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overview_says_of_each_command_what_the_command_says_of_itself() {
        let overview = Cli::command();
        let mut made = Cli::command();
        made.build();
        let mut compared = 0;
        for command in overview.get_subcommands() {
            let own = made.find_subcommand(command.get_name()).unwrap();
            assert_eq!(
                command.get_about().map(ToString::to_string),
                own.get_about().map(ToString::to_string),
                "{}",
                command.get_name()
            );
            assert!(own.get_arguments().count() > 0, "{} was made", command.get_name());
            compared += 1;
        }
        assert!(compared > 20, "{compared}");
    }
}
