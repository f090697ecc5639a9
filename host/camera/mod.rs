//! A simulated RTSP camera: plays H.264 and AAC from MP4 and Matroska files in an endless loop.
//!
//! Served as `rtsp://HOST:PORT/media/NAME` over UDP or within the TCP connection (RFC 2326, RFC 3550). Each session
//! starts at the file's first sample when it plays. Time stamps, sequence numbers and wall-clock reports go on
//! rising when the file wraps. Everything a client can make us keep is bounded: clients, requests, what waits for a
//! client that does not read.
//!
//! | module | what it is for |
//! |---|---|
//! | `catalog` | names and URLs of files |
//! | `timeline` | which sample is sent when, and with which stamp: pure arithmetic |
//! | `rtp`, `rtcp`, `sdp` | what goes over the wire |
//! | `request`, `connection`, `methods`, `auth` | the RTSP server |
//! | `session`, `transport`, `outbox`, `player` | one client's stream |
//! | `ledger` | what was sent, for tests |

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::media::demux::DemuxError;
use crate::media::{Clock, SystemClock};

mod auth;
mod catalog;
mod connection;
mod ledger;
mod methods;
mod outbox;
mod player;
mod request;
mod rtcp;
mod rtp;
mod sdp;
mod session;
mod timeline;
mod transport;

pub use auth::{Scheme, Users};
use catalog::Catalog;
use ledger::{Ledger, LedgerWriter};

/// Clients at a time, unless [`CameraOptions::max_clients`] says otherwise.
pub const MAX_CLIENTS: usize = 128;
/// Connections above the limit that are told so; what comes on top is closed at once.
const MAX_REFUSALS: usize = 16;
/// After how much silence a client counts as gone, unless [`CameraOptions::session_timeout`] says otherwise.
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(60);
/// The pause after the operating system has refused to accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a camera does not start or stops.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// A file cannot be played.
    #[error(transparent)]
    File(#[from] DemuxError),
    /// A folder cannot be listed.
    #[error("cannot list `{path}`: {error}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// No file of a folder can be played.
    #[error("`{path}` has no file that can be played\nhint: MP4 and Matroska files with H.264 are supported")]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Two files would have the same URL.
    #[error("two files have the name `{name}`\nhint: a file's name is its address; rename one")]
    SameName {
        /// Their name.
        name: String,
    },
    /// More files than one camera serves.
    #[error("{found} files, more than {}", catalog::MAX_FILES)]
    TooManyFiles {
        /// How many there are.
        found: usize,
    },
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {error}\nhint: `--port 0` takes a free port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// The ledger cannot be written.
    #[error("cannot write the ledger `{path}`: {error}")]
    Ledger {
        /// Its file.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
}

/// What a camera shows, and to whom.
#[derive(Clone, Debug)]
pub struct CameraOptions {
    /// Files, and folders of which every playable file is served.
    pub paths: Vec<PathBuf>,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Who may watch; nobody named means everybody.
    pub users: Users,
    /// How users log in.
    pub auth: Scheme,
    /// How often a session plays the file; `None` is for ever.
    pub loops: Option<u64>,
    /// Where to record every access unit that is sent.
    pub ledger: Option<PathBuf>,
    /// Clients at a time.
    pub max_clients: usize,
    /// After how much silence a client counts as gone.
    pub session_timeout: Duration,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
}

impl CameraOptions {
    /// Serves `paths` to everybody on this machine, on a free port, for ever.
    #[must_use]
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            users: Users::default(),
            auth: Scheme::default(),
            loops: None,
            ledger: None,
            max_clients: MAX_CLIENTS,
            session_timeout: SESSION_TIMEOUT,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

/// What all connections of a camera have in common.
#[derive(Debug)]
struct Shared {
    options: CameraOptions,
    catalog: Catalog,
    ledger: Option<Ledger>,
    started: Timestamp,
    clients: AtomicUsize,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// A camera that is ready: its files are open and its port is bound.
#[derive(Debug)]
pub struct Camera {
    listener: TcpListener,
    address: SocketAddr,
    shared: Shared,
    ledger: Option<LedgerWriter>,
}

impl Camera {
    /// Opens the files and binds the port; nothing runs yet.
    pub async fn bind(options: CameraOptions) -> Result<Self, CameraError> {
        let paths = options.paths.clone();
        let catalog = match tokio::task::spawn_blocking(move || Catalog::open(&paths)).await {
            Ok(catalog) => catalog?,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        };
        let listen = |error| CameraError::Listen {
            address: options.listen,
            error,
        };
        let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let (ledger, writer) = match &options.ledger {
            None => (None, None),
            Some(path) => {
                let made = ledger::create(path).await;
                let (ledger, writer) = made.map_err(|error| CameraError::Ledger {
                    path: path.clone(),
                    error,
                })?;
                (Some(ledger), Some(writer))
            }
        };
        let shared = Shared {
            started: options.clock.wall(),
            options,
            catalog,
            ledger,
            clients: AtomicUsize::new(0),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        Ok(Self {
            listener,
            address,
            shared,
            ledger: writer,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The URL of each stream, in the order of the files.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        let url = |name| format!("rtsp://{}{}", self.address, catalog::path_of(name));
        self.shared.catalog.names().map(url).collect()
    }

    /// Serves clients until `shutdown`; when it returns, nothing of the camera is left running.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), CameraError> {
        let ledger_path = self.shared.options.ledger.clone().unwrap_or_default();
        let writing = TaskTracker::new();
        let ledger = self.ledger.take().map(|ledger| writing.spawn(ledger.run()));
        let shared = Arc::new(self.shared);
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = accept(&self.listener, &shared) => {}
        }
        shared.stop.cancel();
        shared.tasks.close();
        shared.tasks.wait().await;
        // The last sender of the ledger: its writer comes to an end.
        drop(shared);
        match ledger {
            None => Ok(()),
            Some(ledger) => {
                let written = ledger
                    .await
                    .unwrap_or_else(|error| Err(std::io::Error::other(error)));
                written.map_err(|error| CameraError::Ledger {
                    path: ledger_path,
                    error,
                })
            }
        }
    }
}

async fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    loop {
        let (tcp, client) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let before = shared.clients.fetch_add(1, Ordering::AcqRel);
        let seat = Seat(Arc::clone(shared));
        if before >= shared.options.max_clients.saturating_add(MAX_REFUSALS) {
            tracing::warn!(%client, "too many connections; closed");
            continue;
        }
        let full = before >= shared.options.max_clients;
        let serve = connection::serve(Arc::clone(shared), tcp, client, full);
        // Owned by the tracker, ended by `Shared::stop`.
        shared.tasks.spawn(async move {
            serve.await;
            drop(seat);
        });
    }
}

/// One of the seats for clients, free again when dropped.
struct Seat(Arc<Shared>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::AcqRel);
    }
}
