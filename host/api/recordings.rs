//! What was recorded.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::Shared;
use super::guard::Call;
use super::problem::{self, Problem};
use crate::graph::host::Detail;
use crate::recording::coverage::{CoverageError, Question, coverage, since};
use crate::recording::index::Index;

/// How far back is looked when nobody says it.
const DEFAULT_SINCE: &str = "7d";

/// `GET /api/coverage`
pub(super) async fn covered(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let question = question(&api, &call)?;
    let path = api.options.host.recordings().cache().index().path().to_owned();
    // A connection of its own: whoever records does not wait for who asks.
    let asking = move || coverage(&Index::open_to_read(&path)?, &question);
    let asked = tokio::task::spawn_blocking(asking)
        .await
        .map_err(|error| broken(&error.to_string()))?;
    let mut answer = asked.map_err(|error| match error {
        CoverageError::Index(error) => broken(&error.to_string()),
        error => wrong(&error),
    })?;
    // What nobody knows the instance of is the host's.
    (answer.cameras).retain(|camera| match camera.instance.as_str() {
        "" => !call.caller.is_limited(),
        instance => call.caller.sees(instance),
    });
    Ok(problem::json(StatusCode::OK, &json!(answer)))
}

fn question(api: &Shared, call: &Call) -> Result<Question, Problem> {
    let (now, zone) = (api.options.clock.wall(), &api.options.time_zone);
    let moment = |name: &str| {
        call.query
            .get(name)
            .map(|text| since(text, now, zone))
            .transpose()
    };
    Ok(Question {
        since: match moment("since").map_err(|error| wrong(&error))? {
            Some(since) => since,
            None => since(DEFAULT_SINCE, now, zone).map_err(|error| wrong(&error))?,
        },
        until: moment("until").map_err(|error| wrong(&error))?.unwrap_or(now),
        instance: call.query.get("instance").map(str::to_owned),
        zone: zone.clone(),
    })
}

fn wrong(error: &CoverageError) -> Problem {
    let told = error.to_string();
    let (message, hint) = told.split_once("\nhint: ").unwrap_or((&told, ""));
    let detail = Detail::new("QueryInvalid", message);
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
