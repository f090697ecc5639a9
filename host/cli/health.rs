//! `mediagraph health` and `mediagraph alarms`: whether a running host does what it should.

use serde_json::Value;

use super::client::{Client, Request, ServerArgs};
use super::failure::{Failure, Outcome};
use super::json::Look as _;
use super::table::{Cell, Paint, Table, clean, tone_of};
use super::{pages, print};

/// Say how a running host is, or one of its instances
///
/// The exit code is 1 when something is wrong.
#[derive(Debug, clap::Args)]
pub struct HealthArgs {
    /// Only of this instance
    instance: Option<String>,
    /// Print what the host answers, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// List what is wrong on a running host right now
///
/// The exit code is 0 even if something is; `mediagraph health` is for scripts that ask whether.
#[derive(Debug, clap::Args)]
pub struct AlarmsArgs {
    /// Print what the host answers, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs `mediagraph health`.
///
/// # Errors
/// When something is wrong, or the host cannot be asked.
pub async fn health(args: HealthArgs) -> Outcome {
    let client = args.server.client()?;
    let mut path = vec!["healthz"];
    path.extend(args.instance.as_deref());
    // 503 is an answer, too.
    let reply = client.ask(Request::get(&path)).await?;
    let well = reply.status.is_success();
    if reply.status.as_u16() == 404 {
        let name = clean(args.instance.as_deref().unwrap_or_default());
        return Err(Failure::failed(format!(
            "there is no instance `{name}`\nhint: `mediagraph instance list` names those that are there"
        )));
    }
    if args.json {
        print::stdout(&format!("{}\n", reply.text().trim_end()))?;
    } else {
        print::stdout(&told(&reply.json()?, Paint::of_stdout()))?;
    }
    if well {
        return Ok(());
    }
    Err(Failure::failed(
        "not everything is well\nhint: `mediagraph alarms` says what is wrong, `mediagraph instance status NAME` says more",
    ))
}

fn told(body: &Value, paint: Paint) -> String {
    let status = body.at("status").as_str().unwrap_or("unknown");
    let more = match (status, body.items("value").is_empty()) {
        ("ok", true) => ": there are no instances yet",
        ("ok", false) => ": everything is as it should be",
        _ => "",
    };
    let mut text = format!("{}{more}\n", paint.paint(tone_of(status), &clean(status)));
    for alarm in body.items("alarms") {
        text.push_str(&format!(
            "{}: {}\n",
            clean(alarm.text("kind")),
            clean(alarm.text("message"))
        ));
    }
    let mut table = Table::new(&["INSTANCE", "HEALTH", "STATE", "WANTED", "WHY"]);
    for one in body.items("value") {
        let text = |name: &str| one.text(name);
        table.row([
            Cell::text(text("name")),
            Cell::state(text("status")),
            Cell::state(text("state")),
            Cell::text(text("wanted")),
            Cell::text(&why(one)),
        ]);
    }
    if !table.is_empty() {
        text.push_str(&table.render(paint));
    }
    text
}

/// What is wrong with an instance: what is in alarm, and its last error.
fn why(instance: &Value) -> String {
    let alarms = instance.items("alarms").iter().map(|alarm| alarm.text("kind"));
    let known = alarms.chain([instance.text("lastError")]);
    known.filter(|one| !one.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Runs `mediagraph alarms`.
///
/// # Errors
/// When the host cannot be asked.
pub async fn alarms(args: AlarmsArgs) -> Outcome {
    let client: Client = args.server.client()?;
    let reply = client
        .expect("list the alarms", Request::get(&["api", "alarms"]))
        .await?;
    if args.json {
        return print::stdout(&format!("{}\n", reply.text().trim_end()));
    }
    let body = reply.json()?;
    let list = body.get("value").or_else(|| body.get("alarms")).unwrap_or(&body);
    let mut table = Table::new(&["SINCE", "INSTANCE", "NODE", "ALARM", "MESSAGE"]);
    for one in list.as_array().into_iter().flatten() {
        let text = |names: &[&str]| {
            let found = names.iter().find_map(|name| one.at(name).as_str());
            found.unwrap_or_default().to_owned()
        };
        table.row([
            Cell::text(&pages::moment(one.at("since"))),
            Cell::text(&text(&["instance", "graphInstance"])),
            Cell::text(&text(&["node"])),
            Cell::text(&text(&["alarm", "kind", "name", "type"])),
            // The reason stands at its end.
            Cell::whole(&text(&["message", "text", "detail"])),
        ]);
    }
    if table.is_empty() {
        return print::stdout("no alarms: nothing is wrong right now\n");
    }
    print::stdout(&table.render(Paint::of_stdout()))
}
