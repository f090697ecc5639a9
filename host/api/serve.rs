//! Connections: how many, and how long each may take for what.
//!
//! Invariant: a client that sends nothing, or reads nothing, holds one of the places for a bounded time and nothing
//! else; accepting never waits for a client.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::server::conn::http1;
use hyper::service::Service;
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

/// Bytes of the head of a request.
pub const MAX_HEADER_BYTES: usize = 32 << 10;
/// Header lines of a request.
pub const MAX_HEADERS: usize = 64;
/// When no connection can be accepted, such as for want of file descriptors, the next try is after this time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// How many connections, and how long a client may take for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeLimits {
    /// Connections at a time; further ones wait in the operating system.
    pub connections: usize,
    /// How long a client may take to send the head of a request, and to begin the next one.
    pub header: Duration,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long a client may read nothing while there is something for it.
    pub write: Duration,
    /// How long requests that are being answered may go on when the host stops.
    pub drain: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections: 512,
            header: Duration::from_secs(15),
            handshake: Duration::from_secs(10),
            write: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

/// Answers connections until it is told to stop; then lets the open requests end, for a while.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<TlsReload>>,
    router: Router,
    shutdown: CancellationToken,
) {
    serve_within(ServeLimits::default(), listener, tls, router, shutdown).await;
}

/// As [`serve`], within limits of the caller's.
pub async fn serve_within(
    limits: ServeLimits,
    listener: TcpListener,
    tls: Option<Arc<TlsReload>>,
    router: Router,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
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
            Some((place, Ok((stream, address)))) => {
                let client = Client {
                    peer: Peer(address.ip().to_canonical()),
                    limits,
                    router: router.clone(),
                    shutdown: shutdown.clone(),
                    _place: place,
                };
                connections.spawn(client.serve(stream, tls.clone()));
            }
            Some((_, Err(error))) => {
                tracing::warn!(%error, "A connection cannot be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.close();
    // Each ends by itself within the time; what comes on top is for those in a handshake.
    let _ = timeout(limits.drain.max(limits.handshake), connections.wait()).await;
}

async fn place(places: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        return Some(place);
    }
    tracing::warn!("All connections are taken: further clients wait");
    Arc::clone(places).acquire_owned().await.ok()
}

/// The address that a request comes from; an extension of it. That of a proxy, where one stands before the host: what such a one
/// says of others could be said by anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer(pub(super) IpAddr);

/// Says with each request of a connection where it comes from.
struct Named<S> {
    peer: Peer,
    service: S,
}

impl<S, B> Service<Request<B>> for Named<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.service.call(request)
    }
}

/// What one connection is served with, in a task of its own, so that a client that is silent in its handshake keeps
/// nobody waiting.
struct Client {
    peer: Peer,
    limits: ServeLimits,
    router: Router,
    shutdown: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Client {
    async fn serve(self, stream: TcpStream, tls: Option<Arc<TlsReload>>) {
        // Events are small and should not wait for more.
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else {
            return self.requests(stream).await;
        };
        let handshake = TlsAcceptor::from(tls.current()).accept(stream);
        match timeout(self.limits.handshake, handshake).await {
            Ok(Ok(stream)) => self.requests(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "A TLS handshake failed"),
            Err(_) => tracing::debug!("A TLS handshake took too long"),
        }
    }

    async fn requests<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header)
            .max_header_size(MAX_HEADER_BYTES)
            .max_headers(MAX_HEADERS)
            .serve_connection(
                TokioIo::new(Impatient::new(stream, self.limits.write)),
                Named {
                    peer: self.peer,
                    service: TowerToHyperService::new(self.router),
                },
            );
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                match timeout(self.limits.drain, connection).await {
                    Ok(ended) => ended,
                    Err(_) => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "A connection ended early");
        }
    }
}

/// A stream whose other end must read: writing that gets nowhere for a while is an error.
struct Impatient<S> {
    stream: S,
    patience: Duration,
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Impatient<S> {
    fn new(stream: S, patience: Duration) -> Self {
        Self {
            stream,
            patience,
            stuck: None,
        }
    }

    /// Lets `result` through, unless nothing was written for too long.
    fn limited<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stuck = None;
            return result;
        }
        let patience = self.patience;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
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

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, buffers);
        self.limited(cx, written)
    }

    /// Without it hyper copies everything that is sent behind the head of its answer: media, and playlists of megabytes.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn pieces_are_sent_as_they_are_without_a_copy() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut stream = Impatient::new(ours, Duration::from_secs(60));
        assert!(stream.is_write_vectored(), "hyper would copy each body");
        let pieces = [io::IoSlice::new(b"head"), io::IoSlice::new(b"body")];
        assert_eq!(stream.write_vectored(&pieces).await.unwrap(), 8);
        let mut sent = [0; 8];
        theirs.read_exact(&mut sent).await.unwrap();
        assert_eq!(&sent, b"headbody");
    }
}
