//! Playlists and manifests of a stretch.

use super::sending::{self, ASK_AGAIN};
use super::{Answer, DASH_TYPE, HLS_TYPE, asked, asset, of_asset, refused};
use crate::api::guard::Call;
use crate::api::{Shared, audited};
use crate::media::TrackKind;
use crate::playback::dash;
use crate::playback::hls::{self, Links};
use crate::playback::live::Numbers;
use crate::playback::manifest::{Format, Manifest};
use crate::playback::timeline::Timeline;

/// `GET /assets/{name}/index.m3u8`
pub(in crate::api) async fn master(api: Shared, call: Call) -> Answer {
    let (start, end) = (call.query.get("startTime"), call.query.get("endTime"));
    manifest(&api, &call, Format::Hls, "", (start, end)).await
}

/// `GET /assets/{name}/manifest.mpd`
pub(in crate::api) async fn mpd(api: Shared, call: Call) -> Answer {
    let (start, end) = (call.query.get("startTime"), call.query.get("endTime"));
    manifest(&api, &call, Format::Dash, "", (start, end)).await
}

/// `GET /assets/{name}/content.ism/{manifest}`
pub(in crate::api) async fn filtered(api: Shared, call: Call) -> Answer {
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
pub(in crate::api) async fn video(api: Shared, call: Call) -> Answer {
    track(&api, &call, TrackKind::Video).await
}

/// `GET /assets/{name}/audio.m3u8`
pub(in crate::api) async fn audio(api: Shared, call: Call) -> Answer {
    track(&api, &call, TrackKind::Audio).await
}

async fn manifest(
    api: &Shared,
    call: &Call,
    format: Format,
    up: &'static str,
    stretch: (Option<&str>, Option<&str>),
) -> Answer {
    let links = links(call, up, stretch);
    answer(api, call, stretch, |timeline| match format {
        Format::Hls => (HLS_TYPE, hls::master(timeline, &links)),
        Format::Dash => {
            let now = api.options.clock.wall();
            (DASH_TYPE, dash::manifest(timeline, &links, now))
        }
    })
    .await
}

async fn track(api: &Shared, call: &Call, kind: TrackKind) -> Answer {
    let stretch = (call.query.get("startTime"), call.query.get("endTime"));
    let links = links(call, "", stretch);
    answer(api, call, stretch, |timeline| {
        let numbers = if timeline.live {
            api.playback.numbers(timeline, kind)
        } else {
            Numbers::default()
        };
        (HLS_TYPE, hls::track(timeline, kind, &links, numbers))
    })
    .await
}

async fn answer(
    api: &Shared,
    call: &Call,
    (start, end): (Option<&str>, Option<&str>),
    text: impl Fn(&Timeline) -> (&'static str, String),
) -> Answer {
    let asset = asset(api, call).await?;
    let asked = asked(&api.options.time_zone, call, &asset, (start, end))?;
    let tell = |timeline: &Timeline| {
        let (kind, text) = text(timeline);
        sending::text(&call.headers, kind, text, ASK_AGAIN)
    };
    let told = api.playback.told(&asset, asked, tell).await;
    let (timeline, response) = told.map_err(refused)?;
    audited::listed(api, call, asked, &timeline).await;
    Ok(response)
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
