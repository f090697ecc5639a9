//! What was recorded.

use std::ops::Range;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use jiff::Timestamp;
use serde_json::json;

use super::Shared;
use super::guard::Call;
use super::problem::{self, Problem};
use crate::graph::host::Detail;
use crate::recording::coverage::{CoverageError, Question, coverage};
use crate::recording::find::{self, FindError, Page};
use crate::recording::index::Index;
use crate::when::{self, NoMoment};

/// How far back is looked when nobody says it.
const DEFAULT_SINCE: &str = "7d";
/// As far back is searched.
const DEFAULT_FIND_SINCE: &str = "24h";

/// `GET /api/coverage`
pub(super) async fn covered(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let (question, notes) = question(&api, &call)?;
    let path = api.options.host.recordings().cache().index().path().to_owned();
    // A connection of its own: whoever records does not wait for who asks.
    let asking = move || coverage(&Index::open_to_read(&path)?, &question);
    let asked = tokio::task::spawn_blocking(asking)
        .await
        .map_err(|error| broken(&error.to_string()))?;
    let mut answer = asked.map_err(|error| match error {
        CoverageError::Index(error) => broken(&error.to_string()),
        error => refused("QueryInvalid", &error),
    })?;
    answer.notes = notes;
    // What nobody knows the instance of is the host's.
    (answer.cameras).retain(|camera| match camera.instance.as_str() {
        "" => !call.caller.is_limited(),
        instance => call.caller.sees(instance),
    });
    Ok(problem::json(StatusCode::OK, &json!(answer)))
}

/// `GET /api/detections`
pub(super) async fn detections(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let (question, notes) = find_question(&api, &call)?;
    let path = api.options.host.recordings().cache().index().path().to_owned();
    let caller = call.caller.clone();
    let asking = move || -> Result<Page, FindError> {
        // What nobody knows the instance of is the host's.
        let sees = |instance: &str| match instance {
            "" => !caller.is_limited(),
            instance => caller.sees(instance),
        };
        find::find(&Index::open_to_read(&path)?, &question, sees)
    };
    let asked = tokio::task::spawn_blocking(asking)
        .await
        .map_err(|error| broken(&error.to_string()))?;
    let mut page = asked.map_err(|error| match error {
        FindError::Index(error) => broken(&error.to_string()),
        FindError::Token => refused("ContinuationTokenInvalid", &error),
        error => refused("QueryInvalid", &error),
    })?;
    page.notes = notes;
    Ok(problem::json(StatusCode::OK, &json!(page)))
}

fn find_question(api: &Shared, call: &Call) -> Result<(find::Question, Vec<String>), Problem> {
    let get = |name: &str| call.query.get(name).map(str::to_owned);
    let (range, notes) = range(api, call, DEFAULT_FIND_SINCE)?;
    let limit = call.query.get("$top").map(str::parse::<u32>);
    let confidence = call.query.get("minimumConfidence").map(str::parse::<f64>);
    let question = find::Question {
        label: get("label"),
        since: range.start,
        until: range.end,
        asset: get("asset"),
        minimum_confidence: confidence
            .unwrap_or(Ok(0.0))
            .map_err(|_| refused("QueryInvalid", &FindError::Confidence))?,
        limit: limit
            .unwrap_or(Ok(find::PAGE))
            .map_err(|_| refused("QueryInvalid", &FindError::Limit))?,
        token: call.query.either("continuationToken", "@continuationToken"),
        zone: api.options.time_zone.clone(),
    };
    Ok((question, notes))
}

fn question(api: &Shared, call: &Call) -> Result<(Question, Vec<String>), Problem> {
    let (range, notes) = range(api, call, DEFAULT_SINCE)?;
    let question = Question {
        since: range.start,
        until: range.end,
        instance: call.query.get("instance").map(str::to_owned),
        zone: api.options.time_zone.clone(),
    };
    Ok((question, notes))
}

/// What `since` and `until` mean at the site, and what is to be told of it.
fn range(api: &Shared, call: &Call, early: &str) -> Result<(Range<Timestamp>, Vec<String>), Problem> {
    let (now, zone) = (api.options.clock.wall(), &api.options.time_zone);
    let read = |text: &str| when::since(text, now, zone).map_err(|error| wrong(&error));
    let since = read(call.query.get("since").unwrap_or(early))?;
    let until = call.query.get("until").map_or(Ok(now.into()), read)?;
    let notes = since.note.into_iter().chain(until.note).collect();
    Ok((since.at..until.at, notes))
}

fn wrong(error: &NoMoment) -> Problem {
    refused("QueryInvalid", error)
}

fn refused(code: &'static str, error: &dyn std::fmt::Display) -> Problem {
    let told = error.to_string();
    let (message, hint) = told.split_once("\nhint: ").unwrap_or((&told, ""));
    let detail = Detail::new(code, message);
    Problem::bad_request(if hint.is_empty() {
        detail
    } else {
        detail.hint(hint)
    })
}

fn broken(error: &str) -> Problem {
    let message = format!("the index of recordings cannot be read: {error}");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", &message)
}
