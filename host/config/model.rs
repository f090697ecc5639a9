//! What a configuration says once it is read: plain values, complete with defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::network::Network;
use crate::api::{BindingError, Role, check_binding};
use crate::inference::ModelsOptions;
use crate::recording::store::{LOCAL, StoreSettings};
use crate::state::PathMap;
use crate::topology::Secret;

/// Everything that the file says; [`HostConfig::default`] is what holds without a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostConfig {
    /// Where the control plane listens.
    pub server: ServerConfig,
    /// Who may use it.
    pub tokens: Vec<TokenConfig>,
    /// Where events go, and how long they are kept.
    pub events: EventsConfig,
    /// Where the paths of topologies lead.
    pub paths: PathsConfig,
    /// What the host allows a topology to do.
    pub policy: PolicyConfig,
    /// What is logged, and how.
    pub log: LogConfig,
    /// How much there may be.
    pub limits: LimitsConfig,
    /// What stays free on the disk of the recordings.
    pub keep_free: KeepFree,
    /// What is kept how long, and how much of it.
    pub retention: Rules,
    /// The zone of what people read; on the wire and on the disk everything is UTC.
    pub time_zone: TimeZone,
    /// Where recordings may be kept for good, by name, beside the folder of the state directory.
    pub stores: BTreeMap<String, StoreSettings>,
    /// How sinks record.
    pub recording: RecordingConfig,
    /// Models that have a name on this host.
    pub models: ModelsOptions,
    /// Secrets by name, for parameters of instances.
    pub secrets: BTreeMap<String, Secret>,
}

/// Where the control plane listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// A proxy in front speaks TLS with the world.
    pub behind_proxy: bool,
    /// Names that a `Host` header may hold besides those of the loopback.
    pub allowed_hosts: Vec<String>,
    /// Origins of other web sites whose pages may ask.
    pub allowed_origins: Vec<String>,
    /// Certificate and key; without them it is plain HTTP.
    pub tls: Option<TlsFiles>,
}

impl ServerConfig {
    /// Whether callers must show a token: others can reach the host, directly, through a proxy, or by their pages in a browser here.
    #[must_use]
    pub fn needs_tokens(&self) -> bool {
        let reached = !self.listen.ip().to_canonical().is_loopback() || self.behind_proxy;
        reached || !self.allowed_origins.is_empty()
    }

    /// Whether the host may listen like that; `tokens` is how many there are.
    ///
    /// # Errors
    /// Which protection is missing.
    pub fn check_binding(&self, tokens: usize) -> Result<(), BindingError> {
        if tokens == 0 && !self.allowed_origins.is_empty() {
            return Err(BindingError::Foreign);
        }
        check_binding(self.listen, tokens > 0, self.tls.is_some(), self.behind_proxy)
    }
}

/// The files of a TLS server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that vouch for it, in PEM form.
    pub certificate: PathBuf,
    /// Its private key, in PEM form.
    pub key: PathBuf,
}

/// A bearer token. `Debug` shows neither it nor its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenConfig {
    /// For logs and for people.
    pub name: String,
    /// The SHA-256 of the token.
    pub sha256: [u8; 32],
    /// The token itself, if the file says where it is: shared access signatures are checked with it.
    pub secret: Option<Secret>,
    /// What it allows.
    pub role: Role,
    /// The instances that it is limited to: a pattern with `*` and `?`.
    pub instances: Option<String>,
    /// The moment from which it is no longer valid.
    pub expires: Option<Timestamp>,
}

impl fmt::Debug for TokenConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenConfig")
            .field("name", &self.name)
            .field("sha256", &"***")
            .field("role", &self.role)
            .field("instances", &self.instances)
            .field("expires", &self.expires)
            .finish()
    }
}

/// Where events go, and how long they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsConfig {
    /// All public events as JSON lines.
    pub file: Option<PathBuf>,
    /// What message sinks send, as JSON lines, by the name of the hub's output.
    pub outputs: BTreeMap<String, PathBuf>,
    /// Events older than so many days leave the journal.
    pub keep_days: u32,
    /// The journal stays below so many MiB; the oldest events go first.
    pub keep_mib: u32,
}

/// Where the paths of topologies lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathsConfig {
    /// From the absolute path that a topology names to the folder of this machine that is meant.
    pub map: BTreeMap<String, PathBuf>,
    /// Folders of this machine that a topology may write to under their own names.
    pub write_roots: Vec<PathBuf>,
    /// Folders that callers of the API may load components from.
    pub load_roots: Vec<PathBuf>,
}

/// What the host allows a topology to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyConfig {
    /// Where graphs may connect to, whatever the scheme.
    pub networks: NetworkRules,
    /// Where graphs may connect to, by scheme (`rtsp`, `rtsps`, `http`, `https`, `tcp`), instead of `networks`.
    pub schemes: BTreeMap<String, NetworkRules>,
    /// Memory of one component, in MiB.
    pub max_component_memory_mib: u32,
    /// Time of one call of a component.
    pub max_component_timeout: Duration,
    /// Components of one graph.
    pub max_components: u32,
    /// Memory of all components of all active graphs, in MiB; no bound when absent.
    pub max_guest_memory_mib: Option<u32>,
}

/// Networks that may and may not be connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkRules {
    /// Only these; all when it is empty.
    pub allow: Vec<Network>,
    /// Not these, even when they are allowed otherwise.
    pub deny: Vec<Network>,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// A level, or a filter as in `info,mediagraph::nodes=debug`.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// How much there may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Stored topologies.
    pub max_topologies: u32,
    /// Stored instances.
    pub max_instances: u32,
    /// Connections to the control plane at once.
    pub max_connections: u32,
    /// How long a graph may take to drain.
    pub drain_timeout: Duration,
}

pub use crate::recording::retention::{KeepFree, Rules};

/// How sinks record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingConfig {
    /// The name of the store that assets go to.
    pub store: String,
}

impl Default for RecordingConfig {
    fn default() -> Self {
        Self {
            store: LOCAL.to_owned(),
        }
    }
}

/// A zone of the IANA time zone database.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeZone(pub jiff::tz::TimeZone);

impl TimeZone {
    /// Its name, such as `Europe/Berlin`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }
}

impl PathsConfig {
    /// For [`StateDir::with_paths`](crate::state::StateDir::with_paths).
    #[must_use]
    pub fn path_map(&self) -> PathMap {
        let map = self
            .map
            .iter()
            .map(|(named, to)| (PathBuf::from(named), to.clone()));
        PathMap::new(map, self.write_roots.iter().cloned())
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT)),
            behind_proxy: false,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            tls: None,
        }
    }
}

/// Where the control plane listens unless it is told otherwise.
pub const DEFAULT_PORT: u16 = 8090;

impl Default for EventsConfig {
    fn default() -> Self {
        Self {
            file: None,
            outputs: BTreeMap::new(),
            keep_days: 30,
            keep_mib: 512,
        }
    }
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            networks: NetworkRules::default(),
            schemes: BTreeMap::new(),
            max_component_memory_mib: 1024,
            max_component_timeout: Duration::from_secs(60),
            max_components: 64,
            max_guest_memory_mib: None,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            max_topologies: 1000,
            max_instances: 5000,
            max_connections: 256,
            drain_timeout: Duration::from_secs(60),
        }
    }
}
