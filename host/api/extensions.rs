//! Components that have a name on this host: which there are, putting one in, taking one away.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::Shared;
use super::guard::Call;
use super::problem::{self, Problem};
use crate::graph::host::{Deleted, Detail, Installation};
use crate::topology::diagnostics::shown;

/// Letters of a SHA-256 in hexadecimal.
const SHA256_LETTERS: usize = 64;

/// `GET /api/extensions`
pub(super) async fn list(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let host = api.options.host.clone();
    // Hashes are reckoned and the registry's rows read: nothing for a thread that others wait for.
    let listing = tokio::task::spawn_blocking(move || host.extension_list()).await;
    let mut all = listing.map_err(|_| broken())?;
    for one in &mut all {
        one.used_by.retain(|user| {
            let instance = user.split('/').next().unwrap_or_default();
            call.caller.sees(instance)
        });
    }
    Ok(problem::json(StatusCode::OK, &json!({ "value": all })))
}

fn broken() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalServerError",
        "the host failed while it worked on this request",
    )
}

/// `PUT /api/extensions/{name}`: the body is the component.
pub(super) async fn set(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let name = call.named("name").to_owned();
    let pin = call.query.get("sha256").map(str::to_owned);
    if let Some(pin) = &pin
        && (pin.len() != SHA256_LETTERS || !pin.bytes().all(|letter| letter.is_ascii_hexdigit()))
    {
        let message = format!("`sha256` must be 64 hexadecimal digits, not {}", shown(pin));
        return Err(Problem::bad_request(Detail::new("QueryInvalid", message)));
    }
    let host = api.options.host.clone();
    // Goes on when the client has gone: half of the nodes with one version and half with another is no end.
    let setting = async move {
        host.extension_set(&name, call.body.to_vec(), pin.as_deref())
            .await
    };
    let set = api.operations.spawn(setting).await.map_err(|_| broken())??;
    let Installation {
        created,
        component,
        previous,
        swapped,
    } = set;
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let body = json!({"component": component, "previous": previous, "swapped": swapped});
    Ok(problem::json(status, &body))
}

/// `DELETE /api/extensions/{name}`
pub(super) async fn remove(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let status = match api.options.host.extension_remove(call.named("name")).await? {
        Deleted::Yes => StatusCode::OK,
        Deleted::NotThere => StatusCode::NO_CONTENT,
    };
    Ok(problem::empty(status))
}
