//! A connection to a server over HTTP/2, through TLS or not.
//!
//! Invariant: whatever is spawned for a connection ends with it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::client::GrpcService;
use tracing::Instrument as _;

use super::super::server::address::{self, NotAllowed};
use super::super::server::error::ServerError;
use super::super::server::place::Server;
use crate::nodes::reach::Reach;
use crate::nodes::sources::rtsp::tls::{CameraTls, Peer, explained_to};
use crate::nodes::sources::rtsp::tunnel;

/// Each step on the way to a session takes at most so long.
pub(super) const CONNECT_TIME: Duration = Duration::from_secs(10);
/// A connection on which nothing moves is tried so often, and given up after so long without an answer.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIME: Duration = Duration::from_secs(10);
/// HTTP/2 wants a word for this in TLS (RFC 9113, section 3.2).
const ALPN: &[u8] = b"h2";

/// A connection that requests can be sent on.
#[derive(Debug)]
pub(super) struct Connection {
    requests: SendRequest<Body>,
    _alive: DropGuard,
}

/// Spawns on the tasks of a node; all end with their connection.
#[derive(Clone, Debug)]
struct Tasks {
    tracker: TaskTracker,
    over: CancellationToken,
}

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, task: F) {
        let over = self.over.clone();
        let task = async move {
            over.run_until_cancelled(task).await;
        };
        self.tracker.spawn(task.in_current_span());
    }
}

impl Connection {
    /// Connects to the server.
    ///
    /// # Errors
    /// Why there is no connection, and what to do.
    pub(super) async fn open(
        server: &Server,
        reach: &dyn Reach,
        tracker: &TaskTracker,
    ) -> Result<Self, ServerError> {
        let stream = within("the connection", tcp(server, reach)).await?;
        match &server.target.tls {
            None => Self::over(stream, tracker).await,
            Some(tls) => {
                let host = tunnel::host(&server.target.url);
                let stream = within("the TLS handshake", shake(tls, host, stream)).await?;
                Self::over(stream, tracker).await
            }
        }
    }

    async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        tracker: &TaskTracker,
    ) -> Result<Self, ServerError> {
        let over = CancellationToken::new();
        let tasks = Tasks {
            tracker: tracker.clone(),
            over: over.clone(),
        };
        let shaking = Builder::new(tasks.clone())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIME)
            .handshake(TokioIo::new(stream));
        let shaken = within("the greeting", async {
            shaking.await.map_err(|error| {
                ServerError::Network(format!("the server does not speak gRPC on this port: {error}"))
            })
        });
        let (requests, connection) = shaken.await?;
        hyper::rt::Executor::execute(&tasks, async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "The connection to a server ended");
            }
        });
        Ok(Self {
            requests,
            _alive: over.drop_guard(),
        })
    }
}

impl GrpcService<Body> for Connection {
    type ResponseBody = Incoming;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Incoming>, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.requests.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.requests.send_request(request))
    }
}

/// Waits for a step, but not for ever.
pub(super) async fn within<T>(
    what: &str,
    step: impl Future<Output = Result<T, ServerError>>,
) -> Result<T, ServerError> {
    match tokio::time::timeout(CONNECT_TIME, step).await {
        Ok(done) => done,
        Err(_) => Err(ServerError::Network(format!(
            "no answer to {what} within {} s\nhint: see whether the server hangs",
            CONNECT_TIME.as_secs()
        ))),
    }
}

async fn tcp(server: &Server, reach: &dyn Reach) -> Result<TcpStream, ServerError> {
    let url = &server.target.url;
    let (host, port) = (tunnel::host(url), url.port().unwrap_or_default());
    let addresses = address::allowed(&host, port, url.scheme(), reach).await;
    let addresses = addresses.map_err(|error| {
        let refused = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<NotAllowed>());
        match refused {
            Some(refused) => ServerError::Refused(refused.0.clone()),
            None => ServerError::Network(format!("`{host}` has no address: {error}")),
        }
    })?;
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(|error| {
        ServerError::Network(format!(
            "cannot connect to {host}:{port}: {error}\nhint: see whether the server runs and listens there; a name of a \
             container is known only in its own network"
        ))
    })?;
    // An image goes out as soon as it is there.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "Packets to a server may be held back");
    }
    Ok(stream)
}

async fn shake(
    tls: &CameraTls,
    host: String,
    stream: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, ServerError> {
    let mut config = tls.config();
    config.alpn_protocols = vec![ALPN.to_vec()];
    let name = ServerName::try_from(host.clone())
        .map_err(|_| ServerError::Tls(format!("`{host}` is not a name that a certificate can be for")))?;
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    shaken.map_err(|error| {
        let tls = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let explained = tls.and_then(|tls| explained_to(tls, Peer::SERVER, &host));
        ServerError::Tls(explained.unwrap_or_else(|| format!("TLS to the server failed: {error}")))
    })
}
