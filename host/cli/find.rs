//! `mediagraph find`: what detectors saw while it was recorded, by class and time.

use std::path::{Path, PathBuf};

use super::client::{Request, ServerArgs};
use super::failure::{Failure, Outcome};
use super::print;
use super::site::{self, Site};
use super::table::{Cell, Paint, Table};
use crate::recording::find::{FindError, Found, MAX_PAGE, Page, Question, find};
use crate::recording::index::{FILE_NAME, Index};

/// More are not listed at once.
const MAX_LIMIT: u32 = 10_000;

/// Find what detectors saw while it was recorded
///
/// One line for each thing that was there without a break of 10 seconds, or for each that a tracker has named. TIME is a length such
/// as `24h` or `7d` (days begin at midnight), `yesterday`, `today`, a date, or a moment such as `2026-11-21 14:02` or `14:02`; without an
/// offset it is meant in the time zone of the host's configuration.
#[derive(Debug, clap::Args)]
pub struct FindArgs {
    /// Only of this class, such as `truck`, `motion`, or the name of an event
    #[arg(long, value_name = "CLASS")]
    label: Option<String>,
    /// Seen at or after this
    #[arg(long, value_name = "TIME", default_value = "24h")]
    since: String,
    /// Seen before this; now without
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only what is recorded in this asset
    #[arg(long, value_name = "NAME")]
    asset: Option<String>,
    /// Only what was this certain at its best, from 0 to 1
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0)]
    min_confidence: f64,
    /// At most so many, the earliest first
    #[arg(long, value_name = "COUNT", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_LIMIT)))]
    limit: u32,
    /// Print the whole answer as JSON
    #[arg(long)]
    json: bool,
    /// Read the index in this state directory instead of asking a host; works beside a running host
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    state_dir: Option<PathBuf>,
    /// With `--state-dir`: the time zone, such as `Europe/Berlin`; without, that of the configuration in `MEDIAGRAPH_CONFIG`, else UTC
    #[arg(long, value_name = "NAME", requires = "state_dir")]
    time_zone: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
///
/// # Errors
/// When the question makes no sense, or nobody can be asked.
pub async fn run(args: FindArgs) -> Outcome {
    let answer = match &args.state_dir {
        Some(dir) => offline(&args, dir),
        None => online(&args).await,
    }?;
    site::tell(&answer.notes);
    print::answer(&answer, args.json, text)
}

/// Adds a page to those before; how many are still wanted, and behind what. None when this was all.
fn add(all: &mut Page, page: Page, limit: u32) -> Option<u32> {
    all.value.extend(page.value);
    (all.token, all.time_zone, all.notes) = (page.token, page.time_zone, page.notes);
    let left = limit.saturating_sub(u32::try_from(all.value.len()).unwrap_or(u32::MAX));
    (left > 0 && all.token.is_some()).then_some(left)
}

async fn online(args: &FindArgs) -> Result<Page, Failure> {
    let client = args.server.client()?;
    let confidence = args.min_confidence.to_string();
    let (mut all, mut wanted) = (Page::default(), Some(args.limit));
    while let Some(left) = wanted {
        let top = left.min(MAX_PAGE).to_string();
        let request = Request::get(&["api", "detections"])
            .query("label", args.label.as_deref())
            .query("since", Some(&args.since))
            .query("until", args.until.as_deref())
            .query("asset", args.asset.as_deref())
            .query("minimumConfidence", Some(&confidence))
            .query("$top", Some(&top))
            .query("continuationToken", all.token.as_deref());
        let reply = client.expect("say what was seen", request).await?;
        let page: Page = serde_json::from_value(reply.json()?).map_err(|_| {
            Failure::failed(
                "the host's answer is no list of what was seen\nhint: is it the same version of mediagraph?",
            )
        })?;
        // A host that gives nothing and says that there is more is not asked for ever.
        let empty = page.value.is_empty();
        wanted = add(&mut all, page, args.limit).filter(|_| !empty);
    }
    Ok(all)
}

