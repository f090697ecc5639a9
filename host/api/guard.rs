//! What every request passes before a handler sees it, in this order: the host that it was sent to and the site that it
//! comes from; its token and whether that allows the route; its query; its content type; its body, of bounded size and
//! in bounded time. Then the handler has its time.
//!
//! Invariant: a handler is only reached through [`answer`], with the row that it stands in.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::on;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::auth::{Caller, Denied, Role};
use super::problem::Problem;
use super::query::Query;
use super::serve::Peer;
use super::table::{
    Bound, COMPONENT_TYPE, Content, LONG_TIMEOUT, Need, REQUEST_TIMEOUT, ROUTES, Route, Scope,
};
use super::{Api, Shared};
use crate::graph::components::MAX_COMPONENT_BYTES;
use crate::topology::diagnostics::shown;
use crate::topology::limits::MAX_DOCUMENT_BYTES;

/// Bytes of a body: a topology, and what a call puts around it.
pub(super) const MAX_BODY_BYTES: usize = MAX_DOCUMENT_BYTES + (64 << 10);
/// How long a client may take to send a body.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a client may take to send a component.
const COMPONENT_TIMEOUT: Duration = Duration::from_secs(120);
/// Components that are received at once; more wait for their turn.
pub(super) const MAX_COMPONENTS_AT_ONCE: usize = 2;
/// A message with properties, for hub inputs.
pub(super) const MESSAGE_TYPE: &str = "application/vnd.mediagraph.message+json";

/// A request that passed.
#[derive(Debug)]
pub(super) struct Call {
    /// Who asks.
    pub(super) caller: Caller,
    /// The address that it comes from; none when nobody has said it.
    pub(super) peer: Option<IpAddr>,
    /// The parameters of the path.
    pub(super) path: Vec<(String, String)>,
    /// The parameters of the query.
    pub(super) query: Query,
    /// The head of the request.
    pub(super) headers: HeaderMap,
    /// Read whole.
    pub(super) body: Bytes,
    /// Held while a body is in memory that may be large.
    _turn: Option<OwnedSemaphorePermit>,
}

