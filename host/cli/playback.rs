//! `mediagraph playback`: what recordings there are, and files of them.

mod link;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt as _;

use super::client::{Client, Request, ServerArgs};
use super::failure::{Failure, Outcome};
use super::print;
use super::progress::Progress;
use super::site::{self, Site};
use super::table::{Cell, Paint, Table};
use crate::playback::available::{Available, TimeRange};
use crate::playback::listing::Page;
use crate::when;

/// How long a host may take to prepare a file: it reads the headers of all fragments first.
const PREPARE_LIMIT: Duration = Duration::from_secs(330);
/// A host that sends nothing for so long has gone.
const SILENCE: Duration = Duration::from_secs(60);
/// The most moments that are asked for at once, in hours.
const HOURS_AT_ONCE: i64 = 24;
/// Days whose moments are listed.
const MAX_DAYS: i64 = 400;

/// List what a running host has recorded, save any portion of it as a file, and make links for players
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
    /// Make a link to a portion of a recording, for a player that cannot send a token: `vlc "$(mediagraph playback link lobby)"`
    ///
    /// Whoever has the link may play the portion, and nothing else, until its time is over, the token that it was made with is taken
    /// away, or the host is started again.
    Link(link::LinkArgs),
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
    /// Of the times that are printed, and of those that are given without an offset, such as `Europe/Berlin`; the host's without
    #[arg(long, value_name = "NAME")]
    time_zone: Option<String>,
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
    /// Until when, at most 24 hours later; now without
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Of times that are given without an offset, such as `Europe/Berlin`; the host's without
    #[arg(long, value_name = "NAME")]
    time_zone: Option<String>,
    /// The store that it belongs to, when several have one of this name
    #[arg(long, value_name = "NAME")]
    store: Option<String>,
    /// The file; must not be there yet. Without, one in this folder that is called as the recording and the moment, such as
    /// `lobby 2026-11-22T14-02-00+0100.mp4`
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When nobody can be asked, nothing was recorded then, or the file cannot be written.
pub async fn run(args: PlaybackArgs) -> Outcome {
    let client = args.server.client()?;
    match args.what {
        What::List(list) => match &list.asset {
            None => assets(&client, &list).await,
            Some(asset) => ranges(&client, asset, &list).await,
        },
        What::Export(export) => save(&client, &export).await,
        What::Link(link) => link::make(&client, &link).await,
    }
}

async fn assets(client: &Client, args: &ListArgs) -> Outcome {
    // Programs are told moments as they are.
    let zone = match args.json {
        true => TimeZone::UTC,
        false => Site::of_host(client, args.time_zone.as_deref()).await?.zone,
    };
    print::answer(&all_assets(client).await?, args.json, |all, paint| {
        listed(all, &zone, paint)
    })
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

fn listed(page: &Page, zone: &TimeZone, paint: Paint) -> String {
    if page.value.is_empty() {
        return "nothing was recorded\n".to_owned();
    }
    let mut table = Table::new(&["ASSET", "STORE", "INSTANCE", "FROM", "TO", ""]);
    for one in &page.value {
        let told = |moment: &Option<String>| match moment {
            Some(moment) => site::shown_exactly(moment, zone),
            None => "-".to_owned(),
        };
        table.row([
            Cell::text(&one.name),
            Cell::text(&one.store),
            Cell::text(&one.instance),
            Cell::text(&told(&one.start)),
            Cell::text(&told(&one.end)),
            Cell::text(if one.live { "recording" } else { "" }),
        ]);
    }
    table.render(paint)
}

async fn ranges(client: &Client, asset: &str, args: &ListArgs) -> Outcome {
    let site = Site::of_host(client, args.time_zone.as_deref()).await?;
    let from = site.since(&args.since)?;
    let until = site.until(args.until.as_deref())?;
    let shown = |at| when::written(at, &site.zone);
    if until <= from {
        let (from, until) = (shown(from), shown(until));
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
            return format!("nothing was recorded from {} to {}\n", shown(from), shown(until));
        }
        let mut table = Table::new(&["FROM", "TO"]);
        for range in &all.time_ranges {
            let told = |moment| Cell::text(&site::shown_exactly(moment, &site.zone));
            table.row([told(&range.start), told(&range.end)]);
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
    let site = Site::of_host(client, args.time_zone.as_deref()).await?;
    let from = site.since(&args.since)?;
    let until = site.until(args.until.as_deref())?;
    let (start, end) = (from.to_string(), until.to_string());
    let named = || PathBuf::from(file_name(&args.asset, &when::file_stamp(from, &site.zone)));
    let output = args.output.clone().unwrap_or_else(named);
    let request = Request::get(&["assets", &args.asset, "export.mp4"])
        .query("startTime", Some(&start))
        .query("endTime", Some(&end))
        .query("store", args.store.as_deref())
        .within(PREPARE_LIMIT);
    let mut file = create(&output).await?;
    let saved = receive(client, request, &mut file, &output).await;
    if saved.is_err() {
        // Half a movie is none.
        drop(file);
        let _ = tokio::fs::remove_file(&output).await;
    }
    let bytes = saved?;
    print::stdout(&format!("{}: {bytes} bytes\n", output.display()))
}

/// A name for every file system, whatever the recording is called.
fn file_name(asset: &str, stamp: &str) -> String {
    let safe = |letter: char| letter.is_alphanumeric() || " -_.".contains(letter);
    let asset: String = asset
        .chars()
        .map(|letter| if safe(letter) { letter } else { '_' })
        .collect();
    format!("{} {stamp}.mp4", asset.trim_start_matches(['.', '-']))
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

fn foreign() -> Failure {
    Failure::failed(
        "the host's answer is not what was asked for\nhint: is it the same version of mediagraph?",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playback::listing::Listed;

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
    fn a_file_is_called_as_the_recording_and_the_moment_and_stands_in_no_other_folder() {
        let stamp = "2026-11-22T14-02-00+0100";
        assert_eq!(file_name("Tür 1", stamp), "Tür 1 2026-11-22T14-02-00+0100.mp4");
        assert_eq!(
            file_name("-../a\u{1b}", stamp),
            "_a_ 2026-11-22T14-02-00+0100.mp4"
        );
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
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let text = listed(&page, &berlin, Paint::Plain);
        assert!(
            text.contains("lobby  local  box       2026-11-20 13:00:00.000+01:00  -   recording"),
            "{text}"
        );
        let none = listed(&Page::default(), &berlin, Paint::Plain);
        assert_eq!(none, "nothing was recorded\n");
    }
}
