//! `mediagraph events`: what happens on a running host, as lines of JSON.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::client::stream::{Item, Parser};
use super::client::{Client, REPLY_LIMIT, Request, ServerArgs};
use super::failure::{Failure, Outcome};
use super::json::Look as _;
use super::print;
use super::site::Site;
use super::table::cut;
use crate::when;

/// Without `--follow`, nothing for this long means that everything has come. Only a filter that leaves out the newest
/// event makes us wait for it.
const QUIET: Duration = Duration::from_secs(2);
/// With `--follow`: the host speaks at least every 15 s; after this silence the connection is taken for dead.
const SILENCE: Duration = Duration::from_secs(60);
/// Before a connection that was lost is made anew.
const RECONNECT: Duration = Duration::from_secs(2);
/// How often in a row it is tried.
const MAX_TRIES: usize = 30;
/// Behind which id everything comes.
const FROM_THE_START: &str = "0";

/// Print the events of a running host, one JSON object a line
///
/// Without `--follow` it prints those that the host has kept, and ends. With `--follow` it prints new ones as they come,
/// until Ctrl-C, and goes on behind the last one when the connection was lost.
#[derive(Debug, clap::Args)]
pub struct EventsArgs {
    /// Print new events as they come
    #[arg(long, short)]
    follow: bool,
    /// Begin with what came after this: an id of an event, how long ago (`10m`, `2h`, `7d`; days begin at midnight), `yesterday`, or a
    /// moment (`2026-11-21 09:00`, `2026-11-21T09:00:00Z`); without an offset it is meant in the time zone of the host's configuration
    #[arg(long, value_name = "ID|TIME|AGO")]
    since: Option<String>,
    /// Only of instances with this name; `*` and `?` stand for any letters
    #[arg(long, value_name = "PATTERN")]
    instance: Option<String>,
    /// Only of types that begin with this, such as `Microsoft.Media.Graph.Operational`
    #[arg(long = "type", value_name = "PREFIX")]
    event_type: Option<String>,
    /// Only of this output of message sinks (`hubOutputName`)
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// The default and the only form; for scripts that always say it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Where to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Start {
    /// Behind which id; none begins with what happens from now on.
    id: Option<String>,
    /// What happened before is not printed.
    from: Option<Timestamp>,
}

/// Runs the command.
///
/// # Errors
/// When the host cannot be asked, or is gone for good.
pub async fn run(args: EventsArgs) -> Outcome {
    let client = args.server.client()?;
    let mut start = match args.since.as_deref() {
        Some(since) if !is_id(since) => {
            check(since)?;
            let site = match when::depends_on_zone(since) {
                true => Site::of_host(&client, None).await?,
                false => Site::offline(Some("UTC"))?,
            };
            Start::from(site.since(since)?)
        }
        since => Start::behind(since, args.follow),
    };
    let last = if args.follow { None } else { newest(&client).await? };
    let mut tries = 0;
    loop {
        let before = start.id.clone();
        let ended = read(&client, &args, &mut start, last).await;
        let failure = match ended {
            Ok(()) if !args.follow => return Ok(()),
            Ok(()) => None,
            // The first attempt says what is wrong; later ones may wait for a host that starts anew.
            Err(failure) if !args.follow || tries == 0 => return Err(failure),
            Err(failure) => Some(failure),
        };
        tries = if start.id == before { tries + 1 } else { 1 };
        if tries > MAX_TRIES {
            return Err(
                failure.unwrap_or_else(|| Failure::failed("the host ends the stream again and again"))
            );
        }
        if tries == 1 {
            print::stderr("the connection to the host was lost; trying again\n");
        }
        tokio::time::sleep(RECONNECT).await;
    }
}

