//! `POST /assets/{name}/links`: a link to a stretch, for players that cannot send a token. It allows no more than whoever makes it may do,
//! and is in no log: see `auth::link`.

use std::ops::RangeInclusive;

use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::sending::encoded;
use super::{Answer, asset, of_asset, of_range, refused, wrong};
use crate::api::auth::link::Grant;
use crate::api::guard::Call;
use crate::api::{Shared, problem};
use crate::media::{MediaTime, duration};
use crate::playback::range::Asked;

/// How long a link counts when nobody says, in seconds: 10 minutes.
const LIFETIME: i64 = 600;
/// How long a link may count, in seconds: up to an hour.
const LIFETIMES: RangeInclusive<i64> = 1..=3600;

/// What a link is to be for.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct LinkRequest {
    start_time: Option<String>,
    end_time: Option<String>,
    lifetime: Option<String>,
}

/// `POST /assets/{name}/links`
pub(in crate::api) async fn make_link(api: Shared, call: Call) -> Answer {
    let request = match call.body.is_empty() {
        true => LinkRequest::default(),
        false => serde_json::from_slice(&call.body)
            .map_err(|error| wrong(&format!("the request cannot be read: {error}")))?,
    };
    let asset = asset(&api, &call).await?;
    let lifetime = lifetime(request.lifetime.as_deref()).map_err(|error| of_asset(&asset, &error))?;
    let (start, end) = (request.start_time.as_deref(), request.end_time.as_deref());
    let asked = Asked::read(start, end, &api.options.time_zone).map_err(|error| of_range(&asset, &error))?;
    let range = api.playback.stretch(&asset, asked).await.map_err(refused)?;
    let expires = end_of(api.options.clock.wall(), lifetime);
    let grant = Grant {
        asset: asset.id,
        range: range.clone(),
        expires,
    };
    let link = api.links.sign(&call.caller, &grant);
    let at = |file: &str| format!("signed/{link}/assets/{}/{file}", encoded(&asset.name));
    let mut told = json!({
        "expires": expires.to_string(),
        "startTime": range.start.iso(),
        "hls": at("index.m3u8"),
        "dash": at("manifest.mpd"),
        "frame": at("frame.jpg"),
    });
    if let Some(told) = told.as_object_mut().filter(|_| range.end < MediaTime::MAX) {
        told.insert("endTime".to_owned(), json!(range.end.iso()));
        told.insert("file".to_owned(), json!(at("export.mp4")));
    }
    Ok(problem::json(StatusCode::CREATED, &told))
}

/// In seconds.
fn lifetime(asked: Option<&str>) -> Result<i64, String> {
    let Some(text) = asked else { return Ok(LIFETIME) };
    let seconds = duration::parse(text).map(|ticks| ticks.0 / crate::media::TICKS_PER_SECOND);
    let bounded = seconds.ok().filter(|seconds| LIFETIMES.contains(seconds));
    bounded.ok_or_else(|| {
        "`lifetime` must be a duration from `PT1S` to `PT1H`\nhint: write it in ISO 8601, such as `PT10M`"
            .to_owned()
    })
}

/// To the second, as a link has it.
fn end_of(now: Timestamp, lifetime: i64) -> Timestamp {
    let end = now.as_second().saturating_add(lifetime);
    Timestamp::from_second(end).unwrap_or(now)
}

/// What a link gave is kept no longer than the link counts.
pub(in crate::api) fn keep_no_longer(answer: &mut HeaderMap, grant: &Grant, now: Timestamp) {
    let kept = answer.get(header::CACHE_CONTROL);
    let aged = kept.is_some_and(|kept| kept.to_str().is_ok_and(|kept| kept.contains("max-age")));
    if !aged {
        return;
    }
    let left = grant.expires.duration_since(now).max(SignedDuration::ZERO);
    let kept = format!("private, max-age={}, immutable", left.as_secs());
    if let Ok(kept) = HeaderValue::from_str(&kept) {
        answer.insert(header::CACHE_CONTROL, kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_bounded_and_minutes_when_nobody_says() {
        assert_eq!(lifetime(None), Ok(600));
        assert_eq!(lifetime(Some("PT1H")), Ok(3600));
        assert_eq!(lifetime(Some("PT1S")), Ok(1));
        for wrong in ["PT1H1S", "PT0S", "PT0.5S", "P1D", "10", "", "-PT1M"] {
            let told = lifetime(Some(wrong)).unwrap_err();
            assert!(told.contains("`PT1H`"), "{wrong}: {told}");
        }
    }

    #[test]
    fn what_may_be_kept_is_kept_until_the_link_ends() {
        let now: Timestamp = "2026-11-22T12:00:00.5Z".parse().unwrap();
        let grant = Grant {
            asset: crate::recording::index::AssetId(1),
            range: MediaTime::MIN..MediaTime::MAX,
            expires: end_of(now, 90),
        };
        let kept = |said: &'static str, now| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(said));
            keep_no_longer(&mut headers, &grant, now);
            headers[header::CACHE_CONTROL].to_str().unwrap().to_owned()
        };
        let media = "private, max-age=3600, immutable";
        assert_eq!(kept(media, now), "private, max-age=89, immutable");
        assert_eq!(kept(media, grant.expires), "private, max-age=0, immutable");
        assert_eq!(kept("private, no-cache", now), "private, no-cache");
    }
}
