//! `POST /api/hub/inputs/{input}`: messages from outside, such as a door sensor's script, to the hub sources of running
//! graphs.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use serde_json::value::RawValue;

use super::Shared;
use super::body::MESSAGE_TYPE;
use super::guard::Call;
use super::problem::{self, Problem};
use crate::events::hub::{Delivered, EVENT_TIME, HubMessage};
use crate::graph::host::Detail;
use crate::topology::diagnostics::shown;

/// Bytes of a message, with its properties: the cloud's hub takes no larger ones either.
pub(super) const MAX_MESSAGE_BYTES: usize = 256 << 10;
/// Properties of a message.
pub(super) const MAX_PROPERTIES: usize = 64;

/// A message with properties.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WithProperties<'a> {
    #[serde(borrow)]
    body: &'a RawValue,
    #[serde(default)]
    properties: BTreeMap<String, String>,
}

/// Gives a message to those who listen.
pub(super) async fn deliver(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let input = call.named("input");
    let instance = call.query.get("instance");
    let message = message(&call)?;
    let Delivered { taken, full } = api.options.hub.deliver(input, instance, message);
    if taken > 0 {
        let reply = json!({"delivered": taken, "full": full});
        return Ok(problem::json(StatusCode::OK, &reply));
    }
    Err(if full > 0 {
        too_many(input)
    } else {
        nobody(&api, input, instance)
    })
}

fn message(call: &Call) -> Result<HubMessage, Problem> {
    let wrong = |message: String| Problem::bad_request(Detail::new("MessageInvalid", message));
    if call.body.len() > MAX_MESSAGE_BYTES {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "PayloadTooLarge",
            &format!("the message is larger than {MAX_MESSAGE_BYTES} bytes"),
        ));
    }
    let unreadable = |error: serde_json::Error| wrong(format!("the message cannot be read: {error}"));
    let kind = call.headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes());
    let with_properties = kind.is_some_and(|kind| {
        let essence = kind.get(..MESSAGE_TYPE.len()).unwrap_or_default();
        essence.eq_ignore_ascii_case(MESSAGE_TYPE.as_bytes())
    });
    if !with_properties {
        serde_json::from_slice::<IgnoredAny>(&call.body).map_err(unreadable)?;
        return Ok(HubMessage {
            body: call.body.clone(),
            properties: BTreeMap::new(),
        });
    }
    let sent: WithProperties<'_> = serde_json::from_slice(&call.body).map_err(unreadable)?;
    if sent.properties.len() > MAX_PROPERTIES {
        return Err(wrong(format!(
            "the message has more than {MAX_PROPERTIES} properties"
        )));
    }
    if let Some(time) = sent.properties.get(EVENT_TIME)
        && time.parse::<Timestamp>().is_err()
    {
        let message = format!(
            "`{EVENT_TIME}` must be like `2026-11-21T03:14:00Z`, not {}",
            shown(time)
        );
        return Err(wrong(message));
    }
    Ok(HubMessage {
        body: Bytes::copy_from_slice(sent.body.get().as_bytes()),
        properties: sent.properties,
    })
}

fn too_many(input: &str) -> Problem {
    let message = format!(
        "nobody who listens to {} has room for one more message",
        shown(input)
    );
    Problem::with_hint(
        StatusCode::SERVICE_UNAVAILABLE,
        "ServerBusy",
        &message,
        "send it again in a moment",
    )
}

fn nobody(api: &Shared, input: &str, instance: Option<&str>) -> Problem {
    let by = instance.map_or(String::new(), |instance| {
        format!(" in the graph instance {}", shown(instance))
    });
    let message = format!("nobody listens to the input {}{by}", shown(input));
    let hint = if api.options.hub.inputs().is_empty() {
        "activate an instance whose topology has an `IoTHubMessageSource`".to_owned()
    } else {
        "the name is the `hubInputName` of an `IoTHubMessageSource` in an instance that is active".to_owned()
    };
    Problem::with_hint(StatusCode::NOT_FOUND, "NotFound", &message, &hint)
}
