//! `mediagraph playback`: what recordings there are, and files of them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt as _;

use super::client::{Client, Request, ServerArgs};
use super::explain::zone;
use super::failure::{Failure, Outcome};
use super::print;
use super::progress::Progress;
use super::table::{Cell, Paint, Table};
use crate::media::{Clock, SystemClock};
use crate::playback::available::{Available, TimeRange};
use crate::playback::listing::{Listed, Page};
use crate::recording::coverage::since;

/// How long a host may take to prepare a file: it reads the headers of all fragments first.
const PREPARE_LIMIT: Duration = Duration::from_secs(330);
/// A host that sends nothing for so long has gone.
const SILENCE: Duration = Duration::from_secs(60);
/// The most moments that are asked for at once, in hours.
const HOURS_AT_ONCE: i64 = 24;
/// Days whose moments are listed.
const MAX_DAYS: i64 = 400;

/// List what a running host has recorded, and save any portion of it as a file
#[derive(Debug, clap::Args)]
pub struct PlaybackArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the recordings, or from when to when there is something of one
    List(ListArgs),
    /// Save a portion of a recording as an MP4
    ///
    /// It begins with the last picture before the portion that can be decoded by itself. What is missing is left out; a comment in the
    /// file says from when to when, and why.
    Export(ExportArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// A recording; all are listed without
    asset: Option<String>,
    /// With a recording: from when on; a length such as `24h` or `7d`, a date, or a moment such as `2026-11-21 14:02`
    #[arg(long, value_name = "TIME", default_value = "24h")]
    since: String,
    /// With a recording: until when; now without
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Of times that are given without an offset, such as `Europe/Berlin`
    #[arg(long, value_name = "NAME", default_value = "UTC")]
    time_zone: String,
    /// The store that it belongs to, when several have one of this name
    #[arg(long, value_name = "NAME")]
    store: Option<String>,
    /// Print the whole answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct ExportArgs {
    /// The recording
    asset: String,
    /// From when on; a date, or a moment such as `2026-11-21 14:02`
    #[arg(long, value_name = "TIME")]
    since: String,
    /// Until when, at most 24 hours later
    #[arg(long, value_name = "TIME")]
    until: String,
    /// Of times that are given without an offset, such as `Europe/Berlin`
    #[arg(long, value_name = "NAME", default_value = "UTC")]
    time_zone: String,
    /// The store that it belongs to, when several have one of this name
    #[arg(long, value_name = "NAME")]
    store: Option<String>,
    /// The file; must not be there yet
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When nobody can be asked, nothing was recorded then, or the file cannot be written.
pub async fn run(args: PlaybackArgs) -> Outcome {
    let client = args.server.client()?;
    match args.what {
        What::List(list) => match &list.asset {
            None => assets(&client, list.json).await,
            Some(asset) => ranges(&client, asset, &list).await,
        },
        What::Export(export) => save(&client, &export).await,
    }
}

async fn assets(client: &Client, json: bool) -> Outcome {
    print::answer(&all_assets(client).await?, json, listed)
}

/// All recordings of a host, page by page.
pub(super) async fn all_assets(client: &Client) -> Result<Page, Failure> {
    let mut all = Page::default();
    loop {
        let request = Request::get(&["assets"]).query("continuationToken", all.token.as_deref());
        let reply = client.expect("list the recordings", request).await?;
        let page: Page = serde_json::from_value(reply.json()?).map_err(|_| foreign())?;
        // A host that says the same again is not asked for ever.
        let again = page.token.is_some() && page.token == all.token;
        all.value.extend(page.value);
        all.token = page.token;
        if all.token.is_none() || again {
            break;
        }
    }
    all.token = None;
    Ok(all)
}

fn listed(page: &Page, paint: Paint) -> String {
    if page.value.is_empty() {
        return "nothing was recorded\n".to_owned();
    }
    let mut table = Table::new(&["ASSET", "STORE", "INSTANCE", "FROM", "TO", ""]);
    for one in &page.value {
        let Listed { start, end, .. } = one;
        table.row([
            Cell::text(&one.name),
            Cell::text(&one.store),
            Cell::text(&one.instance),
            Cell::text(start.as_deref().unwrap_or("-")),
            Cell::text(end.as_deref().unwrap_or("-")),
            Cell::text(if one.live { "recording" } else { "" }),
        ]);
    }
    table.render(paint)
}

async fn ranges(client: &Client, asset: &str, args: &ListArgs) -> Outcome {
    let zone = zone(&args.time_zone)?;
    let now = SystemClock::new().wall();
    let from = moment(&args.since, now, &zone)?;
    let until = args
        .until
        .as_deref()
        .map_or(Ok(now), |text| moment(text, now, &zone))?;
    if until <= from {
        return Err(Failure::usage(format!("{until} is not after {from}")));
    }
    if until.duration_since(from).as_hours() > MAX_DAYS * 24 {
        return Err(Failure::usage(format!("that is more than {MAX_DAYS} days")));
    }
    let mut all = Available::default();
    let mut at = from;
    while at < until {
        let next = at.checked_add(HOURS_AT_ONCE.hours()).unwrap_or(until).min(until);
        let (start, end) = (format!("{at:.3}"), format!("{next:.3}"));
        let request = Request::get(&["assets", asset, "availableMedia"])
            .query("precision", Some("full"))
            .query("startTime", Some(&start))
            .query("endTime", Some(&end))
            .query("store", args.store.as_deref());
        let reply = client
            .expect("say what there is of the recording", request)
            .await?;
        let part: Available = serde_json::from_value(reply.json()?).map_err(|_| foreign())?;
        part.time_ranges
            .into_iter()
            .for_each(|range| join(&mut all, range));
        at = next;
    }
    print::answer(&all, args.json, |all, paint| {
        if all.time_ranges.is_empty() {
            return format!("nothing was recorded from {from:.0} to {until:.0}\n");
        }
        let mut table = Table::new(&["FROM", "TO"]);
        for range in &all.time_ranges {
            table.row([Cell::text(&range.start), Cell::text(&range.end)]);
        }
        table.render(paint)
    })
}

/// What goes on over the end of one answer is one.
fn join(all: &mut Available, next: TimeRange) {
    match all.time_ranges.last_mut() {
        Some(last) if last.end == next.start => last.end = next.end,
        _ => all.time_ranges.push(next),
    }
}

async fn save(client: &Client, args: &ExportArgs) -> Outcome {
    let zone = zone(&args.time_zone)?;
    let now = SystemClock::new().wall();
    let start = moment(&args.since, now, &zone)?.to_string();
    let end = moment(&args.until, now, &zone)?.to_string();
    let request = Request::get(&["assets", &args.asset, "export.mp4"])
        .query("startTime", Some(&start))
        .query("endTime", Some(&end))
        .query("store", args.store.as_deref())
        .within(PREPARE_LIMIT);
    let mut file = create(&args.output).await?;
    let saved = receive(client, request, &mut file, &args.output).await;
    if saved.is_err() {
        // Half a movie is none.
        drop(file);
        let _ = tokio::fs::remove_file(&args.output).await;
    }
    let bytes = saved?;
    print::stdout(&format!("{}: {bytes} bytes\n", args.output.display()))
}

async fn create(path: &Path) -> Result<File, Failure> {
    let created = OpenOptions::new().write(true).create_new(true).open(path).await;
    created.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "\nhint: give another name, or remove it first",
            _ => "",
        };
        Failure::failed(format!("cannot create `{}`: {error}{hint}", path.display()))
    })
}

