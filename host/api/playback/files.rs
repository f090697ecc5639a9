//! Media, files and pictures of a recording.

use axum::http::header::{self, HeaderName, HeaderValue};

use super::sending::{ASK_AGAIN, DO_NOT_KEEP, KEEP, encoded, send, whole};
use super::{Answer, PICTURE_TYPE, asked, asset, of_asset, of_range, refused};
use crate::api::guard::Call;
use crate::api::ranges::{self, Wanted};
use crate::api::{Shared, audited};
use crate::audit::{Action, Looked};
use crate::playback::fetch::MediaFile;
use crate::playback::range::{Asked, RangeError, moment};
use crate::playback::thumbnail::{MAX_WIDTH, MIN_WIDTH};
use crate::recording::index::AssetRow;

/// The moment that a picture shows.
const TIME_HEADER: HeaderName = HeaderName::from_static("mediagraph-time");
/// Of media, as it is fetched piece by piece: a playlist has told of it before.
const OF_SOME_TIME: Looked = Looked {
    start: None,
    end: None,
};

/// `GET /assets/{name}/media/{file}`
pub(in crate::api) async fn media(api: Shared, call: Call) -> Answer {
    let asset = asset(&api, &call).await?;
    let file = call.named("file");
    let found = match &call.grant {
        None => api.playback.media(&asset, file).await,
        Some(grant) => api.playback.media_within(&asset, file, &grant.range).await,
    };
    send_media(&api, &call, &asset, found.map_err(refused)?).await
}

/// `GET /assets/{name}/fragments/{epoch}/{file}`
pub(in crate::api) async fn fragment(api: Shared, call: Call) -> Answer {
    let asset = asset(&api, &call).await?;
    let (epoch, file) = (call.named("epoch"), call.named("file"));
    let granted = call.grant.as_ref().map(|grant| &grant.range);
    let found = api.playback.fragment(&asset, epoch, file, granted).await;
    send_media(&api, &call, &asset, found.map_err(refused)?).await
}

/// `GET /assets/{name}/export.mp4`
pub(in crate::api) async fn export(api: Shared, call: Call) -> Answer {
    let asset = asset(&api, &call).await?;
    let (start, end) = (call.query.get("startTime"), call.query.get("endTime"));
    let Asked::Between(start, end) = asked(&api.options.time_zone, &call, &asset, (start, end))? else {
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
pub(in crate::api) async fn frame(api: Shared, call: Call) -> Answer {
    let asset = asset(&api, &call).await?;
    let at = call.query.get("time").unwrap_or_default();
    let at = moment("time", at, &api.options.time_zone).map_err(|error| of_asset(&asset, &error))?;
    if call
        .grant
        .as_ref()
        .is_some_and(|grant| !grant.range.contains(&at))
    {
        return Err(of_range(&asset, &RangeError::Beyond));
    }
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

async fn send_media(api: &Shared, call: &Call, asset: &AssetRow, file: MediaFile) -> Answer {
    let length = file.content.length();
    let asked = match ranges::wanted(&call.headers, length, file.tag.as_deref()) {
        Wanted::Whole => 0..length,
        Wanted::Part(part) => part,
        // It is refused in any case.
        Wanted::Beyond => file.open.clone(),
    };
    if asked.start < file.open.start || asked.end > file.open.end {
        return Err(of_range(asset, &RangeError::Beyond));
    }
    audited::looked(api, call, asset, Action::View, OF_SOME_TIME).await;
    let keep = if file.tag.is_some() { KEEP } else { DO_NOT_KEEP };
    send(api, &call.headers, file.content, file.tag.as_deref(), keep).await
}

/// RFC 6266: the name as it is for those who read it, and a plain one for the others.
fn disposition(file: &str) -> String {
    let plain: String = file
        .chars()
        .map(|letter| {
            let kept = letter.is_ascii_alphanumeric() || " -_.+".contains(letter);
            if kept { letter } else { '_' }
        })
        .collect();
    format!(
        "attachment; filename=\"{plain}\"; filename*=UTF-8''{}",
        encoded(file)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_have_any_name_and_no_header_is_broken_by_it() {
        let said = disposition("Tür \"1\"; x 2026+01.mp4");
        assert_eq!(
            said,
            "attachment; filename=\"T_r _1__ x 2026+01.mp4\"; \
             filename*=UTF-8''T%C3%BCr%20%221%22%3B%20x%202026%2B01.mp4"
        );
    }
}
