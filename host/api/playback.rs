//! Recordings for players: what there is, playlists, media, files, pictures. Only HTTP is done here; the rest is `playback`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Response, StatusCode};
use serde_json::json;

use super::Shared;
use super::audited;
use super::auth::Caller;
use super::guard::Call;
use super::problem::{self, Problem};
use super::ranges::{self, Wanted};
use crate::audit::{Action, Looked};
use crate::graph::host::Detail;
use crate::media::{MediaTime, TrackKind};
use crate::playback::available::Question;
use crate::playback::content::Content;
use crate::playback::fetch::MediaFile;
use crate::playback::hls::{self, Links};
use crate::playback::live::Numbers;
use crate::playback::manifest::{Format, Manifest};
use crate::playback::range::{Asked, RangeError, moment};
use crate::playback::thumbnail::{MAX_WIDTH, MIN_WIDTH};
use crate::playback::timeline::Timeline;
use crate::playback::{Kind, PlaybackError, dash, listing};
use crate::recording::index::AssetRow;

/// Of HLS playlists.
pub(super) const HLS_TYPE: &str = "application/vnd.apple.mpegurl";
/// Of DASH manifests.
pub(super) const DASH_TYPE: &str = "application/dash+xml";
/// Of media.
pub(super) const MEDIA_TYPE: &str = "video/mp4";
/// Of pictures.
pub(super) const PICTURE_TYPE: &str = "image/jpeg";
/// The moment that a picture shows.
const TIME_HEADER: HeaderName = HeaderName::from_static("mediagraph-time");

/// What does not change may be kept by the one who asked, for an hour: what is deleted here must not live on in browsers.
const KEEP: HeaderValue = HeaderValue::from_static("private, max-age=3600, immutable");
/// What may change is asked for anew each time.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("private, no-cache");
/// Nothing is kept.
const DO_NOT_KEEP: HeaderValue = HeaderValue::from_static("no-store");

/// Of media, as it is fetched piece by piece: a playlist has told of it before.
const OF_SOME_TIME: Looked = Looked {
    start: None,
    end: None,
};

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
    let read = |name| call.query.get(name).map(|text| moment(name, text)).transpose();
    let bounds = || -> Result<_, RangeError> { Ok((read("startTime")?, read("endTime")?)) };
    let (start, end) = bounds().map_err(|error| of_asset(&asset, &error))?;
    let range = start.unwrap_or(MediaTime::MIN)..end.unwrap_or(MediaTime::MAX);
    let answer = api.playback.missing(&asset, range).await.map_err(refused)?;
    Ok(problem::json(StatusCode::OK, &json!(answer)))
}

/// `GET /assets/{name}/index.m3u8`
pub(super) async fn master(api: Shared, call: Call) -> Answer {
    let (start, end) = (call.query.get("startTime"), call.query.get("endTime"));
    manifest(&api, &call, Format::Hls, "", (start, end)).await
}

/// `GET /assets/{name}/manifest.mpd`
pub(super) async fn mpd(api: Shared, call: Call) -> Answer {
    let (start, end) = (call.query.get("startTime"), call.query.get("endTime"));
    manifest(&api, &call, Format::Dash, "", (start, end)).await
}

/// `GET /assets/{name}/content.ism/{manifest}`
pub(super) async fn filtered(api: Shared, call: Call) -> Answer {
    let asked = Manifest::parse(call.named("manifest"));
    let asked = match asked {
        Ok(asked) => asked,
        // Those alone who may see it are told what is wrong with their question.
        Err(error) => {
            let asset = asset(&api, &call).await?;
            return Err(of_asset(&asset, &error));
        }
    };
    let stretch = (asked.start.as_deref(), asked.end.as_deref());
    manifest(&api, &call, asked.format, "../", stretch).await
}

/// `GET /assets/{name}/video.m3u8`
pub(super) async fn video(api: Shared, call: Call) -> Answer {
    track(&api, &call, TrackKind::Video).await
}

/// `GET /assets/{name}/audio.m3u8`
pub(super) async fn audio(api: Shared, call: Call) -> Answer {
    track(&api, &call, TrackKind::Audio).await
}

/// `GET /assets/{name}/media/{file}`
pub(super) async fn media(api: Shared, call: Call) -> Answer {
    let asset = asset(&api, &call).await?;
    let file = api
        .playback
        .media(&asset, call.named("file"))
        .await
        .map_err(refused)?;
    audited::looked(&api, &call, &asset, Action::View, OF_SOME_TIME).await;
    send_media(&api, &call, file).await
}

