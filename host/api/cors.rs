//! Web pages of other sites that the configuration names: what their browsers must be told before they hand over an answer (the CORS
//! protocol of the Fetch standard).
//!
//! Invariants: an origin is compared as it is written, never by a pattern; a page of any other is told nothing, and stays refused; no
//! answer ever allows credentials of the browser itself, so a page must have a token.

use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, Response, StatusCode};

use super::problem;

/// What requests may carry besides what browsers always allow.
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Content-Type, If-None-Match, If-Range, Last-Event-ID, Range");
/// What of an answer a page may read besides what browsers always allow.
const READABLE: HeaderValue = HeaderValue::from_static(
    "Accept-Ranges, Allow, Content-Disposition, Content-Length, Content-Range, Date, ETag, Location, Mediagraph-Codecs, \
     Mediagraph-Time, WWW-Authenticate",
);
/// For so long a browser need not ask again: ten minutes.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
/// An answer to another origin is another answer.
const BY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

/// The origins whose pages may ask, such as `https://desk.example`.
#[derive(Clone, Debug, Default)]
pub(super) struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    pub(super) fn new(origins: Vec<String>) -> Self {
        Self(origins)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The origin that a request comes from, if it is one of them.
    pub(super) fn of<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let mut sent = headers.get_all(header::ORIGIN).iter();
        let (first, second) = (sent.next()?, sent.next());
        let known = self.0.iter().any(|known| known.as_bytes() == first.as_bytes());
        (known && second.is_none()).then_some(first)
    }

    /// Lets a page of this origin read an answer.
    pub(super) fn label(&self, answer: &mut HeaderMap, origin: Option<HeaderValue>) {
        if self.is_empty() {
            return;
        }
        answer.append(header::VARY, BY_ORIGIN);
        if let Some(origin) = origin {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READABLE);
        }
    }
}

/// Whether a browser asks what it may send.
pub(super) fn asks_first(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// What it may send to a path that has these methods.
pub(super) fn permission(methods: &str) -> Response<Body> {
    let mut answer = problem::empty(StatusCode::NO_CONTENT);
    let mut add = |name: HeaderName, value: HeaderValue| answer.headers_mut().insert(name, value);
    if let Ok(methods) = HeaderValue::from_str(methods) {
        add(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    add(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    add(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_allowed_as_it_is_written_and_alone() {
        let origins = AllowedOrigins::new(vec!["https://desk.example".into(), "http://10.0.0.7:3000".into()]);
        let allowed = |sent: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for one in sent {
                headers.append(header::ORIGIN, HeaderValue::from_static(one));
            }
            origins.of(&headers).is_some()
        };
        assert!(allowed(&["https://desk.example"]));
        assert!(allowed(&["http://10.0.0.7:3000"]));
        for other in [
            "http://desk.example",
            "https://desk.example:443",
            "https://desk.example.evil.example",
            "https://evil.example/https://desk.example",
            "https://sub.desk.example",
            "HTTPS://desk.example",
            "https://desk.example/",
            "http://10.0.0.7",
            "null",
            "*",
            "",
        ] {
            assert!(!allowed(&[other]), "{other}");
        }
        assert!(!allowed(&[]));
        assert!(!allowed(&["https://desk.example", "https://desk.example"]));
    }
}
