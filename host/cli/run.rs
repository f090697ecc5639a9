//! `mediagraph run`: one graph in the foreground.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;

use super::load::{self, LoadError, ParameterArgs};
use super::{Failure, Outcome, config, print, signals};
use crate::config::HostConfig;
use crate::config::policy::HostPolicy;
use crate::events::lines::{JsonLines, LinesWriter};
use crate::extension::{EngineOptions, LazyEngine};
use crate::graph::components::Installed;
use crate::graph::instance::{DRAIN_TIMEOUT, InstanceError};
use crate::graph::{Environment, Instance, Plan, Recordings, Runtime, prepare};
use crate::inference::Models;
use crate::media::{Clock, SystemClock};
use crate::nodes::analysis::AnalysisPool;
use crate::nodes::context::NodeStatus;
use crate::nodes::{Graph, TABLE};
use crate::state::StateDir;
use crate::topology::{Secrets, resolve};

/// Run one graph in the foreground
///
/// Events are printed as JSON lines on standard output, everything else goes to standard error. Ctrl-C lets the graph
/// drain and ends; a second Ctrl-C quits.
///
/// Exit codes: 0 after Ctrl-C, 1 when it failed, 2 for a wrong command line, 78 for a topology that cannot run.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The topology, or the folder of its `topology.json`
    topology: PathBuf,
    #[command(flatten)]
    parameters: ParameterArgs,
    /// The name of this graph: `${System.GraphInstanceName}`, and the subject of its events
    #[arg(long, value_name = "NAME", default_value = "run")]
    instance: String,
    /// Where recordings and everything else is kept
    #[arg(long, value_name = "DIR", default_value = "mediagraph-state")]
    state_dir: PathBuf,
    /// The configuration of the host: where paths lead, what graphs may do, secrets by name. Without it, the environment variable
    /// `MEDIAGRAPH_CONFIG`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs until a signal.
pub async fn run(args: RunArgs) -> Outcome {
    let stop = signals::stop()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let config = config::load(args.config.as_deref())?;
    let graph = resolved(&args, &config)?;
    let state = StateDir::open(&args.state_dir).map_err(Failure::failed)?;
    let state = Arc::new(state.with_paths(config.paths.path_map()));
    let (runtime, lines, writer) = runtime(clock, &config)?;
    let recordings = recordings(&config, &state, &runtime).await?;
    let plan = plan(&graph, &args, &config, Arc::clone(&state), &recordings, &runtime).await?;
    let started = tokio::select! {
        () = stop.cancelled() => None,
        started = Instance::start(plan, &runtime) => Some(started),
    };
    let ended = match started {
        None => Ok(()),
        Some(Err(error)) => Err(failure(&error)),
        Some(Ok(instance)) => {
            tracing::info!(topology = graph.topology, instance = graph.instance, state = %state.path().display(), "The graph runs");
            stop.cancelled().await;
            finish(instance).await
        }
    };
    recordings.shutdown(DRAIN_TIMEOUT).await;
    if lines.lost() > 0 {
        tracing::warn!(
            events = lines.lost(),
            "Events were left out because nobody read them fast enough"
        );
    }
    drop((runtime, lines, recordings));
    if !writer.finish() {
        tracing::warn!("Nobody reads the events on standard output: the last ones are lost");
    }
    ended
}

fn resolved(args: &RunArgs, config: &HostConfig) -> Result<Graph, Failure> {
    let doc = load::topology(&args.topology).map_err(|error| error.into_failure(&args.topology))?;
    let bindings = args.parameters.bindings()?;
    let bindings = bindings.with_secrets(Secrets::new(config.secrets.clone()));
    let graph = resolve(&doc, &bindings, &args.instance, TABLE)
        .map_err(|diagnostics| LoadError::Invalid(diagnostics).into_failure(&args.topology))?;
    let file = args.topology.display().to_string();
    print::stderr(&graph.warnings.render(Some(&file)));
    config::permit(&graph, config)?;
    Ok(graph)
}

/// Puts the cache in order, which takes a while after a crash.
async fn recordings(
    config: &HostConfig,
    state: &Arc<StateDir>,
    runtime: &Runtime,
) -> Result<Arc<Recordings>, Failure> {
    let (state, clock, events) = (
        Arc::clone(state),
        Arc::clone(&runtime.clock),
        Arc::clone(&runtime.events),
    );
    let options = config::recordings(config);
    let opening = move || Recordings::open_with_events(&state, options, clock, events);
    let opened = tokio::task::spawn_blocking(opening).await;
    opened.map_err(Failure::failed)?.map_err(Failure::failed)
}

/// Loads everything that the graph needs; compiles components, so not on a thread that others wait for.
async fn plan(
    graph: &Graph,
    args: &RunArgs,
    config: &HostConfig,
    state: Arc<StateDir>,
    recordings: &Arc<Recordings>,
    runtime: &Runtime,
) -> Result<Plan, Failure> {
    let folder = folder(&args.topology);
    let options = EngineOptions {
        cache_dir: Some(state.components()),
        ..EngineOptions::default()
    };
    options
        .memory
        .set(config.policy.max_guest_memory_mib.map(u64::from));
    let installed = Arc::new(Installed::open(&state).map_err(Failure::failed)?);
    let models = Arc::new(Models::new(config.models.clone(), Arc::clone(&runtime.clock)));
    let (graph, folder) = (graph.clone(), folder.to_owned());
    let (recordings, clock) = (Arc::clone(recordings), Arc::clone(&runtime.clock));
    let loading = tokio::task::spawn_blocking(move || {
        let environment = Environment {
            state,
            recordings: Some(recordings),
            engine: LazyEngine::new(options),
            installed,
            models,
            clock,
            folder,
        };
        prepare(&graph, &environment).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure::bad_topology(lines.join("\n"))
        })
    });
    loading.await.map_err(Failure::failed)?
}

/// The folder of a topology, or of the file that is named.
pub(super) fn folder(topology: &Path) -> &Path {
    if topology.is_dir() {
        return topology;
    }
    topology
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn runtime(
    clock: Arc<dyn Clock>,
    config: &HostConfig,
) -> Result<(Runtime, Arc<JsonLines>, LinesWriter), Failure> {
    let (lines, writer) = JsonLines::new(std::io::stdout()).map_err(Failure::failed)?;
    let lines = Arc::new(lines);
    let cores = available_parallelism().map_or(1, std::num::NonZero::get);
    let pool = AnalysisPool::new(Arc::clone(&clock), cores);
    Ok((
        Runtime {
            clock,
            events: Arc::clone(&lines) as _,
            pool,
            hub: Arc::default(),
            reach: Arc::new(HostPolicy::new(config.policy.clone())),
        },
        lines,
        writer,
    ))
}

async fn finish(instance: Instance) -> Outcome {
    tracing::info!("Stopping: the graph drains; Ctrl-C again quits at once");
    let nodes = instance.watch();
    let ended = instance.stop().await;
    for NodeStatus {
        node,
        received,
        sent,
        dropped,
        errors,
        ..
    } in nodes.status()
    {
        tracing::info!(node, received, sent, dropped, errors, "Totals");
    }
    ended.map_err(|error| failure(&error))
}

/// How a command fails when its graph does.
pub(super) fn failure(error: &InstanceError) -> Failure {
    match error {
        InstanceError::Component { .. } | InstanceError::Input { .. } => Failure::bad_topology(error),
        InstanceError::Drain => Failure::failed(error),
    }
}
