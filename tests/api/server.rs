//! A server in this process, on a port of its own, with a host that is real and empty.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use mediagraph::alarms::Alarms;
use mediagraph::api::serve::serve_within;
use mediagraph::api::{
    ApiOptions, Check, LogControl, Process, Role, ServeLimits, SharedAuth, TlsReload, Token, router,
};
use mediagraph::events::hub::HubInputs;
use mediagraph::events::{Emitter, Journal, JournalLimits};
use mediagraph::extension::{EngineOptions, LazyEngine};
use mediagraph::graph::host::{AllowAll, GraphHost, HostLimits, HostOptions};
use mediagraph::graph::{Recordings, Runtime};
use mediagraph::media::{Clock, MediaTime, SystemClock};
use mediagraph::metrics::Identity;
use mediagraph::nodes::analysis::AnalysisPool;
use mediagraph::state::StateDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::wire::{Request, Response};

/// A token that may do everything.
pub(crate) const ADMIN: &str = "admin-token";
/// One that may operate.
pub(crate) const OPERATE: &str = "operate-token";
/// One that may look.
pub(crate) const READ: &str = "read-token";
/// One that may do everything with the instances `site-a-*`.
pub(crate) const SITE_A: &str = "site-a-token";
/// One whose time is over.
pub(crate) const EXPIRED: &str = "expired-token";

/// All of them.
pub(crate) fn tokens() -> Vec<Token> {
    let mut site_a = Token::new("site-a", SITE_A, Role::Admin);
    site_a.instances = Some("site-a-*".to_owned());
    let mut expired = Token::new("expired", EXPIRED, Role::Admin);
    expired.expires = Some("2020-01-01T00:00:00Z".parse().unwrap());
    vec![
        Token::new("admin", ADMIN, Role::Admin),
        Token::new("operate", OPERATE, Role::Operate),
        Token::new("read", READ, Role::Read),
        site_a,
        expired,
    ]
}

/// How a server is to be.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) tokens: Option<Vec<Token>>,
    pub(crate) tls: Option<Arc<TlsReload>>,
    pub(crate) limits: ServeLimits,
    pub(crate) journal: JournalLimits,
    /// Of other sites whose pages may ask.
    pub(crate) origins: Vec<String>,
}

/// A running server; stops when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) auth: SharedAuth,
    pub(crate) journal: Journal,
    pub(crate) hub: Arc<HubInputs>,
    pub(crate) process: Arc<FakeProcess>,
    pub(crate) alarms: Alarms,
    shutdown: CancellationToken,
    runtime: Option<tokio::runtime::Runtime>,
    folder: tempfile::TempDir,
}

/// A process whose configuration says what the test wants.
#[derive(Debug, Default)]
pub(crate) struct FakeProcess {
    pub(crate) unwell: Mutex<Option<String>>,
    pub(crate) reload: Mutex<Option<String>>,
}

impl Process for FakeProcess {
    fn reload(&self) -> futures::future::BoxFuture<'_, Result<Vec<String>, String>> {
        let refused = self.reload.lock().unwrap().clone();
        Box::pin(async move { refused.map_or_else(|| Ok(vec!["nothing changed".to_owned()]), Err) })
    }

    fn checks(&self) -> futures::future::BoxFuture<'_, Vec<Check>> {
        let error = self.unwell.lock().unwrap().clone();
        Box::pin(async move {
            vec![Check {
                name: "registry",
                error,
            }]
        })
    }
}

#[derive(Debug)]
struct FakeLog(Mutex<String>);

