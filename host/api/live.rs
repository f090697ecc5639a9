//! `GET /live/{instance}/{source}`: what a camera shows now, as a movie without an end.
//!
//! Plain HTTP and no web socket: a page can send its token with `fetch`, which it cannot with a web socket, and hands what it reads to Media
//! Source Extensions. A stream ends when its graph, its token or the host does.
//!
//! Invariants: recording waits for nobody who looks; who reads nothing is cut off by the connection (`ServeLimits::write`), and who reads
//! slowly misses pictures.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use futures::stream;
use tokio::sync::OwnedSemaphorePermit;

use super::Shared;
use super::audited;
use super::auth::{Caller, Changes};
use super::guard::Call;
use super::playback::MEDIA_TYPE;
use super::problem::{Problem, discreet, typed};
use crate::graph::host::{Seen, Viewer};
use crate::playback::live_view::LiveMovie;

/// Views at a time.
pub(super) const MAX_VIEWS: usize = 64;
/// How long the first picture that needs no other may take.
const FIRST_PICTURE: Duration = Duration::from_secs(20);
/// The codec of what is shown.
const CODECS_HEADER: HeaderName = HeaderName::from_static("mediagraph-codecs");

/// Answers with a stream.
pub(super) async fn view(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let place = std::sync::Arc::clone(&api.views).try_acquire_owned();
    let place = place.map_err(|_| {
        let message = format!("{MAX_VIEWS} people look at cameras already");
        Problem::with_hint(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServerBusy",
            &message,
            "try again in a moment",
        )
    })?;
    let (instance, source) = (call.named("instance"), call.named("source"));
    let viewer = api.options.host.look(instance, source);
    let viewer = viewer.map_err(|error| discreet(error, &call.caller))?;
    let mut feed = Feed {
        tokens: api.options.auth.watch(),
        api,
        caller: call.caller.clone(),
        viewer,
        movie: LiveMovie::default(),
        ready: VecDeque::new(),
        _place: place,
    };
    let first = tokio::time::timeout(FIRST_PICTURE, feed.next()).await;
    let Ok(Some(first)) = first else {
        return Err(Problem::with_hint(
            StatusCode::SERVICE_UNAVAILABLE,
            "NoPicture",
            &format!("the camera of `{source}` of `{instance}` shows nothing now"),
            "`mediagraph instance status` says how it is",
        ));
    };
    audited::watched(&feed.api, &call, format!("{instance}/{source}")).await;
    let codec = feed.movie.codec().unwrap_or_default().to_owned();
    feed.ready.push_front(first);
    let body = stream::unfold(feed, |mut feed| async move {
        let bytes = feed.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), feed))
    });
    let mut response = typed(StatusCode::OK, MEDIA_TYPE, Body::from_stream(body));
    let full = format!("{MEDIA_TYPE}; codecs=\"{codec}\"");
    for (name, value) in [(header::CONTENT_TYPE, full), (CODECS_HEADER, codec)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// One viewer's movie.
struct Feed {
    api: Shared,
    caller: Caller,
    tokens: Changes,
    viewer: Viewer,
    movie: LiveMovie,
    ready: VecDeque<Bytes>,
    _place: OwnedSemaphorePermit,
}

impl Feed {
    /// What to send next; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Some(bytes);
            }
            tokio::select! {
                () = self.api.options.shutdown.cancelled() => return None,
                () = self.tokens.next() => self.check()?,
                seen = self.viewer.next() => self.take(seen?)?,
            }
        }
    }

    fn take(&mut self, seen: Seen) -> Option<()> {
        let unit = match seen {
            Seen::Missed => {
                self.movie.missed();
                return Some(());
            }
            Seen::Unit(unit) => unit,
        };
        // Also one whose time is over.
        if unit.random_access {
            self.check()?;
        }
        match self.movie.unit(&unit) {
            Ok(parts) => self.ready.extend(parts),
            Err(error) => {
                tracing::debug!(%error, "A picture cannot be shown");
                self.movie.missed();
            }
        }
        Some(())
    }

    /// None when the token is not valid any more.
    fn check(&self) -> Option<()> {
        let now = self.api.options.clock.wall();
        self.api.options.auth.still_valid(&self.caller, now).then_some(())
    }
}
