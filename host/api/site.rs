//! The time at the site.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::Shared;
use super::guard::Call;
use super::problem::{self, Problem};
use crate::when;

/// `GET /api/time`
pub(super) async fn time(api: Shared, _: Call) -> Result<Response<Body>, Problem> {
    let (now, zone) = (api.options.clock.wall(), &api.options.time_zone);
    let told = json!({
        "now": format!("{now:.3}"),
        "timeZone": when::name(zone),
        "offset": when::offset(now, zone),
    });
    Ok(problem::json(StatusCode::OK, &told))
}
