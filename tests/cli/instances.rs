//! `mediagraph instance`.

use std::time::Duration;

use serde_json::{Value, json};

use super::common::process::Process;
use super::fake::{Answer, Server, error};
use super::{ask, command, write};

/// A command is this quick even on a busy machine.
const SOON: Duration = Duration::from_secs(30);

fn set(server: &Server, arguments: &[&str]) -> super::Ran {
    let mut all = vec!["instance", "set", "yard", "--topology", "Motion"];
    all.extend(arguments);
    ask(server, &all)
}

#[test]
fn values_come_from_the_command_line_and_from_files() {
    let server = Server::always(Answer::method(201, json!({"name": "yard"})));
    let folder = tempfile::tempdir().unwrap();
    let secret = write(folder.path(), "password", "hunter2 \n");
    let out = set(
        &server,
        &[
            "-p",
            "rtspUrl=rtsp://x/?a=b",
            "--param-file",
            &format!("rtspPassword={secret}"),
            "--description",
            "by the gate",
        ],
    )
    .good();
    assert_eq!(out, "yard: created\n  next: mediagraph instance activate yard\n");
    let asked = &server.asked()[1];
    assert_eq!(asked.line(), "POST /api/methods/GraphInstanceSet");
    let sent = json!({"@apiVersion": "2.0", "name": "yard", "properties": {
        "topologyName": "Motion", "description": "by the gate",
        "parameters": [{"name": "rtspPassword", "value": "hunter2 "}, {"name": "rtspUrl", "value": "rtsp://x/?a=b"}]}});
    assert_eq!(asked.json(), sent);
}

#[test]
fn a_value_that_cannot_be_read_is_told_without_it() {
    let server = Server::always(Answer::method(201, json!({})));
    set(&server, &["-p", "hunter2"]).bad(2, &["`name=value`"]);
    set(&server, &["--param-file", "hunter2"]).bad(2, &["`--param-file`", "`name=file`"]);
    set(&server, &["--param-file", "a=no/such/file"]).bad(1, &["no/such/file"]);
    set(&server, &["-p", "a=1", "--param-file", "a=x"]).bad(2, &["the parameter `a` is given twice"]);
    let folder = tempfile::tempdir().unwrap();
    let long = write(folder.path(), "long", &"x".repeat(70_000));
    set(&server, &["--param-file", &format!("a={long}")]).bad(1, &["more than 65536 bytes"]);
    assert!(server.asked().is_empty());
}

#[test]
fn what_does_not_suit_the_topology_is_told_by_flag() {
    let details = json!([
        {"code": "ParameterInvalid", "pointer": "/properties/parameters/0/value", "line": 1, "column": 80,
         "message": "`fast` is no whole number", "hint": "such as 30"},
        {"code": "ParameterMissing", "pointer": "/properties/parameters", "message": "`rtspUrl` has no value"}]);
    let body = error(
        "BadRequest",
        "the graph instance is not valid: 2 mistakes",
        details,
    );
    let server = Server::always(Answer::method(400, body));
    let ended = set(&server, &["-p", "speed=fast"]);
    assert_eq!(
        ended.err(),
        "error: `fast` is no whole number\n  at -p speed (ParameterInvalid)\n  hint: such as 30\n\
         error: `rtspUrl` has no value\n  at /properties/parameters (ParameterMissing)\n\
         error: cannot set the instance `yard`: the graph instance is not valid: 2 mistakes (400 BadRequest)\n"
    );
    assert_eq!(ended.code(), 78);
}

#[test]
fn an_instance_that_runs_or_has_no_topology_is_told_what_to_do() {
    let state = json!([{"code": "GraphInstanceOperationNotValidInCurrentState", "message": "it is Active"}]);
    let server = Server::always(Answer::method(409, error("Conflict", "it is Active", state)));
    set(&server, &[]).bad(
        1,
        &[
            "cannot set the instance `yard`: it is Active",
            "mediagraph instance deactivate",
        ],
    );
    let missing = json!([{"code": "ResourceValidationError", "message": "there is no topology `Motion`"}]);
    let server = Server::always(Answer::method(
        409,
        error("Conflict", "there is no topology `Motion`", missing),
    ));
    set(&server, &[]).bad(1, &["there is no topology", "mediagraph topology list"]);
}

#[test]
fn instances_are_activated_deactivated_and_deleted_one_after_the_other() {
    let server = Server::new(|asked| {
        let name = asked.json()["name"].as_str().unwrap().to_owned();
        match (asked.path.as_str(), name.as_str()) {
            ("/api/methods/GraphInstanceActivate", "b") => {
                Answer::method(404, error("NotFound", "there is no instance `b`", json!([])))
            }
            ("/api/methods/GraphInstanceDeactivate", _) => Answer::json(
                200,
                &json!({"status": 200, "payload": null, "warnings": [
                    {"code": "DrainIncomplete", "message": "not everything was written"}]}),
            ),
            ("/api/methods/GraphInstanceDelete", "a") => Answer::method(204, Value::Null),
            _ => Answer::method(200, Value::Null),
        }
    });
    let both = ask(&server, &["instance", "activate", "b", "a"]);
    assert_eq!(both.out(), "a: active\n  next: mediagraph instance status a\n");
    both.bad(
        1,
        &[
            "there is no instance `b`",
            "mediagraph instance list",
            "could not activate 1 of 2",
        ],
    );
    let drained = ask(&server, &["instance", "deactivate", "a"]);
    assert!(
        drained.err().contains("warning: not everything was written"),
        "{}",
        drained.err()
    );
    assert_eq!(drained.good(), "a: inactive\n");
    let deleted = ask(&server, &["instance", "delete", "a", "c"]).good();
    assert_eq!(deleted, "a: was not there\nc: deleted\n");
}