async fn receive(
    client: &Client,
    request: Request<'_>,
    file: &mut File,
    path: &Path,
) -> Result<u64, Failure> {
    let mut response = client.open("export the recording", request, None).await?;
    let total = response.content_length();
    let mut progress = Progress::new("KiB", total.unwrap_or(0) >> 10);
    let written =
        |error: std::io::Error| Failure::failed(format!("cannot write `{}`: {error}", path.display()));
    let mut done = 0_u64;
    loop {
        let chunk = tokio::time::timeout(SILENCE, response.chunk()).await;
        let chunk = chunk.map_err(|_| Failure::failed("the host has stopped sending"))?;
        let chunk = chunk.map_err(|error| Failure::failed(format!("the host broke off: {error}")))?;
        let Some(chunk) = chunk else { break };
        file.write_all(&chunk).await.map_err(written)?;
        done = done.saturating_add(chunk.len() as u64);
        progress.show(done >> 10);
    }
    progress.finish();
    if total.is_some_and(|total| total != done) {
        return Err(Failure::failed("the host broke off\nhint: its log says why"));
    }
    file.flush().await.map_err(written)?;
    file.sync_all().await.map_err(written)?;
    Ok(done)
}

fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, Failure> {
    since(text, now, zone).map_err(Failure::usage)
}

fn foreign() -> Failure {
    Failure::failed(
        "the host's answer is not what was asked for\nhint: is it the same version of mediagraph?",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_over_the_end_of_a_day_is_one() {
        let range = |start: &str, end: &str| TimeRange {
            start: start.to_owned(),
            end: end.to_owned(),
        };
        let mut all = Available::default();
        for part in [range("a", "b"), range("b", "c"), range("d", "e")] {
            join(&mut all, part);
        }
        assert_eq!(all.time_ranges, [range("a", "c"), range("d", "e")]);
    }

    #[test]
    fn recordings_are_listed_with_their_times() {
        let one = Listed {
            name: "lobby".into(),
            store: "local".into(),
            instance: "box".into(),
            start: Some("2026-11-20T12:00:00.000Z".into()),
            live: true,
            ..Listed::default()
        };
        let page = Page {
            value: vec![one],
            token: None,
        };
        let text = listed(&page, Paint::Plain);
        assert!(
            text.contains("lobby  local  box       2026-11-20T12:00:00.000Z  -   recording"),
            "{text}"
        );
        assert_eq!(listed(&Page::default(), Paint::Plain), "nothing was recorded\n");
    }
}
