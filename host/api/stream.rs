//! `GET /api/events`: events as they happen, over server-sent events (HTML Living Standard, 9.2).
//!
//! A stream begins behind the last event that its reader has: what the journal has kept since, then what happens.
//! It listens before it reads the journal, and numbers rise, so that nothing is missing between the two and nothing
//! comes twice. Events are in the journal before they are live, so a reader who falls behind reads on from there.
//!
//! Invariants: a stream holds at most one page of events, whoever does not read; one that reads nothing is cut off by
//! its connection (`ServeLimits::write`) and resumes where it was. A stream ends when its token does.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Response, StatusCode};
use futures::stream;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};
use tokio::time::{Interval, MissedTickBehavior};

use super::auth::{Caller, Changes};
use super::guard::Call;
use super::problem::{Problem, typed};
use super::{Api, Shared};
use crate::events::{Entry, Event, Filter, Journal};
use crate::graph::host::Detail;
use crate::topology::diagnostics::shown;

/// Streams at a time.
pub(super) const MAX_STREAMS: usize = 64;
/// How often a stream that has nothing to say says so. Also how soon a token whose time is over ends it.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a client should wait before it connects anew.
const RETRY_MS: u32 = 2_000;
/// Events that are read from the journal at a time.
const PAGE: usize = 64;
/// Says that events were not kept long enough for this reader: `after`, the last one that it has, and `oldest`, the
/// first that there is.
pub(super) const MISSED: &str = "MediaGraph.Events.Missed";

/// Answers with a stream.
pub(super) async fn events(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let asked = asked(&call)?;
    let filter = Filter {
        instance: call.query.get("instance").map(str::to_owned),
        within: call.caller.pattern().map(str::to_owned),
        event_type: call.query.get("eventType").map(str::to_owned),
        output: call.query.get("output").map(str::to_owned),
    };
    let place = Arc::clone(&api.streams)
        .try_acquire_owned()
        .map_err(|error| busy(&error))?;
    let feed = Feed::new(api, call.caller, filter, asked, place);
    let body = stream::unfold(feed, |mut feed| async move {
        let text = feed.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), feed))
    });
    Ok(typed(
        StatusCode::OK,
        "text/event-stream",
        Body::from_stream(body),
    ))
}

fn busy(_: &TryAcquireError) -> Problem {
    let message = format!("there are {MAX_STREAMS} streams of events already");
    Problem::with_hint(
        StatusCode::SERVICE_UNAVAILABLE,
        "ServerBusy",
        &message,
        "close one, or let one reader hand events on",
    )
}

/// The number of the last event that the reader has. What a browser sends when it connects anew counts for more than
/// what it was started with.
fn asked(call: &Call) -> Result<Option<i64>, Problem> {
    let header = call.headers.get("last-event-id");
    let text = match header {
        Some(header) => Some(header.to_str().unwrap_or("?")),
        None => call.query.get("lastEventId"),
    };
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let number = text.parse().ok().filter(|number| *number >= 0);
    number.map(Some).ok_or_else(|| {
        let message = format!("{} is no id of an event", shown(text));
        Problem::bad_request(
            Detail::new("LastEventIdInvalid", message)
                .hint("send the `id:` of the last event that you have, or 0 for all that are kept"),
        )
    })
}

/// One reader's place in the events.
struct Feed {
    api: Shared,
    caller: Caller,
    filter: Filter,
    live: Receiver<Arc<Entry>>,
    tokens: Changes,
    /// Everything up to this number was sent, or is not for this reader.
    position: i64,
    doing: Doing,
    heartbeat: Interval,
    _place: OwnedSemaphorePermit,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Its first words.
    Greeting { catch_up: bool },
    /// Reading the journal.
    CatchingUp,
    /// Waiting for what happens.
    Listening,
}

impl Feed {
    fn new(
        api: Shared,
        caller: Caller,
        filter: Filter,
        asked: Option<i64>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        // In this order: what happens between the two is in both.
        let live = api.journal().subscribe();
        let tokens = api.options.auth.watch();
        let (_, newest) = api.journal().oldest_and_newest();
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        Self {
            api,
            caller,
            filter,
            live,
            tokens,
            position: asked.unwrap_or(newest),
            doing: Doing::Greeting {
                catch_up: asked.is_some(),
            },
            heartbeat,
            _place: place,
        }
    }

