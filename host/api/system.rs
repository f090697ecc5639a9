//! The host as a whole: figures, health, log, configuration, this interface's description.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::guard::Call;
use super::problem::{self, Problem};
use super::{Check, Shared, instances, openapi};
use crate::alarms::Alarm;
use crate::graph::host::{Detail, InstanceState, InstanceStatus, Wanted};
use crate::metrics::{self, Figures, Usage};
use crate::recording::upload::UploadStatus;

/// Letters of a filter of the log.
pub(super) const MAX_FILTER_BYTES: usize = 1024;

/// `GET /metrics`
pub(super) async fn metrics(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let uploads = match api.options.host.uploads().await {
        Ok(uploads) => uploads,
        Err(error) => {
            // The other figures are worth having all the more.
            tracing::warn!(%error, "There are no figures of uploads");
            Vec::new()
        }
    };
    let text = metrics::render(&Figures {
        uploads: &uploads,
        identity: &api.options.identity,
        instances: &instances::visible(&api, &call.caller),
        journal: api.options.journal.counts(),
        alarms: &instances::raised(&api, &call.caller),
        models: &api.options.host.models(),
        usage: Usage::now(),
    });
    Ok(problem::typed(StatusCode::OK, metrics::CONTENT_TYPE, text))
}

/// `GET /api/uploads`
pub(super) async fn uploads(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let mut uploads = api.options.host.uploads().await?;
    if call.caller.is_limited() {
        // Names of recordings, and messages that hold them, are told to those who may see all instances.
        for store in &mut uploads {
            store.blocked.clear();
            store.message = None;
        }
    }
    let value: Vec<Value> = uploads.iter().map(upload).collect();
    Ok(problem::json(StatusCode::OK, &json!({ "value": value })))
}

fn upload(store: &UploadStatus) -> Value {
    let blocked = store
        .blocked
        .iter()
        .map(|one| json!({"assetName": one.asset, "message": one.message}));
    json!({
        "store": store.store,
        "location": store.location,
        "state": store.state.name(),
        "pausedSince": store.paused_since.map(|since| since.to_string()),
        "message": store.message,
        "backlogSegments": store.backlog.segments,
        "backlogBytes": store.backlog.bytes,
        "oldest": store.backlog.oldest.map(crate::media::MediaTime::iso),
        "lagSeconds": store.lag.seconds(),
        "uploadedSegments": store.uploaded_segments,
        "uploadedBytes": store.uploaded_bytes,
        "playlists": store.playlists,
        "errors": store.failures,
        "blocked": blocked.collect::<Vec<_>>(),
    })
}

/// `GET /livez`: that it is answered is the answer.
pub(super) async fn livez(_: Shared, _: Call) -> Result<Response<Body>, Problem> {
    Ok(problem::json(StatusCode::OK, &json!({"status": "ok"})))
}

/// `GET /readyz`. What exactly is wrong is for callers with a token.
pub(super) async fn readyz(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let mut checks = match &api.options.process {
        Some(process) => process.checks().await,
        None => Vec::new(),
    };
    let well = checks.iter().all(|check| check.error.is_none());
    if call.caller.is_limited() {
        for Check { error, .. } in &mut checks {
            *error = error.take().map(|_| "not well".to_owned());
        }
    }
    let (status, word) = verdict(well);
    Ok(problem::json(status, &json!({"status": word, "checks": checks})))
}

fn verdict(well: bool) -> (StatusCode, &'static str) {
    if well {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unwell")
    }
}

/// `GET /healthz[/{instance}]`: 503 as soon as one of those that are asked for is not well.
pub(super) async fn healthz(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let asked = call.named("instance");
    let mut all = instances::visible(&api, &call.caller);
    if !asked.is_empty() {
        all.retain(|one| one.name == asked);
        if all.is_empty() {
            // As every operation says that there is none of this name.
            api.options.host.instance_status(asked).await?;
        }
    }
    let mut alarms = instances::raised(&api, &call.caller);
    let health: Vec<(bool, Value)> = all.iter().map(|one| health(one, &alarms)).collect();
    // What concerns no instance concerns the host.
    alarms.retain(|alarm| alarm.instance.is_none() && asked.is_empty());
    let (status, word) = verdict(alarms.is_empty() && health.iter().all(|(well, _)| *well));
    let value: Vec<Value> = health.into_iter().map(|(_, value)| value).collect();
    let body = json!({"status": word, "value": value, "alarms": alarms});
    Ok(problem::json(status, &body))
}

/// An instance is well when it is as it is wanted, and nothing of it is in alarm.
fn health(one: &InstanceStatus, alarms: &[Alarm]) -> (bool, Value) {
    let mut alarms = alarms.to_vec();
    alarms.retain(|alarm| alarm.instance.as_deref() == Some(one.name.as_str()));
    let as_wanted = one.wanted == Wanted::Inactive || one.state == InstanceState::Active;
    let well = as_wanted && alarms.is_empty();
    let (_, word) = verdict(well);
    let mut value = json!({
        "name": one.name,
        "status": word,
        "state": one.state,
        "wanted": one.wanted,
        "alarms": alarms,
    });
    if let (Some(error), Some(object)) = (&one.last_error, value.as_object_mut()) {
        object.insert("lastError".to_owned(), json!(error));
    }
    (well, value)
}

/// `GET /api/log`
pub(super) async fn log(api: Shared, _: Call) -> Result<Response<Body>, Problem> {
    let logs = api.options.logs.as_ref().ok_or_else(no_log)?;
    Ok(problem::json(StatusCode::OK, &json!({"filter": logs.filter()})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    filter: String,
}

/// `PUT /api/log`
pub(super) async fn set_log(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let logs = api.options.logs.as_ref().ok_or_else(no_log)?;
    let wrong = |message: String| {
        Problem::bad_request(
            Detail::new("LogFilterInvalid", message)
                .hint("send `{\"filter\": \"info\"}`, or per module as in `info,mediagraph::nodes=debug`"),
        )
    };
    let Log { filter } = serde_json::from_slice(&call.body)
        .map_err(|error| wrong(format!("the request cannot be read: {error}")))?;
    if filter.len() > MAX_FILTER_BYTES {
        return Err(wrong(format!(
            "the filter is longer than {MAX_FILTER_BYTES} bytes"
        )));
    }
    logs.set(&filter).map_err(wrong)?;
    let filter = logs.filter();
    tracing::info!(filter, "What is logged was changed");
    Ok(problem::json(StatusCode::OK, &json!({"filter": filter})))
}

fn no_log() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "NotFound",
        "this host cannot change what it logs while it runs",
    )
}

/// `POST /api/reload`
pub(super) async fn reload(api: Shared, _: Call) -> Result<Response<Body>, Problem> {
    let process = api.options.process.as_ref().ok_or_else(|| {
        let message = "this host was started without a configuration";
        Problem::new(StatusCode::NOT_FOUND, "NotFound", message)
    })?;
    match process.reload().await {
        Ok(told) => Ok(problem::json(StatusCode::OK, &json!({ "messages": told }))),
        Err(error) => Err(Problem::with_hint(
            StatusCode::BAD_REQUEST,
            "ConfigurationInvalid",
            &error,
            "everything stays as it was; `mediagraph config check` says more",
        )),
    }
}

/// `GET /api/openapi.json`
pub(super) async fn openapi(_: Shared, _: Call) -> Result<Response<Body>, Problem> {
    Ok(problem::json(StatusCode::OK, &openapi::document()))
}
