//! One RTSP connection: reads requests, answers them through the one writer, and keeps its session.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rtsp_types::{Request, Response, StatusCode, Version, headers};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::auth::Guard;
use super::outbox::{Outbox, outbox};
use super::request::{Received, Requests};
use super::session::Session;

/// Within which a request that has begun must be complete.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the last answer may take to reach the client.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(2);
/// How often time-outs are looked at, at most.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// An answer before it knows its request.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(headers::HeaderName, String)>,
    pub(super) body: Vec<u8>,
    /// Start to play once the answer is on its way.
    pub(super) play: bool,
}

impl Reply {
    pub(super) fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            play: false,
        }
    }

    pub(super) fn with(mut self, name: headers::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Connection<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) client: SocketAddr,
    /// Our own address, as the client sees it.
    pub(super) local: SocketAddr,
    pub(super) guard: Guard<'a>,
    pub(super) outbox: Outbox,
    pub(super) session: Option<Session>,
    /// Too many clients: say so and close.
    full: bool,
    heard: Duration,
}

/// Serves a client until it leaves, is cut off, or the camera stops.
pub(super) async fn serve(shared: Arc<Shared>, tcp: TcpStream, client: SocketAddr, full: bool) {
    let Ok(local) = tcp.local_addr() else { return };
    // Small answers should not wait for more to come; without it all works, only later.
    let _ = tcp.set_nodelay(true);
    let broken = shared.stop.child_token();
    let (read, write) = tcp.into_split();
    let (outbox, writer) = outbox(broken.clone());
    // Ends when the outbox is dropped or the connection is broken off.
    let written = shared.tasks.spawn(writer.run(write));
    let mut requests = Requests::new(read);
    let connection = Connection {
        guard: Guard::new(&shared.options.users, shared.options.auth),
        heard: shared.options.clock.monotonic(),
        shared: &shared,
        client,
        local,
        outbox,
        session: None,
        full,
    };
    // Dropping the connection ends its session, whose packets then no longer hold the writer.
    connection.run(&mut requests, &broken).await;
    let closing = async {
        let _ = written.await;
        requests.drain().await;
    };
    let _ = tokio::time::timeout(CLOSING_TIMEOUT, closing).await;
    broken.cancel();
}

impl Connection<'_> {
    async fn run(mut self, requests: &mut Requests<OwnedReadHalf>, broken: &CancellationToken) {
        let tick = CHECK_EVERY
            .min(self.shared.options.session_timeout / 4)
            .max(Duration::from_millis(10));
        loop {
            let received = tokio::select! {
                () = broken.cancelled() => return,
                received = tokio::time::timeout(tick, requests.next()) => received,
            };
            let Ok(received) = received else {
                if self.is_expired(requests.is_torn()) {
                    return;
                }
                continue;
            };
            self.heard = self.shared.options.clock.monotonic();
            match received {
                Received::Alive => {}
                Received::Closed => return,
                Received::Malformed { status, cseq } => return self.answer(cseq, Reply::new(status)),
                Received::Request(request) => {
                    if !self.handle(&request).await {
                        return;
                    }
                }
            }
        }
    }

    /// Answers a request; `false` when the connection is to be closed.
    async fn handle(&mut self, request: &Request<Vec<u8>>) -> bool {
        let cseq = request
            .header(&headers::CSEQ)
            .and_then(|value| value.as_str().trim().parse::<u32>().ok());
        if cseq.is_none() {
            self.answer(None, Reply::new(StatusCode::BadRequest));
            return false;
        }
        if self.full {
            self.answer(cseq, Reply::new(StatusCode::ServiceUnavailable));
            return false;
        }
        let reply = if request.version() == Version::V1_0 {
            self.reply(request).await
        } else {
            Reply::new(StatusCode::RTSPVersionNotSupported)
        };
        let play = reply.play;
        self.answer(cseq, reply);
        if let (true, Some(session)) = (play, &mut self.session) {
            session.play(self.shared);
        }
        true
    }

    fn answer(&self, cseq: Option<u32>, reply: Reply) {
        let mut response = Response::builder(Version::V1_0, reply.status);
        if let Some(cseq) = cseq {
            response = response.header(headers::CSEQ, cseq.to_string());
        }
        response = response.header(headers::SERVER, concat!("mediagraph/", env!("CARGO_PKG_VERSION")));
        for (name, value) in reply.headers {
            response = response.header(name, value);
        }
        let mut bytes = Vec::new();
        match response.build(reply.body).write(&mut bytes) {
            Ok(()) => self.outbox.push(bytes.into()),
            Err(error) => tracing::error!(%error, "answer cannot be written"),
        }
    }

    /// Whether the client has been silent for too long.
    fn is_expired(&self, torn: bool) -> bool {
        let now = self.shared.options.clock.monotonic();
        if torn && now.saturating_sub(self.heard) > REQUEST_TIMEOUT {
            self.answer(None, Reply::new(StatusCode::RequestTimeout));
            return true;
        }
        let by_udp = match &self.session {
            // A client that no longer reads is found out by its outbox.
            Some(session) if session.is_playing() && session.is_interleaved() => return false,
            Some(session) => session.heard(),
            None => Duration::ZERO,
        };
        let expired = now.saturating_sub(self.heard.max(by_udp)) > self.shared.options.session_timeout;
        if expired {
            tracing::info!(client = %self.client, "client is gone");
        }
        expired
    }
}
