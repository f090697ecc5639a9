//! Refusals as they go over the wire: one shape for all of them, that of direct methods.

use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use serde_json::Value;

use super::auth::Caller;
use crate::graph::host::{ControlError, Detail, Kind};

/// A request that was refused.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    body: Value,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// For the log: the status, and what went wrong.
    pub(super) fn in_short(&self) -> (u16, &str) {
        let message = self.body.pointer("/error/message").and_then(Value::as_str);
        (self.status.as_u16(), message.unwrap_or_default())
    }

    /// With an outer code, and what went wrong.
    pub(super) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        let body = serde_json::json!({"error": {"code": code, "message": message, "details": []}});
        Self {
            status,
            body,
            header: None,
        }
    }

    /// With one detail, and what to do next.
    pub(super) fn with_hint(status: StatusCode, code: &str, message: &str, hint: &str) -> Self {
        Self::with(status, code, Detail::new(code, message).hint(hint))
    }

    /// With an outer code and one detail.
    pub(super) fn with(status: StatusCode, code: &str, detail: Detail) -> Self {
        let error = serde_json::json!({"code": code, "message": detail.message, "details": [detail]});
        Self {
            status,
            body: serde_json::json!({ "error": error }),
            header: None,
        }
    }

    /// The request is wrong in one way.
    pub(super) fn bad_request(detail: Detail) -> Self {
        ControlError::bad_request(detail).into()
    }

    /// Somebody who is not let in is told how to be, and nothing else.
    pub(super) fn unauthorized(shown_something: bool) -> Self {
        let challenge = if shown_something {
            "Bearer realm=\"mediagraph\", error=\"invalid_token\""
        } else {
            "Bearer realm=\"mediagraph\""
        };
        Self::new(
            StatusCode::UNAUTHORIZED,
            "Unauthorized",
            "a valid token is needed: `Authorization: Bearer TOKEN`",
        )
        .header(header::WWW_AUTHENTICATE, challenge)
    }

    /// Without a detail: neither what is there nor what would be allowed is for this caller to know.
    pub(super) fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Forbidden",
            "the token does not allow this",
        )
    }

    /// Adds a header.
    pub(super) fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, HeaderValue::from_static(value)));
        self
    }

    /// As a response.
    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = json(self.status, &self.body);
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// An error as this caller may know it: "did you mean" would name what a limited token does not see.
pub(super) fn discreet(mut error: ControlError, caller: &Caller) -> ControlError {
    if caller.is_limited() && error.kind == Kind::NotFound {
        error.details.iter_mut().for_each(|detail| detail.hint = None);
    }
    error
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        Self {
            status: StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            body: error.body(),
            header: None,
        }
    }
}

/// A JSON response.
pub(super) fn json(status: StatusCode, body: &Value) -> Response<Body> {
    typed(status, "application/json", body.to_string())
}

/// A response of another type.
pub(super) fn typed(status: StatusCode, media_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let value = HeaderValue::from_static(media_type);
    response.headers_mut().insert(header::CONTENT_TYPE, value);
    response
}

/// A response without a body.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