    /// What to send next; none at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            let text = match self.doing {
                Doing::Greeting { catch_up } => self.greet(catch_up),
                Doing::CatchingUp => self.catch_up().await?,
                Doing::Listening => self.listen().await?,
            };
            // Behind the waiting: what came meanwhile is not for a token that was taken away meanwhile.
            let now = self.api.options.clock.wall();
            if !self.api.options.auth.still_valid(&self.caller, now) {
                return None;
            }
            if !text.is_empty() {
                return Some(text);
            }
        }
    }

    /// So that a reader knows that it is connected, and from where to resume if nothing ever comes.
    fn greet(&mut self, catch_up: bool) -> String {
        self.doing = if catch_up {
            Doing::CatchingUp
        } else {
            Doing::Listening
        };
        let text = format!(": events of mediagraph\nretry: {RETRY_MS}\n");
        // Somebody whose place is not kept any more must not be told that it still is.
        if catch_up {
            format!("{text}\n")
        } else {
            format!("{text}id: {}\n\n", self.position)
        }
    }

    /// One page of what the journal has.
    async fn catch_up(&mut self) -> Option<String> {
        let journal = self.api.journal().clone();
        let (_, newest) = journal.oldest_and_newest();
        let mut text = String::new();
        if self.position > newest {
            // Numbers never go back, so this place is in another journal.
            text = self.missed(&journal);
            self.position = 0;
        }
        let page = match journal.after(self.position, &self.filter, PAGE).await {
            Ok(page) => page,
            Err(error) => {
                // The reader connects anew, and asks for the same.
                tracing::warn!(%error, "A stream of events ends: the journal cannot be read");
                return None;
            }
        };
        // Looked at afterwards: what went while it was read is missing too. 0 asks for what there is.
        if self.position > 0 && journal.oldest_and_newest().0 > self.position.saturating_add(1) {
            text.push_str(&self.missed(&journal));
        }
        if page.len() < PAGE {
            self.doing = Doing::Listening;
        }
        for entry in &page {
            self.position = entry.id;
            write_entry(&mut text, entry);
        }
        Some(text)
    }

    /// Waits for what happens.
    async fn listen(&mut self) -> Option<String> {
        let mut text = String::new();
        tokio::select! {
            () = self.api.options.shutdown.cancelled() => return None,
            () = self.tokens.next() => {}
            received = self.live.recv() => match received {
                // The journal gave it already.
                Ok(entry) if entry.id <= self.position => {}
                Ok(entry) => {
                    self.position = entry.id;
                    if self.filter.matches(&entry.event) {
                        write_entry(&mut text, &entry);
                    }
                }
                Err(RecvError::Lagged(_)) => self.doing = Doing::CatchingUp,
                Err(RecvError::Closed) => return None,
            },
            // Without data it is no event, but it moves the reader's place (HTML Living Standard, 9.2.6).
            _ = self.heartbeat.tick() => {
                let _ = write!(text, ": still here\nid: {}\n\n", self.position);
            }
        }
        Some(text)
    }

    fn missed(&self, journal: &Journal) -> String {
        let (oldest, _) = journal.oldest_and_newest();
        let event = Event {
            id: uuid::Uuid::new_v4().to_string(),
            topic: "mediagraph".to_owned(),
            subject: "/events".to_owned(),
            event_type: MISSED.to_owned(),
            event_time: self.api.options.clock.media().iso(),
            data_version: "1.0".to_owned(),
            data: json!({"after": self.position, "oldest": oldest}),
            output: None,
        };
        let mut text = String::new();
        write_event(&mut text, oldest.saturating_sub(1), &event);
        text
    }
}

impl Api {
    fn journal(&self) -> &Journal {
        &self.options.journal
    }
}

fn write_entry(text: &mut String, entry: &Entry) {
    write_event(text, entry.id, &entry.event);
}

/// JSON has no line breaks outside of strings and escapes them inside, so `data` is one line.
fn write_event(text: &mut String, id: i64, event: &Event) {
    let data = serde_json::to_string(event).unwrap_or_default();
    let kind: String = event
        .event_type
        .chars()
        .filter(|letter| !letter.is_control())
        .collect();
    let _ = write!(text, "id: {id}\nevent: {kind}\ndata: {data}\n\n");
}
