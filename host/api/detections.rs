//! One recording, and what was seen of it.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::Shared;
use super::guard::Call;
use super::playback::{self, ASK_AGAIN, KEEP, asset, of_asset, refused};
use super::problem::{self, Problem};
use crate::playback::range::Asked;
use crate::playback::seen::Question;

const JSON: &str = "application/json";

/// `GET /assets/{name}`
pub(super) async fn one(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let asset = asset(&api, &call).await?;
    let listed = api.playback.one(&asset).await.map_err(refused)?;
    Ok(problem::json(StatusCode::OK, &json!(listed)))
}

/// `GET /assets/{name}/detections`
pub(super) async fn seen(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let asset = asset(&api, &call).await?;
    let (start, end) = (
        call.query.either("startTime", "from"),
        call.query.either("endTime", "to"),
    );
    let stretch = Asked::read_both(start.as_deref(), end.as_deref(), &api.options.time_zone);
    let token = call.query.either("continuationToken", "@continuationToken");
    let (label, limit) = (call.query.get("label"), call.query.get("$top"));
    let question = Question::new(stretch, label, limit, token.as_deref());
    let question = question.map_err(|error| of_asset(&asset, &error))?;
    let page = api.playback.seen(&asset, &question).await.map_err(refused)?;
    let keep = if page.settled { KEEP } else { ASK_AGAIN };
    Ok(playback::text(&call.headers, JSON, json!(page).to_string(), keep))
}
