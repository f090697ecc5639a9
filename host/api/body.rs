//! Bodies of requests: of which type, how large, and how long a client may take to send one.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::header;
use axum::http::{HeaderMap, StatusCode};
use tokio::time::timeout;

use super::problem::Problem;
use super::table::{COMPONENT_TYPE, Content, Route};
use crate::graph::components::MAX_COMPONENT_BYTES;
use crate::topology::limits::MAX_DOCUMENT_BYTES;

/// Bytes of a body: a topology, and what a call puts around it.
const MAX_BODY_BYTES: usize = MAX_DOCUMENT_BYTES + (64 << 10);
/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a client may take to send a component.
const COMPONENT_TIMEOUT: Duration = Duration::from_secs(120);
/// A message with properties, for hub inputs.
pub(super) const MESSAGE_TYPE: &str = "application/vnd.mediagraph.message+json";

/// Whether the content type is the route's; a form of another site cannot send one.
pub(super) fn content_type(row: &Route, headers: &HeaderMap, body: &Body) -> Result<(), Problem> {
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

/// Reads a body, of bounded size and in bounded time.
pub(super) async fn read(row: &Route, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
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
