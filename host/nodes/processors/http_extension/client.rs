//! Asking a server over HTTP: one request for each frame, over a connection that is kept.
//!
//! Invariants: nothing is connected to that the policy refuses, whatever the URL's name leads to; neither the time nor the
//! bytes of an answer are without a bound; redirects and proxies are not followed, since frames and credentials would go along.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use url::{Host, Url};

use super::super::server::address::{self, NotAllowed};
use super::super::server::answer::Said;
use super::super::server::error::ServerError;
use super::super::server::place::Server;
use super::login::Login;
use crate::nodes::reach::Reach;
use crate::nodes::sources::rtsp::tls::{Peer, explained_to, trusting_nobody};

/// Without a connection after so long there is none.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// A request and its whole answer take at most so long: a slow detector on a slow machine takes some seconds.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(10);
/// Bytes of an answer. A hundred boxes have about 20 kB.
pub(super) const MAX_ANSWER_BYTES: usize = 1 << 20;
/// A busy server that does not say for how long is left alone for so long.
const BUSY_WAIT: Duration = Duration::from_secs(2);
/// What the module of Live Video Analytics called itself.
const USER_AGENT: &str = "Azure Media Services";
const ACCEPTED: &str = "application/json, */*";
const REQUEST_ID: &str = "x-ms-client-request-id";

/// A server, and how it is talked to.
#[derive(Debug)]
pub struct HttpClient {
    http: Client,
    url: Url,
    server: Server,
    login: Login,
    reach: Arc<dyn Reach>,
}

/// Whether requests can be made as the topology wants them.
///
/// # Errors
/// What they cannot have.
pub fn check(server: &Server) -> Result<(), String> {
    Login::new(server).map(drop)
}

impl HttpClient {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// When the topology says something that a request cannot have.
    pub fn new(server: Server, reach: Arc<dyn Reach>) -> Result<Self, String> {
        let url = server.target.url.clone();
        let addresses = Addresses {
            reach: Arc::clone(&reach),
            scheme: url.scheme().to_owned(),
        };
        let tls = match &server.target.tls {
            Some(tls) => tls.config(),
            None => trusting_nobody().map_err(|error| error.to_string())?,
        };
        let http = Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIME)
            .timeout(ANSWER_TIME)
            .redirect(Policy::none())
            .no_proxy()
            .pool_max_idle_per_host(1)
            .dns_resolver(Arc::new(addresses))
            .build()
            .map_err(|error| format!("no client: {error}"))?;
        Ok(Self {
            http,
            url,
            login: Login::new(&server)?,
            server,
            reach,
        })
    }

    /// Sends an image, and gives what the server says of it. `now` tells how long a moment is away that the server names.
    ///
    /// # Errors
    /// Why there is no answer that can be used, without secrets.
    pub async fn ask(
        &mut self,
        image: Bytes,
        content_type: &'static str,
        now: Timestamp,
    ) -> Result<Said, ServerError> {
        let asked = self.ask_twice(image, content_type, now).await;
        asked.map_err(|error| error.retold(|text| self.server.hide(text)))
    }

    /// Once more when the server wants to know who asks.
    async fn ask_twice(
        &mut self,
        image: Bytes,
        content_type: &'static str,
        now: Timestamp,
    ) -> Result<Said, ServerError> {
        self.is_allowed()?;
        let mut response = self.send(image.clone(), content_type).await?;
        if response.status() == StatusCode::UNAUTHORIZED && self.login.challenged(response.headers())? {
            response = self.send(image, content_type).await?;
        }
        self.read(response, now).await
    }

    /// A name is asked about when it is looked up; an address is not looked up.
    fn is_allowed(&self) -> Result<(), ServerError> {
        let address = match self.url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        match self.reach.refusal(address, self.url.scheme()) {
            None => Ok(()),
            Some(why) => Err(ServerError::Refused(refused(address, &why))),
        }
    }

    async fn send(&mut self, image: Bytes, content_type: &'static str) -> Result<Response, ServerError> {
        let mut request = self
            .http
            .post(self.url.clone())
            .header(ACCEPT, ACCEPTED)
            .header(CONTENT_TYPE, content_type)
            .header(REQUEST_ID, uuid::Uuid::new_v4().to_string());
        if let Some((name, value)) = self.login.header(&self.url, &image) {
            request = request.header(name, value);
        }
        request
            .body(image)
            .send()
            .await
            .map_err(|error| self.failed(&error))
    }

    async fn read(&self, response: Response, now: Timestamp) -> Result<Said, ServerError> {
        let status = response.status();
        match status {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT => return Ok(Said::Nothing),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(ServerError::Login(status.as_u16()));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                let asked = response.headers().get(RETRY_AFTER);
                let wait = asked.and_then(|value| retry_after(value.to_str().ok()?, now));
                return Err(ServerError::Busy {
                    status: status.as_u16(),
                    wait: wait.unwrap_or(BUSY_WAIT),
                });
            }
            other => {
                return Err(ServerError::Status {
                    status: other.as_u16(),
                    hint: remedy(other).map_or_else(String::new, |hint| format!("\nhint: {hint}")),
                });
            }
        }
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let bytes = self.body(response).await?;
        Ok(Said::Content { content_type, bytes })
    }

    /// The whole body, but not more than may be. What it says of its length is not believed beyond that.
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, ServerError> {
        let most = u64::try_from(MAX_ANSWER_BYTES).unwrap_or(u64::MAX);
        if response.content_length().is_some_and(|length| length > most) {
            return Err(ServerError::TooLarge(MAX_ANSWER_BYTES));
        }
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() > MAX_ANSWER_BYTES => {
                    return Err(ServerError::TooLarge(MAX_ANSWER_BYTES));
                }
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => return Ok(bytes),
                Err(error) if error.is_timeout() => return Err(ServerError::TimedOut(ANSWER_TIME)),
                Err(error) => {
                    return Err(ServerError::Answer(format!(
                        "it ends after {} bytes, before its end: {}",
                        bytes.len(),
                        innermost(&error)
                    )));
                }
            }
        }
    }

    fn failed(&self, error: &reqwest::Error) -> ServerError {
        if let Some(refused) = find::<NotAllowed>(error) {
            return ServerError::Refused(refused.0.clone());
        }
        let host = self.url.host_str().unwrap_or_default();
        if let Some(tls) = find::<rustls::Error>(error) {
            let explained = explained_to(tls, Peer::SERVER, host);
            return ServerError::Tls(explained.unwrap_or_else(|| format!("TLS to the server failed: {tls}")));
        }
        let port = self.url.port_or_known_default().unwrap_or_default();
        let why = innermost(error);
        if error.is_timeout() && !error.is_connect() {
            return ServerError::TimedOut(ANSWER_TIME);
        }
        ServerError::Network(if error.is_connect() {
            format!(
                "cannot connect to {host}:{port}: {why}\nhint: see whether the server runs and listens there; a name of a \
                 container is known only in its own network"
            )
        } else {
            format!("the connection to {host}:{port} broke: {why}")
        })
    }
}