/// Prints until the stream ends, or all that was kept has come.
async fn read(client: &Client, args: &EventsArgs, start: &mut Start, last: Option<i64>) -> Outcome {
    let request = Request::get(&["api", "events"])
        .query("instance", args.instance.as_deref())
        .query("eventType", args.event_type.as_deref())
        .query("output", args.output.as_deref())
        .within(REPLY_LIMIT);
    if is_last(start, last) {
        return Ok(());
    }
    let id = start.id.clone();
    let mut response = client.open("read the events", request, id.as_deref()).await?;
    let mut parser = Parser::default();
    let patience = if args.follow { SILENCE } else { QUIET };
    loop {
        let Ok(chunk) = tokio::time::timeout(patience, response.chunk()).await else {
            return Ok(());
        };
        // A stream that breaks off has ended.
        let Ok(Some(bytes)) = chunk else { return Ok(()) };
        for item in parser.take(&bytes)? {
            if let Item::Message { data } = item {
                show(&data, start.from)?;
            }
        }
        start.id = parser.id().or(start.id.take());
        if is_last(start, last) {
            return Ok(());
        }
    }
}

fn is_last(start: &Start, last: Option<i64>) -> bool {
    let here = start.id.as_deref().and_then(|id| id.parse::<i64>().ok());
    last.is_some_and(|last| here >= Some(last))
}

/// The id of the newest event: a stream that asks for nothing old begins with it.
async fn newest(client: &Client) -> Result<Option<i64>, Failure> {
    let request = Request::get(&["api", "events"]).within(REPLY_LIMIT);
    let mut response = client.open("read the events", request, None).await?;
    let mut parser = Parser::default();
    while let Ok(Ok(Some(bytes))) = tokio::time::timeout(QUIET, response.chunk()).await {
        parser.take(&bytes)?;
        if let Some(id) = parser.id() {
            return Ok(id.parse().ok());
        }
    }
    Ok(None)
}

fn show(data: &str, from: Option<Timestamp>) -> Outcome {
    if from.is_some_and(|from| moment(data).is_some_and(|at| at < from)) {
        return Ok(());
    }
    // A line is a line. JSON has no escape characters; what is none is no better for them.
    let line: String = data.lines().collect();
    let line = line.replace('\u{1b}', "\\u001b");
    print::stdout(&format!("{line}\n"))
}

fn moment(data: &str) -> Option<Timestamp> {
    let event: Value = serde_json::from_str(data).ok()?;
    event.at("eventTime").as_str()?.parse().ok()
}

impl Start {
    /// Behind an event; without one everything that is kept, or what happens from now on.
    fn behind(id: Option<&str>, follow: bool) -> Self {
        let everything = (!follow).then_some(FROM_THE_START);
        Self {
            id: id.or(everything).map(str::to_owned),
            from: None,
        }
    }

    /// With what happened at a moment, or later.
    fn from(at: Timestamp) -> Self {
        Self {
            id: Some(FROM_THE_START.to_owned()),
            from: Some(at),
        }
    }
}

fn is_id(since: &str) -> bool {
    !since.is_empty() && since.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is wrong in every zone is told before anybody is asked.
fn check(since: &str) -> Outcome {
    let read = when::since(since, Timestamp::UNIX_EPOCH, &TimeZone::UTC);
    read.map(drop).map_err(|_| {
        Failure::usage(format!(
            "`--since {}` is no id, no moment and no length of time\n\
             hint: such as `--since 10m`, `--since yesterday` or `--since '2026-11-21 09:00'`",
            cut(&super::table::clean(since), 40)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T09:00:00Z".parse().unwrap()
    }

    #[test]
    fn where_to_begin_is_an_id_or_a_moment() {
        assert_eq!(Start::behind(None, true).id, None);
        assert_eq!(Start::behind(None, false).id.as_deref(), Some("0"));
        assert_eq!(Start::behind(Some("17"), true).id.as_deref(), Some("17"));
        let start = Start::from(now());
        assert_eq!((start.id.as_deref(), start.from), (Some("0"), Some(now())));
        assert!(is_id("17") && !is_id("") && !is_id("10m"));
        for since in [
            "10m",
            "PT10M",
            "600s",
            "1d",
            "yesterday",
            "2026-11-21 08:50",
            "2026-11-21T08:50:00Z",
        ] {
            assert!(check(since).is_ok(), "{since}");
        }
        for since in ["soon", "-10m", ""] {
            assert!(check(since).is_err(), "{since}");
        }
    }

    #[test]
    fn what_has_no_readable_moment_is_printed_rather_than_lost() {
        assert_eq!(moment(r#"{"eventTime": "2026-11-21T09:00:00Z"}"#), Some(now()));
        assert_eq!(moment("no JSON"), None);
    }
}
