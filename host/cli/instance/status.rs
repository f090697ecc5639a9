//! `mediagraph instance status`: what each node of a running graph does, so that debugging has a start.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::super::client::{Client, Reply, Request};
use super::super::failure::Outcome;
use super::super::json::Look as _;
use super::super::table::{Cell, Paint, Table, clean, clean_lines, tone_of};
use super::super::{pages, print};
use super::{INSTANCES, there};
use crate::media::{Clock, SystemClock};

/// How often `--watch` looks.
const WATCH_INTERVAL: Duration = Duration::from_secs(2);
/// Moves to the top of a terminal and clears it.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";
/// Prefixes of node types that tell people nothing.
const PREFIXES: [&str; 3] = [
    "#Microsoft.Media.MediaGraph",
    "#Microsoft.VideoAnalyzer.",
    "#MediaGraph.",
];

/// Print how an instance is, node by node; how all are, without a name
///
/// IN, OUT and DROPPED count media units, frames or signals since the instance was activated. LAST says how long ago
/// something came in. SEEN counts pictures that were decoded, at a source, and frames that were looked at, at a detector;
/// SKIPPED those that nobody needed, and DROPPED what a node was too slow for.
#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    /// Its name
    name: Option<String>,
    /// Look again every 2 seconds until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Print what the host answers, as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the host cannot be asked, or knows no such instance.
pub(super) async fn run(client: &Client, args: StatusArgs) -> Outcome {
    let clears = args.watch && !args.json && std::io::stdout().is_terminal();
    loop {
        let text = look(client, &args).await?;
        let clear = if clears { CLEAR } else { "" };
        print::stdout(&format!("{clear}{text}"))?;
        if !args.watch {
            return Ok(());
        }
        tokio::time::sleep(WATCH_INTERVAL).await;
        if !clears && !args.json {
            print::stdout("\n")?;
        }
    }
}

async fn look(client: &Client, args: &StatusArgs) -> Result<String, super::Failure> {
    let paint = Paint::of_stdout();
    let Some(name) = &args.name else {
        let reply = client
            .expect("ask after the instances", Request::get(&["api", "status"]))
            .await?;
        let body = reply.json()?;
        return Ok(if args.json {
            as_json(&body, args.watch)
        } else {
            all(&body, paint) + &stores(client, paint).await
        });
    };
    let request = Request::get(&[INSTANCES[0], INSTANCES[1], name, "status"]);
    let reply = there(client.ask(request).await?, "ask after", name)?;
    let body = reply.json()?;
    Ok(if args.json {
        as_json(&body, args.watch)
    } else {
        one(&body, now(&reply), paint) + &stores(client, paint).await
    })
}

/// The stores that something waits for; nothing when there are none, or when the host is too old to say.
async fn stores(client: &Client, paint: Paint) -> String {
    let asked = client.ask(Request::get(&["api", "uploads"])).await;
    let body = asked
        .ok()
        .filter(|reply| reply.status == 200)
        .and_then(|reply| reply.json().ok());
    let mut out = String::new();
    for store in body.iter().flat_map(|body| body.items("value")) {
        let (state, waits) = (
            store.text("state"),
            store.at("backlogSegments").as_u64().unwrap_or(0),
        );
        let blocked = store.items("blocked");
        if waits == 0 && state != "paused" && blocked.is_empty() {
            continue;
        }
        let mib = store.at("backlogBytes").as_u64().unwrap_or(0) >> 20;
        let name = clean(store.text("store"));
        let lag = store.at("lagSeconds").as_f64().unwrap_or(0.0);
        let _ = writeln!(
            out,
            "store {name}: {}, {waits} segments ({mib} MiB) wait in the cache, the oldest for {lag:.0} s",
            paint.paint(tone_of(state), &clean(state)),
        );
        if let Some(message) = store.at("message").as_str() {
            let _ = writeln!(out, "  {}", clean_lines(message));
        }
        for asset in blocked {
            let _ = writeln!(
                out,
                "  not taken: {}: {}",
                clean(asset.text("assetName")),
                clean_lines(asset.text("message"))
            );
        }
    }
    out
}

