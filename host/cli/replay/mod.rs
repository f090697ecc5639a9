//! `mediagraph replay`: one graph on recorded media.

mod inputs;
mod placeholders;

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::inputs::Mistakes;
use super::failure::Code;
use super::load::{self, LoadError, ParameterArgs};
use super::progress::Progress;
use super::run::{failure, folder};
use super::{Failure, Outcome, config, print, signals};
use crate::config::HostConfig;
use crate::config::policy::HostPolicy;
use crate::events::OrderedEvents;
use crate::extension::{EngineOptions, LazyEngine};
use crate::graph::components::Installed;
use crate::graph::instance::DRAIN_TIMEOUT;
use crate::graph::replay::Replay;
use crate::graph::{Environment, Plan, Recordings, RecordingsOptions, Runtime, prepare};
use crate::inference::Models;
use crate::media::{Clock, ReplayClock, SystemClock};
use crate::nodes::analysis::AnalysisPool;
use crate::nodes::context::NodeStatus;
use crate::nodes::sources::replay::{PlayError, Totals};
use crate::nodes::{Graph, TABLE};
use crate::recording::listener::Deaf;
use crate::state::StateDir;
use crate::topology::{Secrets, TopologyDoc, resolve};

/// When a clip begins, unless it is said.
const CLIP_START: &str = "2000-01-01T00:00:00Z";

/// Run one graph on recorded media, as fast as the machine can, and always with the same result
///
/// Each camera of the topology is given a recording. Events are printed as JSON lines on standard output, with media times and
/// the same bytes in every replay; everything else goes to standard error. Sinks write nothing, but say what they would
/// record, unless there is `--record`. Parameters that only say where a camera is need no value.
///
/// A CLIP is an MP4 or Matroska file, the folder of an asset, or the name of an asset in the state directory. Assets bring
/// the times and the holes with which they were recorded. Several recordings are brought together by their times.
///
/// Exit codes: 0 at the end or after Ctrl-C, 1 when it failed, 2 for a wrong command line, 78 for a topology that cannot run.
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// The topology, or the folder of its `topology.json`
    topology: PathBuf,
    /// What a camera shows: its name in the topology, and its recording; once for each camera
    #[arg(long, value_name = "SOURCE=CLIP", required = true)]
    input: Vec<String>,
    #[command(flatten)]
    parameters: ParameterArgs,
    /// The moment of the first picture of clips, such as `2026-11-21T14:00:00Z`; assets have their own times
    #[arg(long, value_name = "TIME", default_value = CLIP_START)]
    start: Timestamp,
    /// Messages from outside: JSON lines with `time`, `input` and `properties`; without, none come
    #[arg(long, value_name = "FILE")]
    messages: Option<PathBuf>,
    /// Record into this directory, which is laid out as a state directory
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// The name of this graph: `${System.GraphInstanceName}`, and the subject of its events; components draw the random
    /// numbers that they drew in an instance of this name
    #[arg(long, value_name = "NAME", default_value = "replay")]
    instance: String,
    /// Where assets and installed components are looked for by name; only read, also beside a running host
    #[arg(long, value_name = "DIR", default_value = "mediagraph-state")]
    state_dir: PathBuf,
    /// The configuration of the host: secrets by name, and with `--record` where paths lead. Without it, the environment variable
    /// `MEDIAGRAPH_CONFIG`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the totals at the end, on standard error, as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs to the end of the recordings, or until a signal.
///
/// # Errors
/// All that keeps the graph from running, or what stopped it.
pub async fn run(args: ReplayArgs) -> Outcome {
    let stop = signals::stop()?;
    let host: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let named = inputs::parse(&args.input)?;
    let config = config::load(args.config.as_deref())?;
    let doc = load::topology(&args.topology).map_err(|error| error.into_failure(&args.topology))?;
    let args = Arc::new(args);
    let (cameras, own) = (inputs::cameras(doc.value()), Arc::clone(&args));
    let reading = move || {
        inputs::open(
            &cameras,
            &named,
            &own.state_dir,
            own.start,
            own.messages.as_deref(),
        )
    };
    let read = tokio::task::spawn_blocking(reading).await;
    let (inputs, mut mistakes) = read.map_err(Failure::failed)?;
    let graph = match resolved(&doc, &args, &config) {
        Ok(graph) => graph,
        Err(failure) => {
            mistakes.add(failure.code, failure.render().trim_end());
            return Err(mistakes.into_failure());
        }
    };
    let clock: Arc<dyn Clock> = Arc::new(ReplayClock::new(inputs.start(), Arc::clone(&host)));
    let events = Arc::new(OrderedEvents::new(BufWriter::new(std::io::stdout())));
    let runtime = runtime(&host, &clock, &events, &config);
    let place = Place::open(&args, &config, &clock).await?;
    let plan = plan(&graph, &args, &place, &clock, mistakes).await?;
    let seconds = inputs.seconds();
    let replay = Replay {
        feeds: inputs.feeds,
        messages: inputs.messages,
        events: Arc::clone(&events),
        stop,
    };
    let strangers = replay.strangers(&plan);
    if !strangers.is_empty() {
        return Err(unheard(&strangers));
    }
    let played = play(replay, plan, &runtime, &host, (seconds, args.json)).await;
    place.close().await;
    played
}

