//! How answers are sent: whole or in part, and who may keep them how long.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Response, StatusCode};

use super::{Answer, MEDIA_TYPE, refused};
use crate::api::ranges::{self, Wanted};
use crate::api::{Shared, problem};
use crate::playback::content::{self, Content};

/// What does not change may be kept by the one who asked, for an hour: what is deleted here must not live on in browsers.
pub(in crate::api) const KEEP: HeaderValue = HeaderValue::from_static("private, max-age=3600, immutable");
/// What may change is asked for anew each time.
pub(in crate::api) const ASK_AGAIN: HeaderValue = HeaderValue::from_static("private, no-cache");
/// Nothing is kept.
pub(super) const DO_NOT_KEEP: HeaderValue = HeaderValue::from_static("no-store");

/// A text whose name is what stands in it, unless the client has it.
pub(in crate::api) fn text(
    headers: &HeaderMap,
    kind: &'static str,
    text: String,
    keep: HeaderValue,
) -> Response<Body> {
    let tag = content::tag(&text);
    whole(headers, kind, text.into(), &tag, keep)
}

/// Something small, unless the client has it.
pub(super) fn whole(
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

/// Media, or the part of it that is wanted. What has no tag grows.
pub(super) async fn send(
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

/// A name as it stands in a URL or a header (RFC 3986, 2.1).
pub(super) fn encoded(name: &str) -> String {
    let encode = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    name.bytes().map(encode).collect()
}
