//! A client of the control plane, for the commands that ask a running host.
//!
//! Invariants: every wait has a bound with a name, every reply is bounded in size, redirects are not followed and no
//! proxy is asked (a token must not go elsewhere); text of the server passes [`super::table::clean`] before people
//! see it.

pub mod args;
pub mod error;
pub mod method;
pub mod problem;
pub mod stream;
pub mod tls;

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

pub use args::ServerArgs;
use error::ClientError;
pub use method::MethodReply;
pub use problem::{Problem, Written};

use super::Failure;

/// How long a host may take to take up a connection.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a host may take to answer what it knows at once.
pub const REPLY_LIMIT: Duration = Duration::from_secs(30);
/// How long it may take to activate or to drain an instance, as Live Video Analytics advised.
pub const TRANSITION_LIMIT: Duration = Duration::from_secs(300);
/// Bytes of one reply.
pub const MAX_REPLY_BYTES: usize = 64 << 20;
/// The code with which the host refuses requests for a name that is not its own.
const HOST_NOT_ALLOWED: &str = "HostNotAllowed";
/// What bodies are.
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// A hub message with properties beside its body.
pub const MESSAGE: HeaderValue = HeaderValue::from_static("application/vnd.mediagraph.message+json");

/// A client of one host. `Debug` does not show the token.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<HeaderValue>,
}

/// What to ask.
#[derive(Debug)]
pub struct Request<'a> {
    method: Method,
    path: Vec<&'a str>,
    query: Vec<(&'a str, &'a str)>,
    body: Option<(HeaderValue, Vec<u8>)>,
    limit: Duration,
}

impl<'a> Request<'a> {
    /// Asks for what is there.
    #[must_use]
    pub fn get(path: &[&'a str]) -> Self {
        Self::new(Method::GET, path)
    }

    /// Any method, without a body.
    #[must_use]
    pub fn new(method: Method, path: &[&'a str]) -> Self {
        Self {
            method,
            path: path.to_vec(),
            query: Vec::new(),
            body: None,
            limit: REPLY_LIMIT,
        }
    }

    /// Adds to the query, if there is a value.
    #[must_use]
    pub fn query(mut self, name: &'a str, value: Option<&'a str>) -> Self {
        self.query.extend(value.map(|value| (name, value)));
        self
    }

    /// With JSON.
    #[must_use]
    pub fn json(self, body: Vec<u8>) -> Self {
        self.body(JSON, body)
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, content_type: HeaderValue, body: Vec<u8>) -> Self {
        self.body = Some((content_type, body));
        self
    }

    /// With another bound than [`REPLY_LIMIT`].
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Of HTTP.
    pub status: StatusCode,
    /// As it came.
    pub body: Vec<u8>,
    /// The host's clock, to the second.
    pub date: Option<Timestamp>,
}

impl Reply {
    /// The body as JSON; null when there is none.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn json(&self) -> Result<Value, Failure> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|_| Failure::failed(ClientError::NotOurs))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    /// A client of the host at `base`.
    ///
    /// # Errors
    /// When the client cannot be set up.
    pub fn new(base: Url, token: Option<HeaderValue>, tls: rustls::ClientConfig) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_LIMIT)
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(concat!("mediagraph/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Failure::failed)?;
        Ok(Self { http, base, token })
    }

    /// Asks, and gives whatever is answered, errors of the host among it.
    ///
    /// # Errors
    /// When there is no answer, or one that says that the token will not do.
    pub async fn ask(&self, request: Request<'_>) -> Result<Reply, Failure> {
        let limit = request.limit;
        let response = self
            .prepared(&request)
            .timeout(limit)
            .send()
            .await
            .map_err(|error| self.failed(&error, limit))?;
        let reply = self.read(response, limit).await?;
        self.check_access(&reply)?;
        Ok(reply)
    }

    /// Asks, and fails when the host answers with an error. `what` says what was wanted, as in
    /// ``cannot {what}``.
    ///
    /// # Errors
    /// As [`Client::ask`], and for every status that is no success.
    pub async fn expect(&self, what: &str, request: Request<'_>) -> Result<Reply, Failure> {
        let reply = self.ask(request).await?;
        if reply.status.is_success() {
            return Ok(reply);
        }
        Err(Problem::of(&reply).failure(what, Written::Nowhere))
    }

    /// Asks for a stream, and hands over the answer once its head is there.
    ///
    /// # Errors
    /// As [`Client::expect`].
    pub async fn open(
        &self,
        what: &str,
        request: Request<'_>,
        last: Option<&str>,
    ) -> Result<Response, Failure> {
        let mut prepared = self.prepared(&request);
        if let Some(id) = last {
            prepared = prepared.header("Last-Event-ID", id);
        }
        let head = tokio::time::timeout(request.limit, prepared.send()).await;
        let response = head
            .map_err(|_| Failure::failed(self.timed_out(request.limit)))?
            .map_err(|error| self.failed(&error, request.limit))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let reply = self.read(response, request.limit).await?;
        self.check_access(&reply)?;
        Err(Problem::of(&reply).failure(what, Written::Nowhere))
    }

    /// The whole of an address that the host gave relative to its own.
    #[must_use]
    pub fn address_of(&self, relative: &str) -> String {
        format!("{}/{relative}", error::shown(&self.base))
    }

    fn prepared(&self, request: &Request<'_>) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&request.path);
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let mut prepared = self.http.request(request.method.clone(), url);
        if let Some(token) = &self.token {
            prepared = prepared.header(AUTHORIZATION, token);
        }
        match &request.body {
            Some((content_type, body)) => prepared.header(CONTENT_TYPE, content_type).body(body.clone()),
            // The host wants a content type from everything that changes something: a web page cannot send this one.
            None if request.method != Method::GET => prepared.header(CONTENT_TYPE, JSON),
            None => prepared,
        }
    }

    async fn read(&self, mut response: Response, limit: Duration) -> Result<Reply, Failure> {
        let (status, date) = (response.status(), date(&response));
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.failed(&error, limit))?
        {
            if body.len() + chunk.len() > MAX_REPLY_BYTES {
                return Err(Failure::failed(ClientError::TooLarge));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, body, date })
    }

    fn failed(&self, error: &reqwest::Error, limit: Duration) -> Failure {
        Failure::failed(ClientError::of(error, &self.base, limit))
    }

    fn timed_out(&self, limit: Duration) -> ClientError {
        ClientError::TimedOut {
            server: error::shown(&self.base),
            seconds: limit.as_secs(),
        }
    }

    /// What every command fails at in the same way: who may ask at all.
    fn check_access(&self, reply: &Reply) -> Result<(), Failure> {
        let error = match (reply.status, &self.token) {
            (StatusCode::UNAUTHORIZED, None) => ClientError::NoToken,
            (StatusCode::UNAUTHORIZED, Some(_)) => ClientError::WrongToken,
            (StatusCode::FORBIDDEN, _) => {
                let problem = Problem::of(reply);
                let why = problem.message();
                match problem.code() {
                    HOST_NOT_ALLOWED => ClientError::OtherHost { why },
                    _ => ClientError::Forbidden { why },
                }
            }
            (status, _) if status.is_redirection() => ClientError::Elsewhere,
            _ => return Ok(()),
        };
        Err(Failure::failed(error))
    }
}

fn date(response: &Response) -> Option<Timestamp> {
    let text = response.headers().get(DATE)?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
}