/// One line for each look; readable when there is only one.
fn as_json(body: &Value, watch: bool) -> String {
    if watch {
        format!("{body}\n")
    } else {
        format!("{body:#}\n")
    }
}

/// By the host's clock, so that two machines need not agree.
fn now(reply: &Reply) -> Timestamp {
    reply.date.unwrap_or_else(|| SystemClock::new().wall())
}

fn all(body: &Value, paint: Paint) -> String {
    let list = body.get("value").unwrap_or(body).as_array();
    let mut table = Table::new(&["NAME", "TOPOLOGY", "STATE", "WANTED", "SINCE", "LAST ERROR"]);
    for one in list.into_iter().flatten() {
        table.row([
            Cell::text(one.text("name")),
            Cell::text(one.text("topologyName")),
            Cell::state(one.text("state")),
            Cell::text(one.text("wanted")),
            Cell::text(&pages::moment(one.at("since"))),
            Cell::text(one.text("lastError")),
        ]);
    }
    if table.is_empty() {
        return "there is no instance yet\n  next: mediagraph instance set NAME --topology TOPOLOGY\n"
            .to_owned();
    }
    table.render(paint)
}

fn one(body: &Value, now: Timestamp, paint: Paint) -> String {
    let name = clean(body.text("name"));
    let state = body.text("state");
    let mut out = format!(
        "{name}: {} since {}, topology {}\n",
        paint.paint(tone_of(state), &clean(state)),
        clean(&pages::moment(body.at("since"))),
        clean(body.text("topologyName")),
    );
    let wanted = body.text("wanted");
    if !wanted.is_empty() && !wanted.eq_ignore_ascii_case(state) {
        let _ = writeln!(out, "  wanted: {}", clean(wanted));
    }
    if let Some(error) = body.at("lastError").as_str() {
        let _ = writeln!(out, "  error: {}", clean_lines(error));
    }
    let nodes = body.items("nodes");
    if nodes.is_empty() {
        if state == "Inactive" {
            let _ = writeln!(out, "  next: mediagraph instance activate {name}");
        }
        return out;
    }
    out.push_str(&table(nodes, now).render(paint));
    for node in nodes {
        if let Some(error) = node.at("lastError").as_str() {
            let _ = writeln!(
                out,
                "last error of {}: {}",
                clean(node.text("node")),
                clean_lines(error)
            );
        }
    }
    out
}

fn table(nodes: &[Value], now: Timestamp) -> Table {
    let mut table = Table::new(&[
        "NODE", "TYPE", "STATE", "IN", "OUT", "SEEN", "SKIPPED", "DROPPED", "ERRORS", "LAST", "NOW",
    ]);
    for node in nodes {
        let gate = node.text("gate");
        let state = node.text("state");
        table.row([
            Cell::text(node.text("node")),
            Cell::text(short(node.text("nodeType"))),
            Cell::state(if gate.is_empty() || state != "running" {
                state
            } else {
                gate
            }),
            Cell::number(node.at("received").as_u64()),
            Cell::number(node.at("sent").as_u64()),
            Cell::number(looked_at(node, "processed")),
            Cell::number(looked_at(node, "skipped")),
            Cell::number(node.at("dropped").as_u64()),
            Cell::number(node.at("errors").as_u64()),
            Cell::right(&age(node.at("lastUnit"), now)),
            Cell::text(&doing(node)),
        ]);
    }
    table
}

fn short(node_type: &str) -> &str {
    PREFIXES
        .iter()
        .find_map(|prefix| node_type.strip_prefix(prefix))
        .unwrap_or(node_type)
}

