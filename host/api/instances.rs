//! How graph instances are, and why something happened or did not.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::Shared;
use super::auth::Caller;
use super::guard::Call;
use super::problem::{self, Problem};
use crate::graph::host::InstanceStatus;

/// `GET /api/GraphInstance/{name}/status`
pub(super) async fn status(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let status = api.options.host.instance_status(call.named("name")).await?;
    Ok(problem::json(StatusCode::OK, &json!(status)))
}

/// `GET /api/status`
pub(super) async fn statuses(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let details = call.query.flag("details")?;
    let all: Vec<Value> = visible(&api, &call.caller)
        .iter()
        .map(|one| {
            let mut value = json!(one);
            if let (false, Some(object)) = (details, value.as_object_mut()) {
                object.remove("nodes");
            }
            value
        })
        .collect();
    Ok(problem::json(StatusCode::OK, &json!({ "value": all })))
}

/// All instances that the caller may see.
pub(super) fn visible(api: &Shared, caller: &Caller) -> Vec<InstanceStatus> {
    let mut all = api.options.host.statuses();
    all.retain(|one| caller.sees(&one.name));
    all
}

/// `GET /api/explain/{instance}`
pub(super) async fn explain(_api: Shared, _call: Call) -> Result<Response<Body>, Problem> {
    Ok(problem::json(StatusCode::OK, &json!({})))
}

/// `GET /api/alarms`
pub(super) async fn alarms(_api: Shared, _call: Call) -> Result<Response<Body>, Problem> {
    Ok(problem::json(StatusCode::OK, &json!({ "value": [] })))
}
