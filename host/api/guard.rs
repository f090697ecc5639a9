//! What every request passes before a handler sees it, in this order: the host that it was sent to and the site that it
//! comes from; its token and whether that allows the route; its query; its content type; its body, of bounded size and
//! in bounded time. Then the handler has its time.
//!
//! Invariant: a handler is only reached through [`answer`], with the row that it stands in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::{MethodFilter, on};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::auth::link::{Grant, hidden};
use super::auth::{Caller, Denied, Role};
use super::problem::Problem;
use super::query::Query;
use super::serve::Peer;
use super::table::{Bound, Content, LINKED, LONG_TIMEOUT, Need, REQUEST_TIMEOUT, ROUTES, Route, Scope};
use super::{Api, Shared, body, cors, playback};
use crate::topology::diagnostics::shown;

/// Components that are received at once; more wait for their turn.
pub(super) const MAX_COMPONENTS_AT_ONCE: usize = 2;
/// A request that passed.
#[derive(Debug)]
pub(super) struct Call {
    /// Who asks.
    pub(super) caller: Caller,
    /// What the link allows that was shown; none: a token was, or none is needed.
    pub(super) grant: Option<Grant>,
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
        for path in paths(row) {
            router = router.route(&path, on(row.verb.filter(), handler.clone()));
        }
    }
    if !api.hosts.origins.is_empty() {
        router = with_permissions(router, api);
    }
    let (not_there, not_so) = (Arc::clone(api), Arc::clone(api));
    router
        .fallback(move |request: Request| async move { refuse(&not_there, &request, nowhere(&request)) })
        .method_not_allowed_fallback(move |request: Request| async move {
            refuse(&not_so, &request, not_for(&request))
        })
}

/// Where a row is: some are also where a link leads.
fn paths(row: &Route) -> impl Iterator<Item = String> {
    let linked = row.linked.then(|| format!("{LINKED}{}", row.path));
    std::iter::once(row.path.to_owned()).chain(linked)
}

/// Answers browsers that ask what a page of another site may send.
fn with_permissions(mut router: Router, api: &Shared) -> Router {
    let mut methods: BTreeMap<String, String> = BTreeMap::new();
    for (row, path) in ROUTES
        .iter()
        .flat_map(|row| paths(row).map(move |path| (row, path)))
    {
        let known = methods.entry(path).or_default();
        let and = if known.is_empty() { "" } else { ", " };
        let head = if row.verb.name() == "GET" { ", HEAD" } else { "" };
        known.push_str(&format!("{and}{}{head}", row.verb.name()));
    }
    for (path, methods) in methods {
        let (api, methods) = (Arc::clone(api), Arc::<str>::from(methods));
        let handler = move |request: Request| async move { permit(&api, &request, &methods) };
        router = router.route(&path, on(MethodFilter::OPTIONS, handler));
    }
    router
}

fn permit(api: &Api, request: &Request, methods: &str) -> Response<Body> {
    let (headers, origin) = (request.headers(), origin(api, request));
    if origin.is_some() && cors::asks_first(request.method(), headers) && arrived(api, request).is_ok() {
        return finish(api, origin, cors::permission(methods));
    }
    let mut response = refuse(api, request, not_for(request));
    if response.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Ok(methods) = HeaderValue::from_str(methods)
    {
        response.headers_mut().insert(header::ALLOW, methods);
    }
    response
}

/// The other site that a request comes from, if its pages may ask.
fn origin(api: &Api, request: &Request) -> Option<HeaderValue> {
    api.hosts.origins.of(request.headers()).cloned()
}

fn nowhere(request: &Request) -> Problem {
    let message = format!("there is nothing at {}", hidden(&shown(request.uri().path())));
    let hint = "`GET /api/openapi.json` describes what there is";
    Problem::with_hint(StatusCode::NOT_FOUND, "NotFound", &message, hint)
}

fn not_for(request: &Request) -> Problem {
    let path = shown(request.uri().path());
    let message = format!("{} is not for `{}`", hidden(&path), request.method());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", &message)
}

/// What has no row is told apart only for those who may ask at all.
fn refuse(api: &Api, request: &Request, problem: Problem) -> Response<Body> {
    let known = arrived(api, request).and_then(|host| {
        let caller = identify(api, request.headers(), None)?;
        Ok((host, caller))
    });
    let refused = known.err().unwrap_or(problem);
    finish(api, origin(api, request), refused.into_response())
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
    let origin = origin(&api, &request);
    let work = async {
        let call = admit(&api, row, path, request).await?;
        let (caller, grant) = (call.caller.token.clone(), call.grant.clone());
        let named: Vec<String> = call.path.iter().map(|(_, value)| shown(value)).collect();
        let mut answer = (row.handler)(Arc::clone(&api), call).await;
        record(row, &named.join(" "), caller.as_deref(), &answer);
        if let (Ok(answer), Some(grant)) = (&mut answer, &grant) {
            playback::keep_no_longer(answer.headers_mut(), grant, api.options.clock.wall());
        }
        answer
    };
    let answered = timeout(bound, work).await.unwrap_or_else(|_| Err(too_long()));
    finish(&api, origin, answered.unwrap_or_else(Problem::into_response))
}

