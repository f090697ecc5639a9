//! Connections: how many, and how long each may take for what.
//!
//! Invariant: a client that sends nothing, or reads nothing, holds one of [`MAX_CONNECTIONS`] places for a bounded
//! time and nothing else; accepting never waits for a client.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::tls::TlsReload;

/// Connections at a time; further ones wait in the operating system.
pub const MAX_CONNECTIONS: usize = 512;
/// How long a client may take to send the head of a request, and to send its next one.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a TLS handshake may take.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may read nothing while there is something for it.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of the head of a request.
pub const MAX_HEADER_BYTES: usize = 32 << 10;
/// Header lines of a request.
pub const MAX_HEADERS: usize = 64;
/// How long requests that are being answered may go on when the host stops.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// When no connection can be accepted, such as for want of file descriptors, the next try is after this time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Answers connections until it is told to stop; then lets the open requests end, for [`DRAIN_TIMEOUT`] at most.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<TlsReload>>,
    router: Router,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let next = async {
            let place = place(&places).await?;
            Some((place, listener.accept().await))
        };
        // Waiting for a place must not keep the host from stopping.
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            next = next => next,
        };
        match accepted {
            None => break,
            Some((place, Ok((stream, _)))) => {
                let task = connection(stream, tls.clone(), router.clone(), shutdown.clone(), place);
                connections.spawn(task);
            }
            Some((_, Err(error))) => {
                tracing::warn!(%error, "A connection cannot be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.close();
    // Each ends by itself within the time; what comes on top is for those in a handshake.
    let _ = timeout(DRAIN_TIMEOUT + Duration::from_secs(1), connections.wait()).await;
}

async fn place(places: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        return Some(place);
    }
    tracing::warn!(
        connections = MAX_CONNECTIONS,
        "All connections are taken: further clients wait"
    );
    Arc::clone(places).acquire_owned().await.ok()
}

/// One connection, in a task of its own, so that a client that is silent in its handshake keeps nobody waiting.
async fn connection(
    stream: TcpStream,
    tls: Option<Arc<TlsReload>>,
    router: Router,
    shutdown: CancellationToken,
    place: OwnedSemaphorePermit,
) {
    // Events are small and should not wait for more.
    let _ = stream.set_nodelay(true);
    match tls {
        None => requests(stream, router, &shutdown).await,
        Some(tls) => {
            let acceptor = TlsAcceptor::from(tls.current());
            match timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => requests(stream, router, &shutdown).await,
                Ok(Err(error)) => tracing::debug!(%error, "A TLS handshake failed"),
                Err(_) => tracing::debug!("A TLS handshake took too long"),
            }
        }
    }
    drop(place);
}

async fn requests<S>(stream: S, router: Router, shutdown: &CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_header_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(
            TokioIo::new(Impatient::new(stream)),
            TowerToHyperService::new(router),
        );
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match timeout(DRAIN_TIMEOUT, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "A connection ended early");
    }
}

/// A stream whose other end must read: writing that gets nowhere for [`WRITE_TIMEOUT`] is an error.
struct Impatient<S> {
    stream: S,
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Impatient<S> {
    fn new(stream: S) -> Self {
        Self { stream, stuck: None }
    }

    /// Lets `result` through, unless nothing was written for too long.
    fn limited<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stuck = None;
            return result;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
        match stuck.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.limited(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.limited(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.limited(cx, ended)
    }
}
