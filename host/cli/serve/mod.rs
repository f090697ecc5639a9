//! `mediagraph serve`: the long-running host.
//!
//! It opens its state directory, listens, and resumes what was active; after a signal it drains and ends. What can change
//! while it runs is in [`live`].

mod live;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::live::Live;
use super::{Failure, Outcome, config, logging, signals};
use crate::alarms::{Alarms, Watch, space};
use crate::api::serve::serve_within;
use crate::api::{self, ApiOptions, Process, ServeLimits, SharedAuth, TlsReload};
use crate::config::policy::HostPolicy;
use crate::config::{EventsConfig, HostConfig, LogFormat};
use crate::events::files::{EventFiles, FileTargets, FilesWriter, Rotation};
use crate::events::hub::HubInputs;
use crate::events::journal::JournalLimits;
use crate::events::{EventSink, Fanout, Journal};
use crate::extension::{EngineOptions, LazyEngine};
use crate::graph::host::{GraphHost, HostLimits, HostOptions, InstanceState};
use crate::graph::{Recordings, Runtime};
use crate::inference::Models;
use crate::media::{Clock, SystemClock};
use crate::metrics::Identity;
use crate::nodes::analysis::AnalysisPool;
use crate::service;
use crate::state::StateDir;
use crate::topology::Secrets;

const SECONDS_PER_DAY: u64 = 86_400;

/// Run the host: topologies and instances that are set over HTTP, and survive a restart
///
/// What was active resumes by itself. SIGHUP reads the configuration again. Ctrl-C or SIGTERM lets all graphs drain and
/// ends; a second one quits.
///
/// Exit codes: 0 after a signal, 1 when it failed, 2 for a wrong command line, 78 for a configuration that cannot be used.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// Where topologies, instances, recordings and everything else is kept
    #[arg(long, value_name = "DIR", default_value = "mediagraph-state")]
    state_dir: PathBuf,
    /// Where to listen, instead of what the configuration says
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// The configuration; `mediagraph config init` writes one. Without it, the environment variable `MEDIAGRAPH_CONFIG`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ServeArgs {
    /// How the configuration wants the log to look, if it can be read.
    #[must_use]
    pub fn log_format(&self) -> Option<LogFormat> {
        let (config, _) = HostConfig::load(Some(&config::file(self.config.as_deref())?)).ok()?;
        Some(config.log.format)
    }
}

/// Runs until a signal.
///
/// # Errors
/// When the configuration, the state directory or the address cannot be used.
pub async fn run(args: ServeArgs, logs: logging::LogHandle) -> Outcome {
    let stop = signals::stop()?;
    let mut config = config::load(args.config.as_deref())?;
    if let Some(listen) = args.listen {
        config.server.listen = listen;
    }
    config
        .server
        .check_binding(config.tokens.len())
        .map_err(Failure::bad_config)?;
    logs.configure(&config.log.level);
    let parts = Parts::open(&args, config, logs).await?;
    parts.serve(stop).await
}

/// A host that is about to run.
struct Parts {
    config: Arc<HostConfig>,
    clock: Arc<dyn Clock>,
    journal: Journal,
    files: FilesWriter,
    events: Arc<dyn EventSink>,
    hub: Arc<HubInputs>,
    recordings: Arc<Recordings>,
    host: GraphHost,
    auth: SharedAuth,
    tls: Option<Arc<TlsReload>>,
    live: Arc<Live>,
    logs: logging::LogHandle,
    listener: TcpListener,
    state: PathBuf,
}