/// How long ago, in the unit that suits.
fn age(moment: &Value, now: Timestamp) -> String {
    let Some(then) = moment.as_str().and_then(|text| text.parse::<Timestamp>().ok()) else {
        return String::new();
    };
    // The host's `Date` is cut to the second, so what is just there may seem to come.
    let seconds = now.duration_since(then).as_secs().max(0);
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// What else a node has to say.
fn doing(node: &Value) -> String {
    let mut parts = Vec::new();
    if let Some(mode) = node.at("decoding").as_str() {
        parts.push(format!("decodes {mode}"));
    }
    if let Some(rate) = node.at("frameRate").as_f64() {
        parts.push(format!("{rate:.1} frames/s"));
    }
    if let Some(rate) = node.at("bitRate").as_f64() {
        parts.push(format!("{:.2} Mbit/s", rate / 1e6));
    }
    if let Some(interval) = node.at("keyframeInterval").as_f64() {
        parts.push(format!("keyframe every {interval:.2} s"));
    }
    match node.at("reconnects").as_u64() {
        Some(0) | None => {}
        Some(1) => parts.push("1 reconnect".to_owned()),
        Some(count) => parts.push(format!("{count} reconnects")),
    }
    if let Some(name) = node.at("writing").as_str() {
        parts.push(format!("writes {name}"));
    }
    parts.join(", ")
}

/// A count of pictures, at a node that has something to do with them.
fn looked_at(node: &Value, member: &str) -> Option<u64> {
    let count = |name: &str| node.at(name).as_u64().unwrap_or(0);
    let looks = node.at("decoding").is_string() || count("processed") + count("skipped") > 0;
    looks.then(|| count(member))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_node_has_a_row_and_its_last_error_a_line_of_its_own() {
        let body = json!({"name": "yard", "topologyName": "T", "state": "Active", "wanted": "Active",
            "since": "2026-11-21T09:00:00.5Z", "nodes": [
            {"node": "camera", "nodeType": "#Microsoft.Media.MediaGraphRtspSource", "state": "waiting",
             "received": 100, "sent": 99, "dropped": 1, "errors": 2, "reconnects": 3,
             "decoding": "keyframes", "processed": 4, "skipped": 96,
             "lastUnit": "2026-11-21T09:00:00Z", "lastError": "no route\u{7} to host"},
            {"node": "motion", "nodeType": "#Microsoft.Media.MediaGraphMotionDetectionProcessor", "state": "running",
             "received": 4, "sent": 1, "dropped": 0, "errors": 0, "processed": 3, "skipped": 1, "scaled": 3},
            {"node": "gate", "nodeType": "#MediaGraph.GateProcessor", "state": "running", "gate": "open",
             "received": 5, "sent": 5, "dropped": 0, "errors": 0}]});
        let text = one(&body, at("2026-11-21T09:00:12Z"), Paint::Plain);
        assert_eq!(
            text,
            "yard: Active since 2026-11-21T09:00:00Z, topology T\n\
             NODE    TYPE                      STATE     IN  OUT  SEEN  SKIPPED  DROPPED  ERRORS  LAST  NOW\n\
             camera  RtspSource                waiting  100   99     4       96        1       2  12 s  \
             decodes keyframes, 3 reconnects\n\
             motion  MotionDetectionProcessor  running    4    1     3        1        0       0     -  -\n\
             gate    GateProcessor             open       5    5     -        -        0       0     -  -\n\
             last error of camera: no route\u{fffd} to host\n"
        );
    }

    #[test]
    fn what_does_not_run_says_why_and_what_to_do() {
        let body = json!({"name": "yard", "topologyName": "T", "state": "Inactive", "wanted": "Active",
            "since": "2026-11-21T09:00:00Z", "nodes": [], "lastError": "no component"});
        let text = one(&body, at("2026-11-21T09:00:12Z"), Paint::Plain);
        assert!(
            text.contains("wanted: Active") && text.contains("error: no component"),
            "{text}"
        );
        assert!(
            text.ends_with("next: mediagraph instance activate yard\n"),
            "{text}"
        );
    }

    #[test]
    fn ages_are_in_the_unit_that_suits() {
        for (then, wanted) in [
            ("2026-11-21T09:00:13Z", "0 s"),
            ("2026-11-21T08:57:12Z", "3 min"),
            ("2026-11-20T09:00:12Z", "24 h"),
            ("2026-11-11T09:00:12Z", "10 d"),
            ("never", ""),
        ] {
            assert_eq!(age(&json!(then), at("2026-11-21T09:00:12Z")), wanted, "{then}");
        }
    }
}