#[test]
fn an_instance_that_runs_is_not_deleted_and_the_way_out_is_named() {
    let body = error("Conflict", "the instance is Active", json!([]));
    let server = Server::always(Answer::method(409, body));
    ask(&server, &["instance", "delete", "yard"]).bad(1, &["mediagraph instance deactivate yard"]);
    ask(&server, &["instance", "deactivate", "yard"]).bad(1, &["mediagraph instance status yard"]);
}

fn instance() -> Value {
    json!({"name": "yard", "systemData": {"lastModifiedAt": "2026-11-21T09:00:00Z"}, "properties": {
        "topologyName": "Motion", "description": "d", "state": "Active",
        "parameters": [{"name": "rtspUrl", "value": "rtsp://x"}, {"name": "rtspPassword"}]}})
}

#[test]
fn instances_are_listed_and_printed_for_people_and_programs() {
    let server = Server::new(|asked| match asked.path.as_str() {
        "/api/GraphInstance" => Answer::json(200, &json!({"value": [instance()]})),
        "/api/GraphInstance/yard" => Answer::json(200, &instance()),
        _ => Answer::error(404, "NotFound", "there is no instance `x`"),
    });
    let list = ask(&server, &["instance", "list"]).good();
    assert_eq!(
        list,
        "NAME  TOPOLOGY  STATE   MODIFIED              DESCRIPTION\n\
         yard  Motion    Active  2026-11-21T09:00:00Z  d\n"
    );
    assert_eq!(
        ask(&server, &["instance", "list", "--json"]).json()["value"][0],
        instance()
    );
    let one = ask(&server, &["instance", "get", "yard"]).good();
    assert!(one.contains("-p rtspPassword  (not told)"), "{one}");
    assert_eq!(
        ask(&server, &["instance", "get", "yard", "--json"]).json(),
        instance()
    );
    ask(&server, &["instance", "get", "x"]).bad(1, &["mediagraph instance list"]);
}

fn status() -> Value {
    json!({"name": "yard", "topologyName": "Motion", "state": "Active", "wanted": "Active",
        "since": "2026-11-21T09:00:00Z", "nodes": [
        {"node": "camera", "nodeType": "#Microsoft.Media.MediaGraphRtspSource", "state": "playing", "received": 900,
         "sent": 900, "dropped": 0, "errors": 1, "frameRate": 25.0, "lastUnit": "2026-11-21T09:00:58.5Z",
         "lastError": "the camera closed the connection"},
        {"node": "recorder", "nodeType": "#Microsoft.Media.MediaGraphAssetSink", "state": "recording", "received": 900,
         "sent": 0, "dropped": 0, "errors": 0, "writing": "yard-1"}]})
}

#[test]
fn the_status_has_a_row_for_each_node_with_its_age_by_the_hosts_clock() {
    let answer = Answer::json(200, &status()).header("Date", "Sat, 21 Nov 2026 09:01:00 GMT");
    let server = Server::always(answer);
    let out = ask(&server, &["instance", "status", "yard"]).good();
    assert_eq!(
        out,
        "yard: Active since 2026-11-21T09:00:00Z, topology Motion\n\
         NODE      TYPE        STATE       IN  OUT  SEEN  SKIPPED  DROPPED  ERRORS  LAST  NOW\n\
         camera    RtspSource  playing    900  900     -        -        0       1   1 s  25.0 frames/s\n\
         recorder  AssetSink   recording  900    0     -        -        0       0     -  writes yard-1\n\
         last error of camera: the camera closed the connection\n"
    );
    assert_eq!(
        server.lines(),
        ["GET /api/GraphInstance/yard/status", "GET /api/uploads"]
    );
    assert_eq!(
        ask(&server, &["instance", "status", "yard", "--json"]).json(),
        status()
    );
}

#[test]
fn the_status_of_all_is_a_table_of_instances() {
    let mut one = status();
    one["lastError"] = json!("no component");
    let server = Server::always(Answer::json(200, &json!({"value": [one]})));
    let out = ask(&server, &["instance", "status"]).good();
    assert!(
        out.contains("yard  Motion    Active  Active  2026-11-21T09:00:00Z  no component\n"),
        "{out}"
    );
    assert_eq!(server.lines(), ["GET /api/status", "GET /api/uploads"]);
}

#[test]
fn watching_looks_again_until_it_is_stopped() {
    let server = Server::always(Answer::json(200, &status()));
    let mut command = command(&["instance", "status", "yard", "--watch", "--server", &server.url()]);
    let process = Process::start("the watch", &mut command);
    process.wait_stdout("second look", SOON, |lines| {
        (lines
            .iter()
            .filter(|line| line.starts_with("yard: Active"))
            .count()
            >= 2)
            .then_some(())
    });
    assert!(server.asked().len() >= 2);
}
