//! What is done to recordings: holding, releasing and deleting them. Each stands in the audit log, with what came of it.
//!
//! Work goes on when the client that asked for it has gone.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::audited;
use super::guard::Call;
use super::playback::{self, of_asset};
use super::problem::{self, Problem};
use crate::audit::{Action, Entry, Outcome};
use crate::graph::host::Detail;
use crate::media::MediaTime;
use crate::playback::range::moment;
use crate::recording::deletion::DeletionError;
use crate::recording::holds::{Hold, HoldError, NewHold};
use crate::recording::index::{AssetRow, HoldId, Index};

type Answer = Result<Response<Body>, Problem>;

/// A hold as it is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    start_time: Option<String>,
    end_time: Option<String>,
    #[serde(default)]
    reason: String,
    until: Option<String>,
}

/// `GET /api/holds`
pub(super) async fn holds(api: Shared, call: Call) -> Answer {
    // A connection of its own: whoever records does not wait for who asks.
    let path = api.options.host.recordings().cache().index().path().to_owned();
    let asset = call.query.get("asset").map(str::to_owned);
    let caller = call.caller.clone();
    let listing = move || -> Result<Vec<Hold>, HoldError> {
        let index = Index::open_to_read(&path)?;
        let mut seen = Vec::new();
        for hold in index.holds()? {
            let row = index.find_asset(&hold.store, &hold.asset)?;
            // Of an asset that the index does not know, nobody knows the instance: it is the host's.
            let visible = match row {
                Some(row) => playback::visible(&caller, &row),
                None => !caller.is_limited(),
            };
            if visible && asset.as_ref().is_none_or(|asset| *asset == hold.asset) {
                seen.push(Hold::from(&hold));
            }
        }
        Ok(seen)
    };
    let value = in_background(listing).await?.map_err(|error| not_held(&error))?;
    Ok(problem::json(StatusCode::OK, &json!({ "value": value })))
}

/// `POST /assets/{name}/holds`
pub(super) async fn hold(api: Shared, call: Call) -> Answer {
    let asset = playback::asset(&api, &call).await?;
    let asked: Asked = match call.body.is_empty() {
        true => Asked::default(),
        false => serde_json::from_slice(&call.body).map_err(|error| of_asset(&asset, &error))?,
    };
    let new = new_hold(&api.options.time_zone, &call, &asset, asked)?;
    let mut entry = audited::entry(&call, Action::Hold, &asset);
    (entry.start, entry.end) = (new.start.map(MediaTime::iso), new.end.map(MediaTime::iso));
    let done = in_background(move || {
        let cache = api.options.host.recordings().cache();
        let placed = cache.holds().place(&asset, new, api.options.clock.wall());
        let told = match &placed {
            Ok(row) => told_of(&Hold::from(row)),
            Err(error) => error.to_string(),
        };
        audited::came_of_it(&api.audit, ended(entry, placed.is_ok(), told));
        placed
    });
    let row = done.await?.map_err(|error| not_held(&error))?;
    Ok(problem::json(StatusCode::CREATED, &json!(Hold::from(&row))))
}

fn new_hold(zone: &TimeZone, call: &Call, asset: &AssetRow, asked: Asked) -> Result<NewHold, Problem> {
    let at = |name, text: Option<&str>| {
        let read = text.map(|text| moment(name, text, zone)).transpose();
        read.map_err(|error| of_asset(asset, &error))
    };
    let until = at("until", asked.until.as_deref())?;
    Ok(NewHold {
        start: at("startTime", asked.start_time.as_deref())?,
        end: at("endTime", asked.end_time.as_deref())?,
        reason: asked.reason,
        who: call.caller.token.as_deref().unwrap_or_default().to_owned(),
        until: until.map(MediaTime::to_timestamp),
    })
}

/// `DELETE /assets/{name}/holds/{hold}`
pub(super) async fn release(api: Shared, call: Call) -> Answer {
    let asset = playback::asset(&api, &call).await?;
    let Ok(id) = call.named("hold").parse::<i64>().map(HoldId) else {
        let message = format!("asset `{}` has no such hold", asset.name);
        return Err(Problem::new(StatusCode::NOT_FOUND, "NotFound", &message));
    };
    let mut entry = audited::entry(&call, Action::Release, &asset);
    entry.detail = format!("hold {}", id.0);
    let done = in_background(move || -> Result<Hold, Problem> {
        audited::must(&api.audit, begun(entry.clone()))?;
        let cache = api.options.host.recordings().cache();
        let released = cache.holds().release(&asset, id);
        let told = match &released {
            Ok(row) => {
                (entry.start, entry.end) = stretch(row.start, row.end);
                told_of(&Hold::from(row))
            }
            Err(error) => error.to_string(),
        };
        audited::came_of_it(&api.audit, ended(entry, released.is_ok(), told));
        released
            .map(|row| Hold::from(&row))
            .map_err(|error| not_held(&error))
    });
    Ok(problem::json(StatusCode::OK, &json!(done.await??)))
}

