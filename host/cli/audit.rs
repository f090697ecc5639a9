//! `mediagraph audit`: who looked at recordings, saved, deleted, held and released them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::client::{Request, ServerArgs};
use super::explain::zone;
use super::failure::{Failure, Outcome};
use super::print;
use super::table::{Cell, Paint, Table};
use crate::audit::{Entry, FOLDER, MAX_PAGE, Question, read};
use crate::media::{Clock as _, SystemClock};
use crate::recording::coverage::since;

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
    /// With `--state-dir`: the time zone of times that are given without an offset, such as `Europe/Berlin`
    #[arg(long, value_name = "NAME", requires = "state_dir", default_value = "UTC")]
    time_zone: String,
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
    let mut answer = match &args.state_dir {
        Some(state) => offline(&args, state),
        None => online(&args).await,
    }?;
    answer.value.reverse();
    if !args.json {
        return print::answer(&answer, false, text);
    }
    let lines = answer.value.iter().map(serde_json::to_string);
    let lines: Vec<String> = lines.collect::<Result<_, _>>().map_err(Failure::failed)?;
    lines
        .iter()
        .try_for_each(|line| print::stdout(&format!("{line}\n")))
}

async fn online(args: &AuditArgs) -> Result<Entries, Failure> {
    let client = args.server.client()?;
    let limit = args.limit.to_string();
    let request = Request::get(&["api", "audit"])
        .query("since", Some(&args.since))
        .query("until", args.until.as_deref())
        .query("asset", args.asset.as_deref())
        .query("$top", Some(&limit));
    let reply = client.expect("read the audit log", request).await?;
    serde_json::from_value(reply.json()?).map_err(|_| {
        Failure::failed("the host's answer is no audit log\nhint: is it the same version of mediagraph?")
    })
}

fn offline(args: &AuditArgs, state: &Path) -> Result<Entries, Failure> {
    let (now, zone) = (SystemClock::new().wall(), zone(&args.time_zone)?);
    let moment = |text: &str| since(text, now, &zone).map_err(Failure::usage);
    let question = Question {
        since: Some(moment(&args.since)?),
        until: args.until.as_deref().map(moment).transpose()?,
        asset: args.asset.clone(),
        limit: args.limit,
    };
    let value = read(&state.join(FOLDER), &question).map_err(Failure::failed)?;
    Ok(Entries { value })
}

/// As people read it.
fn text(answer: &Entries, paint: Paint) -> String {
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
            Cell::text(&one.time),
            Cell::text(if one.who.is_empty() { "-" } else { &one.who }),
            Cell::text(&one.from),
            Cell::text(one.action.name()),
            Cell::text(what),
            Cell::text(&stretch(one)),
            Cell::text(one.outcome.name()),
            Cell::text(&one.detail),
        ]);
    }
    table.render(paint)
}

fn stretch(entry: &Entry) -> String {
    match (&entry.start, &entry.end) {
        (None, None) => "-".to_owned(),
        (start, end) => format!(
            "{} to {}",
            start.as_deref().unwrap_or("-"),
            end.as_deref().unwrap_or("-")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Action, Outcome};

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
        let text = text(&Entries { value: vec![entry] }, Paint::Plain);
        assert!(
            text.contains("boss  10.0.0.7  delete  gate  - to 2026-11-20T12:00:00.000Z  refused  held"),
            "{text}"
        );
        let none = super::text(&Entries::default(), Paint::Plain);
        assert!(none.starts_with("nobody"), "{none}");
    }
}