fn unheard(inputs: &[String]) -> Failure {
    let inputs: Vec<String> = inputs
        .iter()
        .map(|input| format!("`{}`", crate::text::spelled(input)))
        .collect();
    Failure::usage(format!(
        "messages came by {}, and no source of this topology listens there\n\
         hint: `input` of a message is `hubInputName` of its source, or the source's name",
        inputs.join(", ")
    ))
}

fn resolved(doc: &TopologyDoc, args: &ReplayArgs, config: &HostConfig) -> Result<Graph, Failure> {
    let mut bindings = args.parameters.bindings()?;
    placeholders::fill(doc.value(), &mut bindings);
    let bindings = bindings.with_secrets(Secrets::new(config.secrets.clone()));
    let graph = resolve(doc, &bindings, &args.instance, TABLE)
        .map_err(|diagnostics| LoadError::Invalid(diagnostics).into_failure(&args.topology))?;
    let file = args.topology.display().to_string();
    print::stderr(&graph.warnings.render(Some(&file)));
    Ok(graph)
}

fn runtime(
    host: &Arc<dyn Clock>,
    clock: &Arc<dyn Clock>,
    events: &Arc<OrderedEvents>,
    config: &HostConfig,
) -> Runtime {
    let cores = available_parallelism().map_or(1, std::num::NonZero::get);
    Runtime {
        clock: Arc::clone(clock),
        events: Arc::clone(events) as _,
        // How long a call runs is a matter of this machine.
        pool: AnalysisPool::new(Arc::clone(host), cores),
        hub: Arc::default(),
        reach: Arc::new(HostPolicy::new(config.policy.clone())),
    }
}

/// Where things are, and go.
struct Place {
    state: Arc<StateDir>,
    recordings: Option<Arc<Recordings>>,
    /// Where compiled components are kept.
    compiled: Option<PathBuf>,
    models: Arc<Models>,
}

impl Place {
    async fn open(args: &ReplayArgs, config: &HostConfig, clock: &Arc<dyn Clock>) -> Result<Self, Failure> {
        // How long a model runs is a matter of this machine.
        let models = Arc::new(Models::new(config.models.clone(), Arc::new(SystemClock::new())));
        let Some(dir) = &args.record else {
            let state = Arc::new(StateDir::look(&args.state_dir));
            let compiled = args.state_dir.is_dir().then(|| state.components());
            return Ok(Self {
                state,
                recordings: None,
                compiled,
                models,
            });
        };
        let state = StateDir::open(dir).map_err(Failure::failed)?;
        let state = Arc::new(state.with_paths(config.paths.path_map()));
        let (opened, clock) = (Arc::clone(&state), Arc::clone(clock));
        // What becomes of a recording after its sink has ended depends on the disk: it is no event of a replay.
        let options = RecordingsOptions {
            keep_free: config.keep_free,
            ..RecordingsOptions::default()
        };
        let opening = move || Recordings::open(&opened, options, clock, Arc::new(Deaf));
        let recordings = tokio::task::spawn_blocking(opening)
            .await
            .map_err(Failure::failed)?;
        Ok(Self {
            compiled: Some(state.components()),
            state,
            recordings: Some(recordings.map_err(Failure::failed)?),
            models,
        })
    }

    async fn close(self) {
        if let Some(recordings) = &self.recordings {
            recordings.shutdown(DRAIN_TIMEOUT).await;
        }
    }
}