/// What to do about a status.
fn remedy(status: StatusCode) -> Option<&'static str> {
    Some(match status.as_u16() {
        300..=399 => {
            "redirects are not followed, since the frames would go along: use the URL that it leads to"
        }
        400 | 415 | 422 => {
            "the server does not take this image: compare `image` of the topology with what it wants"
        }
        404 | 405 => "the path of the URL is wrong: frames are sent with POST",
        413 => "the image is too large for the server: make `image.scale` smaller",
        500 | 502 | 504 => "look into the log of the server",
        _ => return None,
    })
}

/// `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::parse(value.trim()).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

fn refused(address: IpAddr, why: &str) -> String {
    format!(
        "the policy of this host refuses connections to `{address}`: {why}\n\
         hint: use another address, or let the owner of the host change the policy"
    )
}

/// Looks names up, and leaves out what the policy refuses.
#[derive(Debug)]
struct Addresses {
    reach: Arc<dyn Reach>,
    scheme: String,
}

impl Resolve for Addresses {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, scheme) = (Arc::clone(&self.reach), self.scheme.clone());
        // The port is put in by whoever asked.
        Box::pin(async move {
            let addresses = address::allowed(name.as_str(), 0, &scheme, &*reach).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The cause of this type, however deep.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    // An I/O error shows the source of what it wraps, and not that itself.
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match wrapped {
        Some(wrapped) => find(wrapped),
        None => find(error.source()?),
    }
}

fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_in_two_ways_when_it_is_to_be_asked_again() {
        let now: Timestamp = "1994-11-06T08:49:30Z".parse().unwrap();
        let after = |value| retry_after(value, now);
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            after("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::from_secs(7))
        );
        assert_eq!(after("Sun, 06 Nov 1994 08:49:20 GMT"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);
        assert_eq!(after("-1"), None);
    }
}
