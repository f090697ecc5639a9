//! What each RTSP method does (RFC 2326, section 10).

use rtsp_types::headers::{self, HeaderName, Transports};
use rtsp_types::{Method, Request, StatusCode};

use super::catalog::Target;
use super::connection::{Connection, Reply};
use super::sdp::describe;
use super::session::Session;
use super::transport::{Path, Wish};

/// What OPTIONS and 405 tell.
const METHODS: &str = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER, SET_PARAMETER";
const SDP: &str = "application/sdp";

type Asked = Request<Vec<u8>>;
/// A request goes well, or is refused; both are answers.
type Answer = Result<Reply, Reply>;

fn refuse<T>(status: StatusCode) -> Result<T, Reply> {
    Err(Reply::new(status))
}

fn text<'a>(request: &'a Asked, name: &HeaderName) -> Option<&'a str> {
    request.header(name).map(|value| value.as_str())
}

impl Connection<'_> {
    /// The answer to a request.
    pub(super) async fn reply(&mut self, request: &Asked) -> Reply {
        let method = <&str>::from(request.method());
        // What a server can do is no secret, and some clients ask before they log in.
        let open = *request.method() == Method::Options;
        if !open && !self.guard.admits(method, text(request, &headers::AUTHORIZATION)) {
            return Reply::new(StatusCode::Unauthorized)
                .with(headers::WWW_AUTHENTICATE, self.guard.challenge());
        }
        let answer = match request.method() {
            Method::Options => self.options(request),
            Method::Describe => self.describe(request),
            Method::Setup => self.setup(request).await,
            Method::Play => self.play(request),
            Method::Teardown => self.teardown(request),
            Method::GetParameter | Method::SetParameter => self.parameters(request),
            Method::Extension(_) => Ok(Reply::new(StatusCode::NotImplemented)),
            _ => Ok(Reply::new(StatusCode::MethodNotAllowed).with(headers::ALLOW, METHODS)),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }

    fn find(&self, request: &Asked) -> Result<Target, Reply> {
        let target = request
            .request_uri()
            .and_then(|url| self.shared.catalog.find(url));
        target.ok_or_else(|| Reply::new(StatusCode::NotFound))
    }

    /// Refuses a `Session` that is not this connection's.
    fn check_session(&self, request: &Asked) -> Result<(), Reply> {
        let Some(named) = text(request, &headers::SESSION) else {
            return Ok(());
        };
        let named = named.split(';').next().unwrap_or_default().trim();
        match &self.session {
            Some(session) if session.id == named => Ok(()),
            _ => refuse(StatusCode::SessionNotFound),
        }
    }

    fn session_header(&self, reply: Reply) -> Reply {
        match &self.session {
            Some(session) => {
                let seconds = self.shared.options.session_timeout.as_secs().max(1);
                reply.with(headers::SESSION, format!("{};timeout={seconds}", session.id))
            }
            None => reply,
        }
    }

    fn options(&self, request: &Asked) -> Answer {
        self.check_session(request)?;
        Ok(self.session_header(Reply::new(StatusCode::Ok).with(headers::PUBLIC, METHODS)))
    }

    fn describe(&self, request: &Asked) -> Answer {
        let target = self.find(request)?;
        let accepted =
            text(request, &headers::ACCEPT).is_none_or(|types| types.contains(SDP) || types.contains("*/*"));
        if !accepted {
            return refuse(StatusCode::NotAcceptable);
        }
        let id = self.shared.started.as_second().unsigned_abs();
        let mut reply = Reply::new(StatusCode::Ok)
            .with(headers::CONTENT_TYPE, SDP)
            .with(headers::CONTENT_BASE, target.base.clone());
        reply.body = describe(&target.stream, self.local.ip(), id).into_bytes();
        Ok(reply)
    }

    async fn setup(&mut self, request: &Asked) -> Answer {
        let target = self.find(request)?;
        self.check_session(request)?;
        let number = match target.track {
            Some(number) => number,
            None if target.stream.program.lines().len() == 1 => 0,
            None => return refuse(StatusCode::AggregateOperationNotAllowed),
        };
        let Ok(Some(offers)) = request.typed_header::<Transports>() else {
            return refuse(StatusCode::BadRequest);
        };
        let Some(wish) = Wish::first(&offers) else {
            return refuse(StatusCode::UnsupportedTransport);
        };
        let mut session = match self.session.take() {
            None => Session::new(target.stream, target.base),
            // One stream a session, one session a connection.
            Some(session) if session.is_playing() || session.stream.name != target.stream.name => {
                self.session = Some(session);
                return refuse(StatusCode::MethodNotValidInThisState);
            }
            Some(session) => session,
        };
        let path = self.path(&session, number, wish).await;
        let answer = path.map(|path| {
            let transport = self.transport_header(&path, wish);
            let ssrc = session.prepare(number, path, self.shared);
            Reply::new(StatusCode::Ok).with(
                headers::TRANSPORT,
                format!("{transport};ssrc={ssrc:08X};mode=\"PLAY\""),
            )
        });
        // A refused SETUP leaves no empty session behind.
        self.session = session.is_ready().then_some(session);
        answer.map(|reply| self.session_header(reply))
    }

    async fn path(&self, session: &Session, number: usize, wish: Wish) -> Result<Path, Reply> {
        match wish {
            Wish::Interleaved(channels) => {
                let wanted = channels.or_else(|| session.free_channels());
                let Some((rtp, rtcp)) = wanted.filter(|pair| session.are_free(number, *pair)) else {
                    return refuse(StatusCode::UnsupportedTransport);
                };
                Ok(Path::Interleaved {
                    outbox: self.outbox.clone(),
                    rtp,
                    rtcp,
                })
            }
            Wish::Udp(rtp, rtcp) => {
                let path = Path::udp(self.local.ip(), self.client.ip(), (rtp, rtcp)).await;
                path.map_err(|error| {
                    tracing::error!(%error, "no sockets for a client");
                    Reply::new(StatusCode::InternalServerError)
                })
            }
        }
    }

    fn transport_header(&self, path: &Path, wish: Wish) -> String {
        match (path, wish) {
            (Path::Interleaved { rtp, rtcp, .. }, _) => {
                format!("RTP/AVP/TCP;unicast;interleaved={rtp}-{rtcp}")
            }
            (Path::Udp { .. }, Wish::Udp(rtp, rtcp)) => {
                let (own_rtp, own_rtcp) = path.server_ports().unwrap_or_default();
                let source = self.local.ip();
                format!(
                    "RTP/AVP/UDP;unicast;source={source};client_port={rtp}-{rtcp};server_port={own_rtp}-{own_rtcp}"
                )
            }
            (Path::Udp { .. }, Wish::Interleaved(_)) => String::new(),
        }
    }

    /// Always from the file's start: a camera has no past, so a `Range` that begins elsewhere is not followed.
    fn play(&mut self, request: &Asked) -> Answer {
        let session = self.own_session(request)?;
        if session.stream.name != self.find(request)?.stream.name {
            return refuse(StatusCode::NotFound);
        }
        let mut reply = Reply::new(StatusCode::Ok)
            .with(headers::RANGE, "npt=0.000-")
            .with(headers::RTP_INFO, session.rtp_info());
        reply.play = true;
        Ok(self.session_header(reply))
    }

    fn teardown(&mut self, request: &Asked) -> Answer {
        self.own_session(request)?;
        let reply = self.session_header(Reply::new(StatusCode::Ok));
        self.session = None;
        Ok(reply)
    }

    /// The session that a request must name.
    fn own_session(&self, request: &Asked) -> Result<&Session, Reply> {
        self.check_session(request)?;
        match (&self.session, text(request, &headers::SESSION)) {
            (Some(session), Some(_)) => Ok(session),
            (Some(_), None) => refuse(StatusCode::SessionNotFound),
            (None, _) => refuse(StatusCode::MethodNotValidInThisState),
        }
    }

    /// Clients use both as signs of life; there are no parameters to ask for or to set.
    fn parameters(&self, request: &Asked) -> Answer {
        self.check_session(request)?;
        if request.body().is_empty() {
            Ok(self.session_header(Reply::new(StatusCode::Ok)))
        } else {
            refuse(StatusCode::ParameterNotUnderstood)
        }
    }
}