/// Loads everything that the graph needs, and tells all that keeps it from being replayed. Components are what they are
/// now, whatever happens to their files later.
async fn plan(
    graph: &Graph,
    args: &ReplayArgs,
    place: &Place,
    clock: &Arc<dyn Clock>,
    mut mistakes: Mistakes,
) -> Result<Plan, Failure> {
    let options = EngineOptions {
        cache_dir: place.compiled.clone(),
        ..EngineOptions::default()
    };
    let environment = Environment {
        state: Arc::clone(&place.state),
        recordings: place.recordings.clone(),
        engine: LazyEngine::new(options),
        installed: Arc::new(Installed::look(&StateDir::look(&args.state_dir))),
        models: Arc::clone(&place.models),
        clock: Arc::clone(clock),
        folder: folder(&args.topology).to_owned(),
    };
    let graph = graph.clone();
    let preparing = tokio::task::spawn_blocking(move || prepare(&graph, &environment));
    let prepared = preparing.await.map_err(Failure::failed)?;
    match prepared {
        Ok(plan) if mistakes.is_empty() => Ok(plan),
        Ok(_) => Err(mistakes.into_failure()),
        Err(problems) => {
            for problem in problems {
                mistakes.add(Code::BadTopology, problem);
            }
            Err(mistakes.into_failure())
        }
    }
}

async fn play(
    replay: Replay,
    plan: Plan,
    runtime: &Runtime,
    host: &Arc<dyn Clock>,
    (seconds, json): (u64, bool),
) -> Outcome {
    let (stop, events) = (replay.stop.clone(), Arc::clone(&replay.events));
    let began = host.monotonic();
    let shown = Arc::new(Mutex::new(Progress::new("replayed seconds", seconds)));
    let progress = Arc::clone(&shown);
    let show = move |done| progress.lock().unwrap_or_else(PoisonError::into_inner).show(done);
    let starting = replay.start(plan, runtime, show);
    let (instance, player) = starting.await.map_err(|error| failure(&error))?;
    let nodes = instance.watch();
    let played = player.run().await;
    let stopped = instance.stop().await;
    // The player has gone, and nobody else has it.
    if let Some(shown) = Arc::into_inner(shown) {
        shown
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .finish();
    }
    let written = tokio::task::block_in_place(|| events.write()).map_err(PlayError::Events);
    let took = host.monotonic().saturating_sub(began);
    let totals = match played {
        Err(error) => return told(error, &stop),
        Ok(totals) => totals,
    };
    let events = match written {
        Err(error) => return told(error, &stop),
        Ok(events) => events,
    };
    stopped.map_err(|error| failure(&error))?;
    summary(json, &totals, took, events, &nodes.status());
    Ok(())
}

/// A reader of the events that has gone has heard enough.
fn told(error: PlayError, stop: &CancellationToken) -> Outcome {
    match &error {
        PlayError::Events(gone) if gone.kind() == std::io::ErrorKind::BrokenPipe => {
            stop.cancel();
            Ok(())
        }
        _ => Err(Failure::failed(error)),
    }
}

fn summary(json: bool, totals: &Totals, took: Duration, events: u64, nodes: &[NodeStatus]) {
    let (media, seconds) = (totals.media.seconds(), took.as_secs_f64());
    let speed = if seconds > 0.0 { media / seconds } else { 0.0 };
    if json {
        let nodes: Vec<_> = nodes.iter().map(counts).collect();
        let object = json!({
            "mediaSeconds": media,
            "seconds": seconds,
            "speed": speed,
            "units": totals.units,
            "events": events,
            "stopped": totals.stopped,
            "nodes": nodes,
        });
        print::stderr(&format!("{object}\n"));
        return;
    }
    for node in nodes {
        tracing::info!(
            node = node.node,
            received = node.received,
            sent = node.sent,
            dropped = node.dropped,
            errors = node.errors,
            "Totals"
        );
    }
    let how = if totals.stopped {
        "stopped after"
    } else {
        "replayed"
    };
    print::stderr(&format!(
        "{how} {media:.1} s of media in {seconds:.1} s, {speed:.1} times real time: {events} events\n"
    ));
}

fn counts(node: &NodeStatus) -> serde_json::Value {
    json!({
        "node": node.node,
        "received": node.received,
        "processed": node.processed,
        "sent": node.sent,
        "dropped": node.dropped,
        "errors": node.errors,
    })
}

/// The present state directory, if an asset of this name is in it.
fn asset_folder(state: &Path, name: &str) -> Option<PathBuf> {
    let folder = state.join("assets").join(name);
    folder.is_dir().then_some(folder)
}