fn too_long() -> Problem {
    Problem::with_hint(
        StatusCode::GATEWAY_TIMEOUT,
        "GatewayTimeout",
        "the request took too long",
        "what was asked for may still be done: look at the status of the instance before you ask again",
    )
}

/// Who changed what stands in the log; never what was sent, and no link.
fn record(row: &Route, named: &str, token: Option<&str>, answer: &Result<Response<Body>, Problem>) {
    let (named, token) = (hidden(named), token.unwrap_or("-"));
    let named = &*named;
    match answer {
        Ok(answer) if row.verb.name() == "GET" => {
            tracing::debug!(route = ?row, named, token, status = answer.status().as_u16(), "A request was answered");
        }
        Ok(answer) => {
            tracing::info!(route = ?row, named, token, status = answer.status().as_u16(), "A request was answered");
        }
        Err(problem) => {
            let (status, why) = problem.in_short();
            let why = hidden(why);
            let why = &*why;
            tracing::info!(route = ?row, named, token, status, why, "A request was refused");
        }
    }
}

/// The checks, cheap ones first; the body is read for those alone who may send it.
async fn admit(
    api: &Api,
    row: &Route,
    mut path: Option<Vec<(String, String)>>,
    request: Request,
) -> Result<Call, Problem> {
    let host = arrived(api, &request)?.to_owned();
    let (caller, grant) = match path.as_mut().and_then(link) {
        Some(link) => by_link(api, &link)?,
        None => (authenticate(api, row, &request, &host)?, None),
    };
    let path = path.ok_or_else(|| nowhere(&request))?;
    allow(row, &caller, &path)?;
    let query = Query::read(request.uri().query(), row.query)?;
    if let Scope::Query(name) = row.scope {
        within(row, &caller, query.get(name))?;
    }
    let (head, body) = request.into_parts();
    let peer = head.extensions.get::<Peer>().map(|peer| peer.0);
    body::content_type(row, &head.headers, &body)?;
    let turn = match row.takes {
        Content::Component => Arc::clone(&api.components).acquire_owned().await.ok(),
        _ => None,
    };
    let body = body::read(row, &head.headers, body).await?;
    Ok(Call {
        caller,
        grant,
        peer,
        path,
        query,
        headers: head.headers,
        body,
        _turn: turn,
    })
}

/// The link that a request comes by; from here on nobody sees it.
fn link(path: &mut Vec<(String, String)>) -> Option<String> {
    let place = path.iter().position(|(name, _)| name == "link")?;
    Some(path.remove(place).1)
}

/// A token beside the link does not matter: a link gives the same to everybody.
fn by_link(api: &Api, link: &str) -> Result<(Caller, Option<Grant>), Problem> {
    let now = api.options.clock.wall();
    let known = api.options.auth.by_link(&api.links, link, now);
    let (caller, grant) = known.ok_or_else(|| {
        Problem::with_hint(
            StatusCode::FORBIDDEN,
            "LinkInvalid",
            "this link is not valid any more, or never was",
            "ask whoever gave it to you for a new one; a restart of the host ends links, too",
        )
    })?;
    Ok((caller, Some(grant)))
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

/// What every response says: keep nothing, guess nothing, show it in no other page, tell nobody where it came from.
fn finish(api: &Api, origin: Option<HeaderValue>, mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    // Media may be kept by those who were given it.
    (headers.entry(header::CACHE_CONTROL)).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // The console has a policy of its own.
    (headers.entry(header::CONTENT_SECURITY_POLICY)).or_insert(HeaderValue::from_static(
        "default-src 'none'; frame-ancestors 'none'",
    ));
    api.hosts.origins.label(headers, origin);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_by_a_link_looks_at_recordings_and_no_other_route_has_such_a_parameter() {
        for row in ROUTES {
            assert!(!row.path.contains("{link}"), "{row:?}");
            if row.linked {
                assert!(row.path.starts_with("/assets/{name}/"), "{row:?}");
                assert_eq!(
                    (row.verb.name(), row.need),
                    ("GET", Need::Role(Role::Read)),
                    "{row:?}"
                );
            }
        }
        assert!(ROUTES.iter().any(|row| row.linked));
    }
}