impl Call {
    /// A parameter of the path; empty when the route has none of this name.
    pub(super) fn named(&self, name: &str) -> &str {
        let found = self.path.iter().find(|(one, _)| one == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// The router of all rows.
pub(super) fn router(api: &Shared) -> Router {
    let mut router = Router::new();
    for row in ROUTES {
        let api = Arc::clone(api);
        let handler = move |path: Result<RawPathParams, RawPathParamsRejection>, request: Request| {
            let path = path.ok().map(|path| {
                let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
                path.iter().map(owned).collect()
            });
            answer(Arc::clone(&api), row, path, request)
        };
        router = router.route(row.path, on(row.verb.filter(), handler));
    }
    let (not_there, not_so) = (Arc::clone(api), Arc::clone(api));
    router
        .fallback(
            move |request: Request| async move { finish(refuse(&not_there, &request, nowhere(&request))) },
        )
        .method_not_allowed_fallback(move |request: Request| async move {
            let message = format!(
                "{} is not for `{}`",
                shown(request.uri().path()),
                request.method()
            );
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", &message);
            finish(refuse(&not_so, &request, problem))
        })
}

fn nowhere(request: &Request) -> Problem {
    let message = format!("there is nothing at {}", shown(request.uri().path()));
    let hint = "`GET /api/openapi.json` describes what there is";
    Problem::with_hint(StatusCode::NOT_FOUND, "NotFound", &message, hint)
}

/// What has no row is told apart only for those who may ask at all.
fn refuse(api: &Api, request: &Request, problem: Problem) -> Response<Body> {
    let known = arrived(api, request).and_then(|host| {
        let caller = identify(api, request.headers(), None)?;
        Ok((host, caller))
    });
    known.err().unwrap_or(problem).into_response()
}

fn arrived<'a>(api: &Api, request: &'a Request) -> Result<&'a str, Problem> {
    api.hosts.check(request.headers(), request.uri())
}

/// Answers a request for a route.
async fn answer(
    api: Shared,
    row: &'static Route,
    path: Option<Vec<(String, String)>>,
    request: Request,
) -> Response<Body> {
    let bound = match row.bound {
        Bound::Long => LONG_TIMEOUT,
        // A stream is quick until its head is out; then it ends when either end goes.
        Bound::Quick | Bound::Stream => REQUEST_TIMEOUT,
    };
    let work = async {
        match admit(&api, row, path, request).await {
            Ok(call) => {
                let caller = call.caller.token.clone();
                let named: Vec<String> = call.path.iter().map(|(_, value)| shown(value)).collect();
                let answer = (row.handler)(Arc::clone(&api), call).await;
                record(row, &named.join(" "), caller.as_deref(), &answer);
                answer
            }
            Err(problem) => Err(problem),
        }
    };
    let answered = timeout(bound, work).await.unwrap_or_else(|_| Err(too_long()));
    finish(answered.unwrap_or_else(Problem::into_response))
}

fn too_long() -> Problem {
    Problem::with_hint(
        StatusCode::GATEWAY_TIMEOUT,
        "GatewayTimeout",
        "the request took too long",
        "what was asked for may still be done: look at the status of the instance before you ask again",
    )
}

/// Who changed what stands in the log; never what was sent.
fn record(row: &Route, named: &str, token: Option<&str>, answer: &Result<Response<Body>, Problem>) {
    let token = token.unwrap_or("-");
    match answer {
        Ok(answer) if row.verb.name() == "GET" => {
            tracing::debug!(route = ?row, named, token, status = answer.status().as_u16(), "A request was answered");
        }
        Ok(answer) => {
            tracing::info!(route = ?row, named, token, status = answer.status().as_u16(), "A request was answered");
        }
        Err(problem) => {
            let (status, why) = problem.in_short();
            tracing::info!(route = ?row, named, token, status, why, "A request was refused");
        }
    }
}

/// The checks, cheap ones first; the body is read for those alone who may send it.
async fn admit(
    api: &Api,
    row: &Route,
    path: Option<Vec<(String, String)>>,
    request: Request,
) -> Result<Call, Problem> {
    let host = arrived(api, &request)?.to_owned();
    let caller = authenticate(api, row, &request, &host)?;
    let path = path.ok_or_else(|| nowhere(&request))?;
    allow(row, &caller, &path)?;
    let query = Query::read(request.uri().query(), row.query)?;
    if let Scope::Query(name) = row.scope {
        within(row, &caller, query.get(name))?;
    }
    let (head, body) = request.into_parts();
    let peer = head.extensions.get::<Peer>().map(|peer| peer.0);
    content_type(row, &head.headers, &body)?;
    let turn = match row.takes {
        Content::Component => Arc::clone(&api.components).acquire_owned().await.ok(),
        _ => None,
    };
    let body = read(row, &head.headers, body).await?;
    Ok(Call {
        caller,
        peer,
        path,
        query,
        headers: head.headers,
        body,
        _turn: turn,
    })
}

fn authenticate(api: &Api, row: &Route, request: &Request, host: &str) -> Result<Caller, Problem> {
    // A signature says nothing of the body, so it counts only where the cloud service's SDKs cannot do otherwise.
    let signed = row.path.starts_with("/twins/").then_some(host);
    match identify(api, request.headers(), signed) {
        Err(_) if row.need == Need::Nothing => Ok(Caller::nobody()),
        result => result,
    }
}

fn identify(api: &Api, headers: &HeaderMap, host: Option<&str>) -> Result<Caller, Problem> {
    let now = api.options.clock.wall();
    let identified = api.options.auth.identify(headers, host, now);
    identified.map_err(|denied| Problem::unauthorized(denied == Denied::Invalid))
}

fn allow(row: &Route, caller: &Caller, path: &[(String, String)]) -> Result<(), Problem> {
    match row.scope {
        Scope::Path(name) => {
            let instance = path.iter().find(|(one, _)| one == name);
            within(row, caller, instance.map(|(_, value)| value.as_str()))
        }
        Scope::Host => within(row, caller, None),
        // Only the role can be known by now.
        Scope::Query(_) | Scope::Body | Scope::Asset => match row.need {
            Need::Role(role) if caller.role < role => Err(Problem::forbidden()),
            _ => Ok(()),
        },
    }
}

fn within(row: &Route, caller: &Caller, instance: Option<&str>) -> Result<(), Problem> {
    let role = match row.need {
        Need::Nothing => return Ok(()),
        Need::Role(role) => role,
        Need::Method => Role::Read,
    };
    if caller.may(role, instance) {
        Ok(())
    } else {
        Err(Problem::forbidden())
    }
}

fn content_type(row: &Route, headers: &HeaderMap, body: &Body) -> Result<(), Problem> {
    if !row.verb.writes() && body.is_end_stream() {
        return Ok(());
    }
    let sent = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes());
    let essence = sent.map(|text| text.split(|byte| *byte == b';').next().unwrap_or_default());
    let is =
        |wanted: &str| essence.is_some_and(|text| text.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()));
    if row.takes == Content::Component {
        return if is(COMPONENT_TYPE) {
            Ok(())
        } else {
            Err(unsupported(COMPONENT_TYPE, "with the component as the body"))
        };
    }
    if is("application/json") || (matches!(row.takes, Content::Message(_)) && is(MESSAGE_TYPE)) {
        return Ok(());
    }
    Err(unsupported("application/json", "also with an empty body"))
}

fn unsupported(wanted: &str, also: &str) -> Problem {
    Problem::with_hint(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        &format!("the content type must be `{wanted}`"),
        &format!("send the header `Content-Type: {wanted}`, {also}"),
    )
}

async fn read(row: &Route, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let (most, within) = match row.takes {
        Content::Component => (MAX_COMPONENT_BYTES, COMPONENT_TIMEOUT),
        _ => (MAX_BODY_BYTES, BODY_TIMEOUT),
    };
    let too_large = || {
        let message = format!("the body is larger than {most} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge", &message)
    };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    match timeout(within, axum::body::to_bytes(body, most)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // The client broke off, or sent too much; whoever broke off does not read this.
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "RequestTimeout",
            "the body did not come in time",
        )),
    }
}

/// What every response says: keep nothing, guess nothing, show it in no other page.
fn finish(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    // Media may be kept by those who were given it.
    (headers.entry(header::CACHE_CONTROL)).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    // The console has a policy of its own.
    (headers.entry(header::CONTENT_SECURITY_POLICY)).or_insert(HeaderValue::from_static(
        "default-src 'none'; frame-ancestors 'none'",
    ));
    response
}
