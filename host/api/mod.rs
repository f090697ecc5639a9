//! The host over HTTP: direct methods, the REST form of the same, events, health.
//!
//! Everything is made from one literal table, [`table::ROUTES`]: the router, the OpenAPI document, and the test that
//! probes every route without credentials, with wrong ones and with too narrow ones. A request passes [`guard`], which
//! reads the row of its route, before a handler sees it; there is no other way to a handler.
//!
//! | file | what it is for |
//! |---|---|
//! | [`table`] | the routes |
//! | `guard`, `body` | what every request must pass: host, origin, token or link, role, query, content type, size, time |
//! | [`auth`] | tokens |
//! | [`binding`] | where a host may listen without tokens or TLS |
//! | `origin`, `cors` | under which names it may be asked, and by pages of which sites |
//! | [`methods`] | the ten direct methods, whatever they come by |
//! | `direct`, `rest` | direct methods and the cloud service's call; the clean REST form |
//! | `stream` | server-sent events |
//! | `instances`, `recordings`, `hub`, `system` | status and reasons; what was recorded; messages to graphs; health, log, reload |
//! | `playback`, `ranges` | recordings for players; parts of what is sent |
//! | `detections`, `site` | what was seen of a recording; the time at the site |
//! | `assets`, `audited` | what is done to recordings; who looks at them and who does that |
//! | `live` | what cameras show now |
//! | `console` | the page for people |
//! | `extensions` | components that have a name |
//! | [`openapi`] | the description of all of it |
//! | [`serve`](mod@serve), [`tls`] | connections and certificates |
//!
//! Nothing here decides anything about media graphs: that is `graph::host`.

mod assets;
mod audited;
pub mod auth;
pub mod binding;
mod body;
mod console;
mod cors;
mod detections;
mod direct;
mod extensions;
mod guard;
mod hub;
mod instances;
mod live;
pub mod methods;
pub mod openapi;
mod origin;
mod playback;
mod problem;
mod query;
mod ranges;
mod recordings;
mod rest;
pub mod serve;
mod site;
mod stream;
mod system;
pub mod table;
pub mod tls;

use std::fmt::Debug;
use std::sync::Arc;

use axum::Router;
use futures::future::BoxFuture;
use jiff::tz::TimeZone;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use auth::{Role, SharedAuth, SigningKey, Token};
pub use binding::{BindingError, check_binding};
pub use serve::{ServeLimits, serve};
pub use tls::{TlsError, TlsReload};

use crate::alarms::Alarms;
use crate::audit::Audit;
use crate::events::Journal;
use crate::events::hub::HubInputs;
use crate::graph::host::GraphHost;
use crate::media::Clock;
use crate::metrics::Identity;
use crate::playback::{Playback, PlaybackOptions};
use auth::link::LinkKey;
use origin::KnownHosts;

/// What is logged, changeable while the host runs.
pub trait LogControl: Send + Sync + Debug {
    /// The filter now, such as `info,mediagraph::nodes=debug`.
    fn filter(&self) -> String;

    /// Puts another in its place.
    ///
    /// # Errors
    /// Why it is not one.
    fn set(&self, filter: &str) -> Result<(), String>;
}

/// One thing that must be well for the host to do its work.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Check {
    /// What is looked at, such as `registry`.
    pub name: &'static str,
    /// Why it is not well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What only the process as a whole can do.
pub trait Process: Send + Sync + Debug {
    /// Reads the configuration and the certificate again. Gives what changed, and what could not be taken over, for
    /// people.
    ///
    /// # Errors
    /// Why everything stays as it was.
    fn reload(&self) -> BoxFuture<'_, Result<Vec<String>, String>>;

    /// What must be well for the host to do its work.
    fn checks(&self) -> BoxFuture<'_, Vec<Check>>;
}

/// What the interface is made of.
#[derive(Debug)]
pub struct ApiOptions {
    /// Topologies and graph instances.
    pub host: GraphHost,
    /// Numbers events, keeps them, and hands them on.
    pub journal: Journal,
    /// Who listens for messages from outside.
    pub hub: Arc<HubInputs>,
    /// Who may do what.
    pub auth: SharedAuth,
    /// What is logged; none: that cannot be changed.
    pub logs: Option<Arc<dyn LogControl>>,
    /// What the process can do; none: it has no configuration to reload, and is always ready.
    pub process: Option<Arc<dyn Process>>,
    /// What is in alarm.
    pub alarms: Alarms,
    /// How figures name this host.
    pub identity: Identity,
    /// What times without an offset are meant in.
    pub time_zone: TimeZone,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// Names that requests may be sent to, besides addresses and `localhost`.
    pub allowed_hosts: Vec<String>,
    /// Origins of other sites whose pages may ask, such as `https://desk.example`.
    pub allowed_origins: Vec<String>,
    /// Ends the streams.
    pub shutdown: CancellationToken,
}

/// What handlers work with.
#[derive(Debug)]
pub(crate) struct Api {
    options: ApiOptions,
    hosts: KnownHosts,
    /// What links for players are signed with.
    links: LinkKey,
    streams: Arc<Semaphore>,
    /// Bodies that may be large, each of which stands in memory.
    components: Arc<Semaphore>,
    /// Those who look at cameras.
    views: Arc<Semaphore>,
    /// Plays what was recorded.
    playback: Arc<Playback>,
    /// Who looked at recordings, and who did what to them.
    audit: Arc<Audit>,
    /// Operations that go on when the client that asked for them has gone.
    operations: TaskTracker,
}

type Shared = Arc<Api>;

/// The router of all routes.
pub fn router(mut options: ApiOptions) -> Router {
    let hosts = KnownHosts::new(
        std::mem::take(&mut options.allowed_hosts),
        std::mem::take(&mut options.allowed_origins),
    );
    let recordings = options.host.recordings();
    let playback = Playback::new(PlaybackOptions {
        cache: Arc::clone(recordings.cache()),
        stores: recordings.all_stores().clone(),
        store: recordings.store().to_owned(),
        clock: Arc::clone(&options.clock),
        time_zone: options.time_zone.clone(),
    });
    let index = recordings.cache().index().path();
    let state = index.parent().unwrap_or(index);
    let audit = Arc::new(Audit::new(state, Arc::clone(&options.clock)));
    let api = Arc::new(Api {
        options,
        hosts,
        links: LinkKey::random(),
        streams: Arc::new(Semaphore::new(stream::MAX_STREAMS)),
        components: Arc::new(Semaphore::new(guard::MAX_COMPONENTS_AT_ONCE)),
        views: Arc::new(Semaphore::new(live::MAX_VIEWS)),
        playback,
        audit,
        operations: TaskTracker::new(),
    });
    guard::router(&api)
}
