//! How graph instances are, and why something happened or did not.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::Shared;
use super::auth::Caller;
use super::guard::Call;
use super::problem::{self, Problem, discreet};
use crate::alarms::Alarm;
use crate::explain::{self, Question, gather, moment};
use crate::graph::host::{Detail, InstanceStatus};
use crate::when::{self, Meant};

/// `GET /api/GraphInstance/{name}/status`
pub(super) async fn status(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let status = api.options.host.instance_status(call.named("name")).await;
    let status = status.map_err(|error| discreet(error, &call.caller))?;
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

/// What is in alarm, as far as the caller may see it.
pub(super) fn raised(api: &Shared, caller: &Caller) -> Vec<Alarm> {
    let mut all = api.options.alarms.current();
    all.retain(|alarm| match &alarm.instance {
        Some(instance) => caller.sees(instance),
        None => !caller.is_limited(),
    });
    all
}

/// `GET /api/alarms`
pub(super) async fn alarms(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let raised = raised(&api, &call.caller);
    Ok(problem::json(StatusCode::OK, &json!({ "value": raised })))
}

/// `GET /api/explain/{instance}`
pub(super) async fn explain(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let (question, note) = question(&api, &call)?;
    let asked = question.clone();
    let evidence = api
        .options
        .journal
        .read(move |journal| gather(journal, &asked))
        .await;
    let evidence = evidence.map_err(|error| {
        let message = format!("the journal cannot be read: {error}");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", &message)
    })?;
    if !evidence.known {
        // The journal also remembers instances that were deleted; this one never was.
        let status = api.options.host.instance_status(&question.instance).await;
        status.map_err(|error| discreet(error, &call.caller))?;
    }
    let mut explanation = explain::explain(&question, &evidence);
    explanation.time_zone = when::name(&api.options.time_zone);
    explanation.notes.extend(note);
    Ok(problem::json(StatusCode::OK, &json!(explanation)))
}

fn question(api: &Shared, call: &Call) -> Result<(Question, Option<String>), Problem> {
    let now = api.options.clock.wall();
    let wrong = |message: String| Problem::bad_request(Detail::new("QueryInvalid", message));
    let at = call
        .query
        .get("at")
        .map(|at| when::at(at, now, &api.options.time_zone));
    let window = call.query.get("window").map(moment::window);
    let at = at.transpose().map_err(|error| wrong(error.to_string()))?;
    let Meant { at, note } = at.unwrap_or_else(|| now.into());
    let question = Question {
        instance: call.named("instance").to_owned(),
        at,
        window: (window.transpose().map_err(|error| wrong(error.to_string()))?)
            .unwrap_or(explain::DEFAULT_WINDOW),
    };
    Ok((question, note))
}
