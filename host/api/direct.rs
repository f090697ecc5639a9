//! Direct methods over HTTP: at an address of their own each, and in the call of the cloud service.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::Shared;
use super::guard::Call;
use super::methods::{self, Reply};
use super::problem::{Problem, json};
use crate::graph::host::Detail;

/// The longest that a caller of the cloud service may wait; also what one waits who says nothing.
const MAX_RESPONSE_SECONDS: u64 = 300;

/// `POST /api/methods/{method}`: the body is the payload.
pub(super) async fn method(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let name = call.named("method");
    let Some(method) = methods::find(name) else {
        return Ok(json(StatusCode::NOT_FOUND, &Reply::unknown(name).envelope()));
    };
    let reply = methods::call(&api, &call.caller, method, &call.body).await?;
    Ok(json(StatusCode::OK, &reply.envelope()))
}

/// The body of the cloud service's call.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceCall<'a> {
    method_name: String,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
    #[serde(default)]
    response_timeout_in_seconds: Option<u64>,
}

/// `POST /twins/{device}/modules/{module}/methods`: what the SDKs of the cloud service send. Device and module may
/// have any name: there is one of each here.
pub(super) async fn twin(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let sent: ServiceCall<'_> = serde_json::from_slice(&call.body).map_err(|error| {
        let message = format!("the call cannot be read: {error}");
        let hint = "send `{\"methodName\": \"GraphTopologyList\", \"payload\": {\"@apiVersion\": \"2.0\"}}`";
        Problem::bad_request(Detail::new("JsonInvalid", message).hint(hint))
    })?;
    let Some(method) = methods::find(&sent.method_name) else {
        return Ok(json(
            StatusCode::OK,
            &Reply::unknown(&sent.method_name).envelope(),
        ));
    };
    let payload = sent.payload.map_or("{}", RawValue::get).as_bytes();
    let seconds = sent.response_timeout_in_seconds.unwrap_or(MAX_RESPONSE_SECONDS);
    let patience = Duration::from_secs(seconds.clamp(1, MAX_RESPONSE_SECONDS));
    match timeout(patience, methods::call(&api, &call.caller, method, payload)).await {
        Ok(reply) => Ok(json(StatusCode::OK, &reply?.envelope())),
        Err(_) => Err(late()),
    }
}

/// What the cloud service says when a module does not answer in time; the number is its own.
fn late() -> Problem {
    let body = Detail::new("504101", "the method did not end in time").hint(
        "it goes on: look at the status of the instance, and give more time with `responseTimeoutInSeconds`",
    );
    Problem::with(StatusCode::GATEWAY_TIMEOUT, "GatewayTimeout", body)
}