impl LogControl for FakeLog {
    fn filter(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    fn set(&self, filter: &str) -> Result<(), String> {
        if filter.contains('!') {
            return Err("that is no filter".to_owned());
        }
        filter.clone_into(&mut self.0.lock().unwrap());
        Ok(())
    }
}

fn host(folder: &Path, journal: &Journal, hub: &Arc<HubInputs>, clock: &Arc<dyn Clock>) -> GraphHost {
    let state = Arc::new(StateDir::open(folder).unwrap());
    let engine = LazyEngine::new(EngineOptions {
        cache_dir: Some(state.components()),
        ..EngineOptions::default()
    });
    let recordings = Recordings::open_with_events(
        &state,
        crate::room::recordings(),
        Arc::clone(clock),
        Arc::new(journal.clone()),
    );
    GraphHost::open(HostOptions {
        state,
        recordings: recordings.unwrap(),
        runtime: Runtime {
            clock: Arc::clone(clock),
            events: Arc::new(journal.clone()),
            pool: AnalysisPool::new(Arc::clone(clock), 1),
            hub: Arc::clone(hub),
            reach: Arc::new(mediagraph::nodes::reach::Anywhere),
        },
        engine,
        models: Arc::default(),
        load_roots: Vec::new(),
        limits: HostLimits::default(),
        policy: Arc::new(AllowAll),
        secrets: mediagraph::topology::Secrets::default(),
    })
    .unwrap()
}

impl Server {
    /// Needs no token.
    pub(crate) fn open() -> Self {
        Self::start(Options::default())
    }

    /// The index of its recordings, on a connection of the test's own.
    pub(crate) fn index(&self) -> mediagraph::recording::index::Index {
        let path = self.folder.path().join("state/index.db");
        mediagraph::recording::index::Index::open(&path).unwrap()
    }

    /// Needs one of [`tokens`].
    pub(crate) fn guarded() -> Self {
        Self::start(Options {
            tokens: Some(tokens()),
            ..Options::default()
        })
    }

    pub(crate) fn start(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let journal = Journal::open(folder.path(), options.journal, Arc::clone(&clock)).unwrap();
        let hub = Arc::new(HubInputs::default());
        let required = options.tokens.is_some();
        let auth = SharedAuth::new(options.tokens.unwrap_or_default(), required);
        let shutdown = CancellationToken::new();
        let process = Arc::new(FakeProcess::default());
        let alarms = Alarms::default();
        let _inside = runtime.enter();
        let router = router(ApiOptions {
            host: host(&folder.path().join("state"), &journal, &hub, &clock),
            journal: journal.clone(),
            hub: Arc::clone(&hub),
            auth: auth.clone(),
            logs: Some(Arc::new(FakeLog(Mutex::new("info".to_owned())))),
            process: Some(Arc::clone(&process) as _),
            alarms: alarms.clone(),
            identity: Identity::default(),
            time_zone: jiff::tz::TimeZone::UTC,
            clock,
            allowed_hosts: vec!["box.example".to_owned()],
            allowed_origins: options.origins,
            shutdown: shutdown.clone(),
        });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(serve_within(
            options.limits,
            listener,
            options.tls,
            router,
            shutdown.clone(),
        ));
        Self {
            address,
            auth,
            journal,
            hub,
            process,
            alarms,
            shutdown,
            runtime: Some(runtime),
            folder,
        }
    }

    pub(crate) fn send(&self, request: &Request) -> Response {
        request.send(self.address)
    }

    /// Waits for something in this process.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref().unwrap();
        let limited = async { tokio::time::timeout(super::wire::ANSWER, future).await };
        runtime.block_on(limited).expect("nothing came in time")
    }

    /// Speaks for an instance.
    pub(crate) fn emitter(&self, instance: &str) -> Emitter {
        let subject = format!("/graphInstances/{instance}/sinks/hub");
        Emitter::new(Arc::new(self.journal.clone()), "mediagraph", &subject)
    }

    /// Publishes events of an instance, numbered from `from`.
    pub(crate) fn publish(&self, instance: &str, numbers: std::ops::Range<u64>) {
        let emitter = self.emitter(instance);
        let now = MediaTime::from_timestamp(Timestamp::now());
        for number in numbers {
            emitter.emit(
                "MediaGraph.Test.Number",
                now,
                serde_json::json!({ "number": number }),
            );
        }
    }

    /// Tells the server to stop, and waits until every connection has ended.
    pub(crate) fn stop(&mut self) {
        self.shutdown.cancel();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(30));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