impl Parts {
    /// Opens everything; nothing runs yet.
    async fn open(args: &ServeArgs, config: HostConfig, logs: logging::LogHandle) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        // Listening comes first: whoever starts a second host learns it from the address or the lock, before anything
        // is touched.
        let listener = listen(config.server.listen).await?;
        let state = StateDir::open(&args.state_dir).map_err(Failure::failed)?;
        let state = Arc::new(state.with_paths(config.paths.path_map()));
        let journal = Journal::open(state.path(), journal_limits(&config.events), Arc::clone(&clock))
            .map_err(Failure::failed)?;
        let (events, files) = events(&journal, &config.events)?;
        let hub = Arc::new(HubInputs::default());
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        let policy = Arc::new(HostPolicy::new(config.policy.clone()));
        let recordings = recordings(&config, &state, &clock, &events).await?;
        let runtime = Runtime {
            pool: AnalysisPool::new(Arc::clone(&clock), cores),
            events: Arc::clone(&events),
            hub: Arc::clone(&hub),
            clock: Arc::clone(&clock),
            reach: Arc::clone(&policy) as _,
        };
        let secrets = Secrets::new(config.secrets.clone());
        let host = GraphHost::open(HostOptions {
            engine: LazyEngine::new(EngineOptions {
                cache_dir: Some(state.components()),
                ..EngineOptions::default()
            }),
            models: Arc::new(Models::new(config.models.clone(), Arc::clone(&clock))),
            load_roots: config.paths.load_roots.clone(),
            limits: limits(&config),
            policy: Arc::clone(&policy) as _,
            secrets: secrets.clone(),
            state: Arc::clone(&state),
            recordings: Arc::clone(&recordings),
            runtime,
        })
        .map_err(Failure::failed)?;
        let auth = SharedAuth::new(live::tokens(&config), config.server.needs_tokens());
        let tls = certificate(&config)?;
        let live = Live::new(
            config::file(args.config.as_deref()),
            args.listen,
            config.clone(),
            live::Holders {
                auth: auth.clone(),
                policy,
                secrets,
                tls: tls.clone(),
                logs: logs.clone(),
            },
            host.clone(),
        );
        Ok(Self {
            config: Arc::new(config),
            clock,
            journal,
            files,
            events,
            hub,
            recordings,
            host,
            auth,
            tls,
            live: Arc::new(live),
            logs,
            listener,
            state: state.path().to_owned(),
        })
    }

    /// Answers requests and runs graphs until it is told to stop.
    async fn serve(self, stop: CancellationToken) -> Outcome {
        let tasks = TaskTracker::new();
        let end = CancellationToken::new();
        service::feed_watchdog(&tasks, end.clone());
        reload_on_hangup(&tasks, &self.live, end.clone())?;
        let alarms = Alarms::default();
        let watch = Watch {
            alarms: alarms.clone(),
            host: self.host.clone(),
            journal: self.journal.clone(),
            events: self.events,
            state_dir: self.state.clone(),
            keep_free: space(&self.state)
                .ok()
                .map(|space| self.config.keep_free.of(space.total)),
            keeper: Some(Arc::clone(self.recordings.keeper())),
            clock: Arc::clone(&self.clock),
        };
        tasks.spawn(watch.run(end.clone()));
        let router = api::router(ApiOptions {
            host: self.host.clone(),
            journal: self.journal.clone(),
            alarms,
            identity: Identity {
                edge_device: machine(),
                ..Identity::default()
            },
            time_zone: self.config.time_zone.0.clone(),
            hub: self.hub,
            auth: self.auth,
            logs: Some(Arc::new(self.logs)),
            process: Some(self.live as Arc<dyn Process>),
            clock: self.clock,
            allowed_hosts: self.config.server.allowed_hosts.clone(),
            allowed_origins: self.config.server.allowed_origins.clone(),
            shutdown: stop.clone(),
        });
        tell_start(&self.listener, self.tls.is_some(), &self.state);
        // Whoever asks for a status while graphs resume is answered.
        let limits = ServeLimits {
            connections: self.config.limits.max_connections as usize,
            ..ServeLimits::default()
        };
        let answering = serve_within(limits, self.listener, self.tls, router, stop.clone());
        let answering = tasks.spawn(answering);
        // Hundreds of graphs may take longer to start than a service manager waits.
        service::ready(&summary(&self.host));
        let resuming = tasks.spawn({
            let host = self.host.clone();
            async move {
                host.resume().await;
                service::status(&summary(&host));
            }
        });
        stop.cancelled().await;
        service::stopping();
        tracing::info!("Stopping: graphs drain; a second signal quits at once");
        self.host.shutdown().await;
        let _ = (answering.await, resuming.await);
        self.recordings.shutdown(self.config.limits.drain_timeout).await;
        drop(self.host);
        end.cancel();
        tasks.close();
        tasks.wait().await;
        // What happens to recordings becomes events: their files end only when nobody can write to them any more.
        drop(self.recordings);
        finish(self.journal, self.files).await;
        tracing::info!("Stopped");
        Ok(())
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::failed(format!(
            "cannot listen on `{address}`: {error}\nhint: choose another address with `--listen ADDR:PORT`, or stop what uses it"
        ))
    })
}

