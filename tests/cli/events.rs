//! `mediagraph events`.

use std::time::Duration;

use serde_json::{Value, json};

use super::common::process::Process;
use super::fake::{Answer, Asked, Server};
use super::{ask, command};

const SOON: Duration = Duration::from_secs(30);

fn event(id: u32, time: &str) -> String {
    let data = json!({"id": format!("e{id}"), "eventTime": time});
    format!("id: {id}\nevent: T\ndata: {data}\n\n")
}

/// Has two events; a stream that asks for nothing old says what the newest is.
fn host() -> Server {
    Server::new(|asked| match asked.headers.get("last-event-id") {
        None => Answer::stream(": events\nid: 2\n\n"),
        Some(_) => Answer::stream(&format!(
            ": events\n\n{}{}",
            event(1, "2026-11-21T08:00:00Z"),
            event(2, "2026-11-21T09:00:00Z")
        )),
    })
}

fn ids(out: &str) -> Vec<String> {
    let id = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["id"].as_str().unwrap().to_owned()
    };
    out.lines().map(id).collect()
}

#[test]
fn what_was_kept_is_printed_as_lines_of_json_and_then_it_ends() {
    let server = host();
    let out = ask(&server, &["events"]).good();
    assert_eq!(ids(&out), ["e1", "e2"]);
    assert_eq!(server.asked()[1].headers["last-event-id"], "0");
}

#[test]
fn filters_are_the_hosts_and_the_beginning_is_a_moment_or_an_id() {
    let server = host();
    let filters = [
        "--instance",
        "yard-*",
        "--type",
        "Microsoft.Media",
        "--output",
        "out",
    ];
    let mut arguments = vec!["events", "--since", "2026-11-21T08:30:00Z"];
    arguments.extend(filters);
    assert_eq!(ids(&ask(&server, &arguments).good()), ["e2"]);
    assert_eq!(
        server.asked()[1].path,
        "/api/events?instance=yard-*&eventType=Microsoft.Media&output=out"
    );
    let server = host();
    assert_eq!(ask(&server, &["events", "--since", "2"]).good(), "");
    ask(&server, &["events", "--since", "soon"]).bad(2, &["`--since soon`", "10m"]);
}

#[test]
fn following_goes_on_behind_the_last_event_when_the_connection_is_lost() {
    let server = Server::new(
        |asked: &Asked| match asked.headers.get("last-event-id").map(String::as_str) {
            None => Answer::text(200, "text/event-stream", event(7, "2026-11-21T08:00:00Z")),
            Some("7") => Answer::stream(&event(8, "2026-11-21T08:00:01Z")),
            Some(other) => panic!("nobody has {other}"),
        },
    );
    let mut command = command(&["events", "--follow", "--server", &server.url()]);
    let process = Process::start("the events", &mut command);
    process.wait_stdout("event after the loss", SOON, |lines| {
        lines.iter().any(|line| line.contains("\"e8\"")).then_some(())
    });
    assert_eq!(ids(&process.stdout().join("\n")), ["e7", "e8"]);
    process.wait_stderr("the connection to the host was lost", SOON);
}

#[test]
fn a_host_that_cannot_be_asked_is_told_at_once_even_when_following() {
    let server = Server::always(Answer::error(401, "Unauthorized", "no"));
    ask(&server, &["events", "--follow", "--since", "0"]).bad(1, &["`--token-file`"]);
}