fn offline(args: &FindArgs, state: &Path) -> Result<Page, Failure> {
    let site = Site::offline(args.time_zone.as_deref())?;
    let moment = |text: &str| site.since(text);
    let mut question = Question {
        label: args.label.clone(),
        since: moment(&args.since)?,
        until: args.until.as_deref().map_or(Ok(site.now), moment)?,
        asset: args.asset.clone(),
        minimum_confidence: args.min_confidence,
        limit: args.limit.min(MAX_PAGE),
        token: None,
        zone: site.zone.clone(),
    };
    let index = Index::open_to_read(&state.join(FILE_NAME)).map_err(Failure::failed)?;
    let mut all = Page::default();
    loop {
        let page = find(&index, &question, |_| true).map_err(|error| match error {
            FindError::Index(error) => Failure::failed(error),
            error => Failure::usage(error),
        })?;
        let Some(left) = add(&mut all, page, args.limit) else {
            return Ok(all);
        };
        (question.limit, question.token) = (left.min(MAX_PAGE), all.token.clone());
    }
}

/// As people read it.
fn text(answer: &Page, paint: Paint) -> String {
    if answer.value.is_empty() {
        return "nothing of this kind was seen while it was recorded\n".to_owned();
    }
    let zone = site::zone_of(&answer.time_zone);
    let mut table = Table::new(&["TIME", "ASSET", "LABEL", "CONFIDENCE", "ID", "FOR"]);
    for one in &answer.value {
        table.row([
            Cell::text(&site::shown(&one.first, &zone)),
            Cell::text(&one.asset),
            Cell::text(&one.label),
            Cell::right(&format!("{:.2}", one.confidence)),
            Cell::text(one.id.as_deref().unwrap_or_default()),
            Cell::right(&length(one)),
        ]);
    }
    let mut out = table.render(paint);
    if answer.token.is_some() {
        out.push_str("\nand more; ask for less time, or with a greater `--limit`\n");
    }
    out
}

/// `0.4 s`, `1:02:03`.
fn length(one: &Found) -> String {
    let whole = one.seconds.max(0.0) as u64;
    match whole {
        0..60 => format!("{:.1} s", one.seconds),
        _ => format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truck(seconds: f64) -> Found {
        Found {
            asset: "gate".into(),
            label: "truck".into(),
            first: "2026-11-20T12:00:00.250Z".into(),
            confidence: 0.875,
            seconds,
            ..Found::default()
        }
    }

    #[test]
    fn times_have_their_offset_and_what_is_left_is_told() {
        let answer = Page {
            time_zone: "UTC".into(),
            value: vec![truck(3723.5), truck(0.25)],
            token: Some("more".into()),
            ..Page::default()
        };
        let text = text(&answer, Paint::Plain);
        assert!(
            text.contains("2026-11-20 12:00:00+00:00  gate   truck        0.88  -   1:02:03\n"),
            "{text}"
        );
        assert!(text.contains("0.2 s\n"), "{text}");
        assert!(text.contains("and more;"), "{text}");
        let none = super::text(&Page::default(), Paint::Plain);
        assert!(none.starts_with("nothing of this kind"), "{none}");
    }

    #[test]
    fn pages_are_asked_for_until_enough_is_there_or_nothing_is_left() {
        let page = |count: usize, token: Option<&str>| Page {
            time_zone: "UTC".into(),
            value: vec![truck(1.0); count],
            token: token.map(str::to_owned),
            ..Page::default()
        };
        let mut all = Page::default();
        assert_eq!(add(&mut all, page(3, Some("x")), 5), Some(2));
        assert_eq!(add(&mut all, page(2, Some("y")), 5), None);
        assert_eq!((all.value.len(), all.token.as_deref()), (5, Some("y")));
        assert_eq!(add(&mut Page::default(), page(3, None), 5), None);
    }
}
