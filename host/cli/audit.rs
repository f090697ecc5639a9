//! `mediagraph audit`: who looked at recordings, saved, deleted, held and released them.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::client::{Request, ServerArgs};
use super::failure::{Failure, Outcome};
use super::print;
use super::site::{Site, shown_exactly};
use super::table::{Cell, Paint, Table};
use crate::audit::{Entry, FOLDER, MAX_PAGE, Question, read};

/// Say who looked at recordings, saved, deleted, held and released them
///
/// The newest comes last. TIME is a length such as `24h` or `7d` (days begin at midnight), `yesterday`, `today`, a date, or a moment such
/// as `2026-11-21 14:02`.
#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    /// From when on
    #[arg(long, value_name = "TIME", default_value = "7d")]
    since: String,
    /// Until when; now without
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only about recordings of this name
    #[arg(long, value_name = "NAME")]
    asset: Option<String>,
    /// At most so many, the newest
    #[arg(long, value_name = "COUNT", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE)))]
    limit: u32,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    /// Read the log in this state directory instead of asking a host; works beside a running host
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    state_dir: Option<PathBuf>,
    /// Of the times that are printed, and of those that are given without an offset, such as `Europe/Berlin`; the host's without
    #[arg(long, value_name = "NAME")]
    time_zone: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Entries {
    value: Vec<Entry>,
}

/// Runs the command.
///
/// # Errors
/// When the question makes no sense, or nobody can be asked.
pub async fn run(args: AuditArgs) -> Outcome {
    let (mut answer, site) = match &args.state_dir {
        Some(state) => offline(&args, state)?,
        None => online(&args).await?,
    };
    answer.value.reverse();
    if !args.json {
        return print::answer(&answer, false, |answer, paint| text(answer, &site.zone, paint));
    }
    let lines = answer.value.iter().map(serde_json::to_string);
    let lines: Vec<String> = lines.collect::<Result<_, _>>().map_err(Failure::failed)?;
    lines
        .iter()
        .try_for_each(|line| print::stdout(&format!("{line}\n")))
}

async fn online(args: &AuditArgs) -> Result<(Entries, Site), Failure> {
    let client = args.server.client()?;
    let site = Site::of_host(&client, args.time_zone.as_deref()).await?;
    let since = site.since(&args.since)?.to_string();
    let until = args.until.as_deref().map(|text| site.since(text)).transpose()?;
    let until = until.map(|until| until.to_string());
    let limit = args.limit.to_string();
    let request = Request::get(&["api", "audit"])
        .query("since", Some(&since))
        .query("until", until.as_deref())
        .query("asset", args.asset.as_deref())
        .query("$top", Some(&limit));
    let reply = client.expect("read the audit log", request).await?;
    let entries = serde_json::from_value(reply.json()?).map_err(|_| {
        Failure::failed("the host's answer is no audit log\nhint: is it the same version of mediagraph?")
    })?;
    Ok((entries, site))
}

fn offline(args: &AuditArgs, state: &Path) -> Result<(Entries, Site), Failure> {
    let site = Site::offline(args.time_zone.as_deref())?;
    let question = Question {
        since: Some(site.since(&args.since)?),
        until: args.until.as_deref().map(|text| site.since(text)).transpose()?,
        asset: args.asset.clone(),
        limit: args.limit,
    };
    let value = read(&state.join(FOLDER), &question).map_err(Failure::failed)?;
    Ok((Entries { value }, site))
}

/// As people read it.
fn text(answer: &Entries, zone: &TimeZone, paint: Paint) -> String {
    if answer.value.is_empty() {
        return "nobody looked at recordings or changed them\n".to_owned();
    }
    let mut table = Table::new(&["TIME", "WHO", "FROM", "DID", "TO", "STRETCH", "OUTCOME", "DETAIL"]);
    for one in &answer.value {
        let what = if one.camera.is_empty() {
            &one.asset
        } else {
            &one.camera
        };
        table.row([
            Cell::text(&shown_exactly(&one.time, zone)),
            Cell::text(&who(one)),
            Cell::text(&one.from),
            Cell::text(one.action.name()),
            Cell::text(what),
            Cell::text(&stretch(one, zone)),
            Cell::text(one.outcome.name()),
            Cell::text(&one.detail),
        ]);
    }
    table.render(paint)
}

/// `guard`; `guard (link)`: whoever has a link that this token made.
fn who(entry: &Entry) -> String {
    let name = if entry.who.is_empty() { "-" } else { &entry.who };
    format!("{name}{}", if entry.by_link { " (link)" } else { "" })
}

fn stretch(entry: &Entry, zone: &TimeZone) -> String {
    let shown = |moment: &Option<String>| {
        moment
            .as_ref()
            .map_or_else(|| "-".to_owned(), |moment| shown_exactly(moment, zone))
    };
    match (&entry.start, &entry.end) {
        (None, None) => "-".to_owned(),
        (start, end) => format!("{} to {}", shown(start), shown(end)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Action, Outcome};

    fn words(line: &str) -> String {
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_entry_is_a_row_that_says_who_did_what() {
        let entry = Entry {
            time: "2026-11-22T12:00:00.000Z".into(),
            who: "boss".into(),
            from: "10.0.0.7".into(),
            action: Action::Delete,
            asset: "gate".into(),
            end: Some("2026-11-20T12:00:00.000Z".into()),
            outcome: Outcome::Refused,
            detail: "held".into(),
            ..Entry::default()
        };
        let linked = Entry {
            who: "guard".into(),
            by_link: true,
            from: "10.0.0.8".into(),
            asset: "yard".into(),
            ..Entry::default()
        };
        let entries = Entries {
            value: vec![entry, linked],
        };
        let text = text(&entries, &TimeZone::UTC, Paint::Plain);
        // Columns are as wide as what stands in them.
        let lines: Vec<String> = text.lines().map(words).collect();
        assert!(
            lines[1].ends_with("boss 10.0.0.7 delete gate - to 2026-11-20 12:00:00.000+00:00 refused held"),
            "{text}"
        );
        assert!(
            lines[2].contains("guard (link) 10.0.0.8 view yard - done"),
            "{text}"
        );
        let none = super::text(&Entries::default(), &TimeZone::UTC, Paint::Plain);
        assert!(none.starts_with("nobody"), "{none}");
    }
}