/// `DELETE /assets/{name}`
pub(super) async fn delete(api: Shared, call: Call) -> Answer {
    let asset = playback::asset(&api, &call).await?;
    let read = |name| {
        let text = call.query.get(name);
        let read = text
            .map(|text| moment(name, text, &api.options.time_zone))
            .transpose();
        read.map_err(|error| of_asset(&asset, &error))
    };
    let (start, end) = (read("startTime")?, read("endTime")?);
    let range = start.unwrap_or(MediaTime::MIN)..end.unwrap_or(MediaTime::MAX);
    let mut entry = audited::entry(&call, Action::Delete, &asset);
    (entry.start, entry.end) = (start.map(MediaTime::iso), end.map(MediaTime::iso));
    let done = in_background(move || -> Result<Value, Problem> {
        audited::must(&api.audit, begun(entry.clone()))?;
        let recordings = api.options.host.recordings();
        let deleted = recordings.cache().delete(&asset, &range);
        // Also what went before a hold was placed in the middle of it.
        recordings.keeper().let_go_soon();
        let told = match &deleted {
            Ok(deleted) => format!(
                "{} segments, {} bytes, from {} to {}",
                deleted.segments,
                deleted.bytes,
                deleted.start.as_deref().unwrap_or("-"),
                deleted.end.as_deref().unwrap_or("-")
            ),
            Err(error) => error.to_string(),
        };
        audited::came_of_it(&api.audit, ended(entry, deleted.is_ok(), told));
        deleted
            .map(|deleted| json!(deleted))
            .map_err(|error| not_deleted(&error))
    });
    Ok(problem::json(StatusCode::OK, &done.await??))
}

fn begun(entry: Entry) -> Entry {
    Entry {
        outcome: Outcome::Begun,
        ..entry
    }
}

fn ended(entry: Entry, done: bool, told: String) -> Entry {
    let outcome = if done { Outcome::Done } else { Outcome::Refused };
    Entry {
        outcome,
        detail: told,
        ..entry
    }
}

/// For the audit log: which hold, until when, and why.
fn told_of(hold: &Hold) -> String {
    let until = hold
        .until
        .as_ref()
        .map_or_else(String::new, |until| format!(" until {until}"));
    let reason = if hold.reason.is_empty() {
        String::new()
    } else {
        format!(": {}", hold.reason)
    };
    format!("hold {}{until}{reason}", hold.id)
}

fn stretch(start: MediaTime, end: MediaTime) -> (Option<String>, Option<String>) {
    let start = (start > MediaTime::MIN).then(|| start.iso());
    let end = (end < MediaTime::MAX).then(|| end.iso());
    (start, end)
}

async fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| broken(&format!("the work was cut off: {error}")))
}

fn not_held(error: &HoldError) -> Problem {
    let told = error.to_string();
    match error {
        HoldError::Empty { .. } | HoldError::Over { .. } => {
            refused(StatusCode::BAD_REQUEST, "QueryInvalid", &told)
        }
        HoldError::TooMany => refused(StatusCode::CONFLICT, "Conflict", &told),
        HoldError::Unknown { .. } => refused(StatusCode::NOT_FOUND, "NotFound", &told),
        HoldError::Recording(_) => broken(&told),
    }
}

fn not_deleted(error: &DeletionError) -> Problem {
    let told = error.to_string();
    match error {
        DeletionError::Empty { .. } => refused(StatusCode::BAD_REQUEST, "QueryInvalid", &told),
        DeletionError::Held { .. } => refused(StatusCode::CONFLICT, "Held", &told),
        DeletionError::Recording(_) => broken(&told),
    }
}

fn refused(status: StatusCode, code: &'static str, told: &str) -> Problem {
    match told.split_once("\nhint: ") {
        Some((message, hint)) => Problem::with_hint(status, code, message, hint),
        None => Problem::with(status, code, Detail::new(code, told)),
    }
}

fn broken(told: &str) -> Problem {
    refused(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", told)
}