/// `GET /assets/{name}/fragments/{epoch}/{file}`
pub(super) async fn fragment(api: Shared, call: Call) -> Answer {
    let asset = asset(&api, &call).await?;
    let (epoch, file) = (call.named("epoch"), call.named("file"));
    let file = api
        .playback
        .fragment(&asset, epoch, file)
        .await
        .map_err(refused)?;
    audited::looked(&api, &call, &asset, Action::View, OF_SOME_TIME).await;
    send_media(&api, &call, file).await
}

/// `GET /assets/{name}/export.mp4`
pub(super) async fn export(api: Shared, call: Call) -> Answer {
    let asset = asset(&api, &call).await?;
    let (start, end) = (call.query.get("startTime"), call.query.get("endTime"));
    let asked = Asked::read_both(start, end).map_err(|error| of_asset(&asset, &error))?;
    let Asked::Between(start, end) = asked else {
        return Err(of_asset(&asset, &RangeError::Both));
    };
    let export = api.playback.export(&asset, start, end).await.map_err(refused)?;
    let looked = Looked {
        start: Some(start),
        end: Some(end),
    };
    audited::looked(&api, &call, &asset, Action::Export, looked).await;
    let mut response = send(&api, &call.headers, export.content, Some(&export.tag), ASK_AGAIN).await?;
    let name = disposition(&export.file);
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// `GET /assets/{name}/frame.jpg`
pub(super) async fn frame(api: Shared, call: Call) -> Answer {
    let asset = asset(&api, &call).await?;
    let at = call.query.get("time").unwrap_or_default();
    let at = moment("time", at).map_err(|error| of_asset(&asset, &error))?;
    let width = match call.query.get("width").map(str::parse::<u32>) {
        None => None,
        Some(Ok(width)) if (MIN_WIDTH..=MAX_WIDTH).contains(&width) => Some(width),
        Some(_) => {
            let message = format!("`width` must be a number from {MIN_WIDTH} to {MAX_WIDTH}");
            return Err(of_asset(&asset, &message));
        }
    };
    let picture = api.playback.picture(&asset, at, width).await.map_err(refused)?;
    let looked = Looked {
        start: Some(picture.at),
        end: Some(picture.at),
    };
    audited::looked(&api, &call, &asset, Action::Snapshot, looked).await;
    let tag = format!("{}-{}", picture.at.ticks(), width.unwrap_or(0));
    let keep = if picture.settled { KEEP } else { ASK_AGAIN };
    let mut response = whole(&call.headers, PICTURE_TYPE, picture.jpeg.into(), &tag, keep);
    if let Ok(at) = HeaderValue::from_str(&picture.at.iso()) {
        response.headers_mut().insert(TIME_HEADER, at);
    }
    Ok(response)
}

/// The recording that a request names, if its caller may see it; nobody else learns that it is there.
pub(super) async fn asset(api: &Shared, call: &Call) -> Result<Arc<AssetRow>, Problem> {
    let sees = |row: &AssetRow| visible(&call.caller, row);
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

async fn manifest(
    api: &Shared,
    call: &Call,
    format: Format,
    up: &'static str,
    stretch: (Option<&str>, Option<&str>),
) -> Answer {
    let timeline = timeline(api, call, stretch).await?;
    let links = links(call, up, stretch);
    let (kind, text) = match format {
        Format::Hls => (HLS_TYPE, hls::master(&timeline, &links)),
        Format::Dash => (
            DASH_TYPE,
            dash::manifest(&timeline, &links, api.options.clock.wall()),
        ),
    };
    Ok(playlist(call, kind, text))
}

async fn track(api: &Shared, call: &Call, kind: TrackKind) -> Answer {
    let stretch = (call.query.get("startTime"), call.query.get("endTime"));
    let timeline = timeline(api, call, stretch).await?;
    let numbers = if timeline.live {
        api.playback.numbers(&timeline, kind)
    } else {
        Numbers::default()
    };
    let text = hls::track(&timeline, kind, &links(call, "", stretch), numbers);
    Ok(playlist(call, HLS_TYPE, text))
}

async fn timeline(
    api: &Shared,
    call: &Call,
    (start, end): (Option<&str>, Option<&str>),
) -> Result<Timeline, Problem> {
    let asset = asset(api, call).await?;
    let asked = Asked::read(start, end).map_err(|error| of_asset(&asset, &error))?;
    let timeline = api.playback.timeline(&asset, asked).await.map_err(refused)?;
    audited::listed(api, call, asked, &timeline).await;
    Ok(timeline)
}

/// What a manifest appends to the names in it.
fn links(call: &Call, up: &'static str, (start, end): (Option<&str>, Option<&str>)) -> Links {
    let store = call.query.get("store");
    let query = |pairs: &[(&str, Option<&str>)]| {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs {
            if let Some(value) = value {
                text.append_pair(name, value);
            }
        }
        let text = text.finish();
        if text.is_empty() { text } else { format!("?{text}") }
    };
    Links {
        up,
        stretch: query(&[("startTime", start), ("endTime", end), ("store", store)]),
        store: query(&[("store", store)]),
    }
}

fn playlist(call: &Call, kind: &'static str, text: String) -> Response<Body> {
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    let tag = format!("{:016x}", hash.finish());
    whole(&call.headers, kind, text.into(), &tag, ASK_AGAIN)
}

/// Something small, unless the client has it.
fn whole(
    headers: &HeaderMap,
    kind: &'static str,
    body: Body,
    tag: &str,
    keep: HeaderValue,
) -> Response<Body> {
    let mut response = if ranges::has(headers, tag) {
        problem::empty(StatusCode::NOT_MODIFIED)
    } else {
        problem::typed(StatusCode::OK, kind, body)
    };
    label(response.headers_mut(), Some(tag), keep);
    response
}

async fn send_media(api: &Shared, call: &Call, file: MediaFile) -> Answer {
    let keep = if file.tag.is_some() { KEEP } else { DO_NOT_KEEP };
    send(api, &call.headers, file.content, file.tag.as_deref(), keep).await
}

/// Media, or the part of it that is wanted. What has no tag grows.
async fn send(
    api: &Shared,
    headers: &HeaderMap,
    content: Content,
    tag: Option<&str>,
    keep: HeaderValue,
) -> Answer {
    if tag.is_some_and(|tag| ranges::has(headers, tag)) {
        let mut response = problem::empty(StatusCode::NOT_MODIFIED);
        label(response.headers_mut(), tag, keep);
        return Ok(response);
    }
    let length = content.length();
    let total = tag.map_or_else(|| "*".to_owned(), |_| length.to_string());
    let (status, range) = match ranges::wanted(headers, length, tag) {
        Wanted::Whole => (StatusCode::OK, 0..length),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Beyond => {
            let mut response = problem::empty(StatusCode::RANGE_NOT_SATISFIABLE);
            set(
                response.headers_mut(),
                header::CONTENT_RANGE,
                &format!("bytes */{length}"),
            );
            return Ok(response);
        }
    };
    let stream = content
        .cut(&range)
        .open(Arc::clone(&api.playback))
        .await
        .map_err(refused)?;
    let mut response = problem::typed(status, MEDIA_TYPE, Body::from_stream(stream));
    let said = response.headers_mut();
    label(said, tag, keep);
    let (start, end) = (range.start, range.end);
    set(
        said,
        header::CONTENT_LENGTH,
        &end.saturating_sub(start).to_string(),
    );
    set(said, header::ACCEPT_RANGES, "bytes");
    if status == StatusCode::PARTIAL_CONTENT {
        let last = end.saturating_sub(1);
        set(
            said,
            header::CONTENT_RANGE,
            &format!("bytes {start}-{last}/{total}"),
        );
    }
    Ok(response)
}

fn label(headers: &mut HeaderMap, tag: Option<&str>, keep: HeaderValue) {
    headers.insert(header::CACHE_CONTROL, keep);
    if let Some(tag) = tag {
        set(headers, header::ETAG, &ranges::quoted(tag));
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// RFC 6266: the name as it is for those who read it, and a plain one for the others.
fn disposition(file: &str) -> String {
    let plain: String = file
        .chars()
        .map(|letter| {
            let kept = letter.is_ascii_alphanumeric() || " -_.".contains(letter);
            if kept { letter } else { '_' }
        })
        .collect();
    let encoded: String = file.bytes().map(encoded).collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

fn encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

pub(super) fn of_asset(asset: &AssetRow, error: &dyn std::fmt::Display) -> Problem {
    wrong(&format!("asset `{}`: {error}", asset.name))
}

fn wrong(message: &str) -> Problem {
    problem_of(StatusCode::BAD_REQUEST, "QueryInvalid", message)
}

fn refused(error: PlaybackError) -> Problem {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_have_any_name_and_no_header_is_broken_by_it() {
        let said = disposition("Tür \"1\"; x 2026.mp4");
        assert_eq!(
            said,
            "attachment; filename=\"T_r _1__ x 2026.mp4\"; filename*=UTF-8''T%C3%BCr%20%221%22%3B%20x%202026.mp4"
        );
    }
}
