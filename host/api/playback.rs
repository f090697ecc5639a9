//! Recordings for players: what there is, playlists, media, files, pictures. Only HTTP is done here; the rest is `playback`.

mod files;
mod links;
mod manifests;
mod sending;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use jiff::tz::TimeZone;
use serde_json::json;

use super::Shared;
use super::auth::Caller;
use super::guard::Call;
use super::problem::{self, Problem};
use crate::graph::host::Detail;
use crate::media::MediaTime;
use crate::playback::available::Question;
use crate::playback::range::{Asked, RangeError, moment};
use crate::playback::{Kind, PlaybackError, listing};
use crate::recording::index::AssetRow;

pub(super) use files::{export, fragment, frame, media};
pub(super) use links::{keep_no_longer, make_link};
pub(super) use manifests::{audio, filtered, master, mpd, video};
pub(super) use sending::{ASK_AGAIN, KEEP, text};

/// Of HLS playlists.
pub(super) const HLS_TYPE: &str = "application/vnd.apple.mpegurl";
/// Of DASH manifests.
pub(super) const DASH_TYPE: &str = "application/dash+xml";
/// Of media.
pub(super) const MEDIA_TYPE: &str = "video/mp4";
/// Of pictures.
pub(super) const PICTURE_TYPE: &str = "image/jpeg";

type Answer = Result<Response<Body>, Problem>;

/// `GET /assets`
pub(super) async fn assets(api: Shared, call: Call) -> Answer {
    let limit = match call.query.get("$top").map(str::parse::<u32>) {
        None => listing::PAGE,
        Some(Ok(limit)) if (1..=listing::MAX_PAGE).contains(&limit) => limit,
        Some(_) => return Err(wrong(&format!("a page has 1 to {} assets", listing::MAX_PAGE))),
    };
    let token = call.query.either("continuationToken", "@continuationToken");
    let caller = call.caller.clone();
    let sees = move |row: &AssetRow| visible(&caller, row);
    let page = api
        .playback
        .list(limit, token.as_deref(), sees)
        .await
        .map_err(refused)?;
    let page = page.ok_or_else(|| {
        let detail = Detail::new(
            "ContinuationTokenInvalid",
            "the continuation token is none of this list",
        );
        Problem::bad_request(detail.hint("hand back what the page before gave, or leave it out"))
    })?;
    Ok(problem::json(StatusCode::OK, &json!(page)))
}

/// `GET /assets/{name}/availableMedia`
pub(super) async fn available(api: Shared, call: Call) -> Answer {
    let asset = asset(&api, &call).await?;
    let get = |name| call.query.get(name);
    let question = Question::read(get("precision"), get("startTime"), get("endTime"));
    let question = question.map_err(|error| of_asset(&asset, &error))?;
    let answer = api.playback.available(&asset, question).await.map_err(refused)?;
    Ok(problem::json(StatusCode::OK, &json!(answer)))
}

/// `GET /assets/{name}/gaps`
pub(super) async fn gaps(api: Shared, call: Call) -> Answer {
    let asset = asset(&api, &call).await?;
    let zone = &api.options.time_zone;
    let read = |name| {
        call.query
            .get(name)
            .map(|text| moment(name, text, zone))
            .transpose()
    };
    let bounds = || -> Result<_, RangeError> { Ok((read("startTime")?, read("endTime")?)) };
    let (start, end) = bounds().map_err(|error| of_asset(&asset, &error))?;
    let range = start.unwrap_or(MediaTime::MIN)..end.unwrap_or(MediaTime::MAX);
    let answer = api.playback.missing(&asset, range).await.map_err(refused)?;
    Ok(problem::json(StatusCode::OK, &json!(answer)))
}

/// The recording that a request names, if its caller may see it; nobody else learns that it is there. A link is for one alone.
pub(super) async fn asset(api: &Shared, call: &Call) -> Result<Arc<AssetRow>, Problem> {
    let meant = |row: &AssetRow| call.grant.as_ref().is_none_or(|grant| grant.asset == row.id);
    let sees = |row: &AssetRow| visible(&call.caller, row) && meant(row);
    let found = api
        .playback
        .asset(call.named("name"), call.query.get("store"), sees);
    found.await.map_err(refused)
}

/// What nobody knows the instance of is the host's.
pub(super) fn visible(caller: &Caller, row: &AssetRow) -> bool {
    match row.owner.split('/').next().unwrap_or_default() {
        "" => !caller.is_limited(),
        instance => caller.sees(instance),
    }
}

/// The stretch that a request asks for, which must be within that of a link.
fn asked(
    zone: &TimeZone,
    call: &Call,
    asset: &AssetRow,
    (start, end): (Option<&str>, Option<&str>),
) -> Result<Asked, Problem> {
    let asked = match &call.grant {
        None => Asked::read(start, end, zone),
        Some(grant) => Asked::within(start, end, &grant.range, zone),
    };
    asked.map_err(|error| of_range(asset, &error))
}

fn of_range(asset: &AssetRow, error: &RangeError) -> Problem {
    match error {
        RangeError::Beyond => {
            let message = format!("asset `{}`: {error}", asset.name);
            problem_of(StatusCode::FORBIDDEN, "Forbidden", &message)
        }
        _ => of_asset(asset, error),
    }
}

pub(super) fn of_asset(asset: &AssetRow, error: &dyn std::fmt::Display) -> Problem {
    wrong(&format!("asset `{}`: {error}", asset.name))
}

pub(super) fn wrong(message: &str) -> Problem {
    problem_of(StatusCode::BAD_REQUEST, "QueryInvalid", message)
}

pub(super) fn refused(error: PlaybackError) -> Problem {
    let (status, code) = match error.kind() {
        Kind::Wrong => (StatusCode::BAD_REQUEST, "QueryInvalid"),
        Kind::NotFound => (StatusCode::NOT_FOUND, "NotFound"),
        Kind::Unsuitable => (StatusCode::CONFLICT, "Conflict"),
        Kind::Busy => (StatusCode::SERVICE_UNAVAILABLE, "ServerBusy"),
        Kind::Away => (StatusCode::SERVICE_UNAVAILABLE, "StoreAway"),
        Kind::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
    };
    problem_of(status, code, &error.to_string())
}

fn problem_of(status: StatusCode, code: &'static str, told: &str) -> Problem {
    match told.split_once("\nhint: ") {
        Some((message, hint)) => Problem::with_hint(status, code, message, hint),
        None => Problem::with(status, code, Detail::new(code, told)),
    }
}
