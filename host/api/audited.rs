//! The audit log as requests keep it, and `GET /api/audit`.
//!
//! Who looks is written before media is sent, and is given it also when the log cannot be written: whoever guards a door shall see
//! what happens, disk or not; the host's log says that it failed. What deletes or releases is not done without its entry.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::Shared;
use super::guard::Call;
use super::problem::{self, Problem};
use crate::audit::{self, Action, Audit, AuditError, Entry, Looked, MAX_PAGE, PAGE, Question};
use crate::graph::host::Detail;
use crate::media::MediaTime;
use crate::playback::range::Asked;
use crate::playback::timeline::Timeline;
use crate::recording::index::AssetRow;
use crate::when;

/// An entry about a recording, without what came of it.
pub(super) fn entry(call: &Call, action: Action, asset: &AssetRow) -> Entry {
    Entry {
        asset: asset.name.clone(),
        store: asset.store.clone(),
        ..of(call, action)
    }
}

fn of(call: &Call, action: Action) -> Entry {
    Entry {
        who: call.caller.token.as_deref().unwrap_or_default().to_owned(),
        by_link: call.grant.is_some(),
        from: call.peer.map(|peer| peer.to_string()).unwrap_or_default(),
        action,
        ..Entry::default()
    }
}

/// Somebody is given something of a recording.
pub(super) async fn looked(api: &Shared, call: &Call, asset: &AssetRow, action: Action, looked: Looked) {
    note(api, entry(call, action, asset), looked).await;
}

/// Somebody is given a playlist.
pub(super) async fn listed(api: &Shared, call: &Call, asked: Asked, timeline: &Timeline) {
    let first = timeline.runs.first().map(|run| run.start());
    let (start, end) = match asked {
        Asked::Latest => (first, None),
        Asked::From(start) => (Some(start), None),
        Asked::Between(start, end) => (Some(start), Some(end)),
    };
    // Nothing is there: nothing is looked at.
    if first.is_some() {
        looked(api, call, &timeline.asset, Action::View, Looked { start, end }).await;
    }
}

/// Somebody looks at a camera.
pub(super) async fn watched(api: &Shared, call: &Call, camera: String) {
    let entry = Entry {
        camera,
        ..of(call, Action::View)
    };
    let nothing_said = Looked {
        start: None,
        end: None,
    };
    note(api, entry, nothing_said).await;
}

async fn note(api: &Shared, mut entry: Entry, looked: Looked) {
    if !api.audit.is_news(&entry, looked) {
        return;
    }
    entry.start = looked.start.map(MediaTime::iso);
    entry.end = looked.end.map(MediaTime::iso);
    let audit = Arc::clone(&api.audit);
    let writing = move || {
        if let Err(error) = audit.record(entry.clone()) {
            audit.forget(&entry);
            tracing::warn!(%error, "Somebody looks at a recording and it cannot be noted");
        }
    };
    // It ends with an error only when it panicked, which was logged.
    let _ = tokio::task::spawn_blocking(writing).await;
}

/// Writes an entry without which nothing is done. Blocks.
pub(super) fn must(audit: &Audit, entry: Entry) -> Result<(), Problem> {
    audit.record(entry).map_err(|error| refused(&error))
}

/// Writes what came of something that is done by now. Blocks.
pub(super) fn came_of_it(audit: &Audit, entry: Entry) {
    if let Err(error) = audit.record(entry) {
        tracing::error!(%error, "What came of a change is not in the audit log");
    }
}

fn refused(error: &AuditError) -> Problem {
    let told = error.to_string();
    let (message, hint) = told.split_once("\nhint: ").unwrap_or((&told, ""));
    Problem::with_hint(
        StatusCode::SERVICE_UNAVAILABLE,
        "AuditUnavailable",
        &format!("nothing was done, because {message}"),
        hint,
    )
}

/// `GET /api/audit`
pub(super) async fn list(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let question = question(&api, &call)?;
    let folder = api.audit.folder().to_owned();
    let reading = move || audit::read(&folder, &question);
    let read = tokio::task::spawn_blocking(reading).await;
    let broken =
        |error: String| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", &error);
    let value = read
        .map_err(|error| broken(error.to_string()))?
        .map_err(|error| broken(error.to_string()))?;
    Ok(problem::json(StatusCode::OK, &json!({ "value": value })))
}

fn question(api: &Shared, call: &Call) -> Result<Question, Problem> {
    let (now, zone) = (api.options.clock.wall(), &api.options.time_zone);
    let moment = |name: &str| {
        let asked = call.query.get(name).map(|text| when::since(text, now, zone));
        let asked = asked.transpose().map_err(|error| wrong(&error.to_string()))?;
        Ok::<_, Problem>(asked.map(|meant| meant.at))
    };
    let limit = match call.query.get("$top").map(str::parse::<u32>) {
        None => PAGE,
        Some(Ok(limit)) if (1..=MAX_PAGE).contains(&limit) => limit,
        Some(_) => return Err(wrong(&format!("an answer has 1 to {MAX_PAGE} entries"))),
    };
    Ok(Question {
        since: moment("since")?,
        until: moment("until")?,
        asset: call.query.get("asset").map(str::to_owned),
        limit,
    })
}

fn wrong(told: &str) -> Problem {
    let (message, hint) = told.split_once("\nhint: ").unwrap_or((told, ""));
    let detail = Detail::new("QueryInvalid", message);
    Problem::bad_request(if hint.is_empty() {
        detail
    } else {
        detail.hint(hint)
    })
}