/// The journal, and the files that the configuration names.
fn events(journal: &Journal, config: &EventsConfig) -> Result<(Arc<dyn EventSink>, FilesWriter), Failure> {
    let targets = FileTargets {
        all: config.file.clone(),
        outputs: config.outputs.clone(),
    };
    let (files, writer) = EventFiles::new(&targets, Rotation::default()).map_err(Failure::failed)?;
    let sinks = Fanout(vec![Arc::new(journal.clone()) as _, Arc::new(files) as _]);
    Ok((Arc::new(sinks), writer))
}

/// Puts the cache in order, which takes a while after a crash.
async fn recordings(
    config: &HostConfig,
    state: &Arc<StateDir>,
    clock: &Arc<dyn Clock>,
    events: &Arc<dyn EventSink>,
) -> Result<Arc<Recordings>, Failure> {
    let options = crate::cli::config::recordings(config);
    let (state, clock, events) = (Arc::clone(state), Arc::clone(clock), Arc::clone(events));
    let opening = move || Recordings::open_with_events(&state, options, clock, events);
    let opened = tokio::task::spawn_blocking(opening).await;
    opened.map_err(Failure::failed)?.map_err(Failure::failed)
}

/// The name of this machine; empty when the operating system does not say.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

fn journal_limits(events: &EventsConfig) -> JournalLimits {
    JournalLimits {
        keep: std::time::Duration::from_secs(u64::from(events.keep_days) * SECONDS_PER_DAY),
        bytes: u64::from(events.keep_mib) << 20,
        ..JournalLimits::default()
    }
}

fn limits(config: &HostConfig) -> HostLimits {
    HostLimits {
        max_topologies: config.limits.max_topologies as usize,
        max_instances: config.limits.max_instances as usize,
        drain_timeout: config.limits.drain_timeout,
        ..HostLimits::default()
    }
}

fn certificate(config: &HostConfig) -> Result<Option<Arc<TlsReload>>, Failure> {
    let files = config.server.tls.as_ref();
    let opened = files
        .map(|files| TlsReload::open(&files.certificate, &files.key))
        .transpose();
    Ok(opened.map_err(Failure::bad_config)?.map(Arc::new))
}

fn tell_start(listener: &TcpListener, tls: bool, state: &Path) {
    let scheme = if tls { "https" } else { "http" };
    let address = listener
        .local_addr()
        .map_or_else(|_| "?".to_owned(), |address| address.to_string());
    tracing::info!(url = format!("{scheme}://{address}"), state = %state.display(), "The host listens");
}

/// One line for people.
fn summary(host: &GraphHost) -> String {
    let statuses = host.statuses();
    let active = statuses
        .iter()
        .filter(|status| status.state == InstanceState::Active)
        .count();
    format!("{} instances, {active} active", statuses.len())
}

/// SIGHUP reads the configuration again.
fn reload_on_hangup(tasks: &TaskTracker, live: &Arc<Live>, end: CancellationToken) -> Outcome {
    let mut hangup = signal(SignalKind::hangup())
        .map_err(|error| Failure::failed(format!("cannot listen to signals: {error}")))?;
    let live = Arc::clone(live);
    tasks.spawn(async move {
        loop {
            tokio::select! {
                () = end.cancelled() => return,
                told = hangup.recv() => if told.is_none() { return },
            }
            // What came of it stands in the log.
            let _ = live.reload().await;
        }
    });
    Ok(())
}

/// Writes what is still to be written of events; blocks, so not here.
async fn finish(journal: Journal, files: FilesWriter) {
    let work = move || {
        if !files.finish() {
            tracing::warn!("The files of events could not be written to their end");
        }
        if !journal.close() {
            tracing::warn!("The journal did not end in time: its last events are lost");
        }
    };
    if tokio::task::spawn_blocking(work).await.is_err() {
        tracing::warn!("The last events are lost");
    }
}
