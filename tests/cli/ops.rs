//! `mediagraph ops`.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use super::fake::{Answer, Server, error};
use super::{ask, command, write};

const URL: &str = "https://example.invalid/topologies/motion-detection/2.0/topology.json";

fn file(folder: &Path, operations: &Value) -> String {
    let text = json!({"apiVersion": "2.0", "operations": operations}).to_string();
    write(folder, "operations.json", &text)
}

/// What the console app's file does, in the same order.
fn the_usual() -> Value {
    let wait = json!({"opName": "WaitForInput", "opParams": {"message": "Press Enter to continue"}});
    let name = json!({"name": "Sample-Graph-1"});
    json!([
        {"opName": "GraphTopologyList", "opParams": {}}, wait,
        {"opName": "GraphInstanceList", "opParams": {}}, wait,
        {"opName": "GraphTopologySet", "opParams": {"topologyUrl": URL}},
        {"opName": "GraphInstanceSet", "opParams": {"name": "Sample-Graph-1", "properties": {"topologyName": "MotionDetection",
            "parameters": [{"name": "rtspUrl", "value": "rtsp://rtspsim:554/media/x.mkv"}]}}},
        {"opName": "GraphInstanceActivate", "opParams": name}, {"opName": "GraphInstanceList", "opParams": {}}, wait,
        {"opName": "GraphInstanceDeactivate", "opParams": name}, {"opName": "GraphInstanceDelete", "opParams": name},
        {"opName": "GraphTopologyDelete", "opParams": {"name": "MotionDetection"}}, wait,
    ])
}

fn host() -> Server {
    Server::new(|asked| {
        let sent = asked.json();
        assert_eq!(sent["@apiVersion"], "2.0");
        match asked.path.rsplit('/').next().unwrap() {
            name if name.ends_with("List") => Answer::method(200, json!({"value": [{"name": "one"}]})),
            name if name.ends_with("Set") => Answer::method(201, sent),
            _ => Answer::method(200, Value::Null),
        }
    })
}

#[test]
fn the_file_of_the_console_app_is_replayed_with_topologies_from_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "topologies/motion-detection/2.0/topology.json",
        "{\"@apiVersion\": \"2.0\", \"name\": \"MotionDetection\"}",
    );
    let operations = file(folder.path(), &the_usual());
    let topologies = folder.path().join("topologies");
    let server = host();
    let out = ask(
        &server,
        &[
            "ops",
            &operations,
            "--yes",
            "--topologies",
            topologies.to_str().unwrap(),
        ],
    )
    .good();
    assert_eq!(
        out,
        "  1  GraphTopologyList        200  1: one\n  2  GraphInstanceList        200  1: one\n  \
         3  GraphTopologySet         201  MotionDetection, new\n  4  GraphInstanceSet         201  Sample-Graph-1, new\n  \
         5  GraphInstanceActivate    200  Sample-Graph-1\n  6  GraphInstanceList        200  1: one\n  \
         7  GraphInstanceDeactivate  200  Sample-Graph-1\n  8  GraphInstanceDelete      200  Sample-Graph-1\n  \
         9  GraphTopologyDelete      200  MotionDetection\n"
    );
    assert_eq!(server.asked().len(), 9);
}

#[test]
fn an_address_is_not_fetched_unless_the_person_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let operations = file(folder.path(), &the_usual());
    let server = host();
    ask(&server, &["ops", &operations, "--yes"]).bad(
        1,
        &[
            "operations.json: error: the topology at `https://example.invalid/",
            "/operations/4",
            "`--topologies DIR`",
            "`--fetch`",
            "nothing was sent",
        ],
    );
    // The name is reserved never to exist (RFC 2606), so this fails with or without a network.
    ask(&server, &["ops", &operations, "--yes", "--fetch"]).bad(1, &["cannot fetch", "`--topologies DIR`"]);
    let plain =
        json!([{"opName": "GraphTopologySet", "opParams": {"topologyUrl": "http://example.invalid/a.json"}}]);
    ask(&server, &["ops", &file(folder.path(), &plain), "--fetch"]).bad(1, &["it is not https"]);
    assert!(server.asked().is_empty());
}

#[test]
fn a_topology_file_stands_beside_the_operations_and_its_lines_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let topology = write(folder.path(), "t/x.json", "{\n  \"name\": \"X\"\n}");
    let set = json!([{"opName": "GraphTopologySet", "opParams": {"topologyFile": "t/x.json"}}]);
    let operations = file(folder.path(), &set);
    let details = json!([{"code": "PropertyMissing", "pointer": "/properties", "line": 2, "column": 3, "message": "no `properties`"}]);
    let server = Server::always(Answer::method(
        400,
        error("BadRequest", "the topology is not valid", details),
    ));
    let ended = ask(&server, &["ops", &operations]);
    assert!(
        ended
            .out()
            .contains("GraphTopologySet         400  the topology is not valid"),
        "{}",
        ended.out()
    );
    ended.bad(
        1,
        &[
            &format!("{topology}:2:3: error: no `properties`"),
            "1 of 1 operations failed",
        ],
    );
    assert_eq!(
        server.asked()[0].body,
        "{\"@apiVersion\":\"2.0\",\n  \"name\": \"X\"\n}"
    );
}

#[test]
fn a_topology_url_may_be_a_path_or_a_server_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let topology = write(folder.path(), "t/x y.json", "{\"name\": \"X\"}");
    let server = Server::new(|asked| match asked.path.as_str() {
        "/x.json" => Answer::text(200, "text/plain", "{\"name\": \"X\"}"),
        _ => Answer::method(201, asked.json()),
    });
    let here = format!("{}/x.json", server.url());
    let address = format!("file://{}", topology.replace(' ', "%20"));
    for url in ["t/x y.json", &topology, &address, &here] {
        let set = json!([{"opName": "GraphTopologySet", "opParams": {"topologyUrl": url}}]);
        let operations = file(folder.path(), &set);
        let out = ask(&server, &["ops", &operations, "--fetch"]).good();
        assert!(out.contains("201  X, new"), "{url}: {out}");
    }
    // Without being told to, it asks nobody.
    let set = json!([{"opName": "GraphTopologySet", "opParams": {"topologyUrl": here}}]);
    ask(&server, &["ops", &file(folder.path(), &set)]).bad(1, &["`--fetch`"]);
    for (url, said) in [
        ("t/z.json", "t/z.json"),
        ("file://elsewhere/z.json", "no file of this machine"),
        ("ftp://127.0.0.1/z.json", "no address of the web"),
    ] {
        let set = json!([{"opName": "GraphTopologySet", "opParams": {"topologyUrl": url}}]);
        ask(&server, &["ops", &file(folder.path(), &set), "--fetch"]).bad(1, &[said]);
    }
}

fn two_that_fail() -> (Server, Value) {
    let server = Server::always(Answer::method(
        404,
        error("NotFound", "no such instance", json!([])),
    ));
    let get = json!({"opName": "GraphInstanceGet", "opParams": {"name": "x"}});
    (server, json!([get, get]))
}

#[test]
fn it_stops_at_the_first_failure_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let (server, operations) = two_that_fail();
    let operations = file(folder.path(), &operations);
    ask(&server, &["ops", &operations]).bad(
        1,
        &["1 of 2 operations failed, 1 were not tried", "`--keep-going`"],
    );
    assert_eq!(server.asked().len(), 1);
    ask(&server, &["ops", &operations, "--keep-going"]).bad(1, &["2 of 2 operations failed"]);
    assert_eq!(server.asked().len(), 3);
    let ended = ask(&server, &["ops", &operations, "--keep-going", "--json"]);
    let lines: Vec<Value> = ended
        .out()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["opName"], &lines[0]["status"]),
        (&json!("GraphInstanceGet"), &json!(404))
    );
    assert_eq!(ended.code(), 1);
}

#[test]
fn an_unknown_operation_names_the_known_ones_and_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let operations = json!([{"opName": "GraphTopologyList"}, {"opName": "GraphInstanceActivat"}, {"opName": "pipelineTopologySet"}]);
    let operations = file(folder.path(), &operations);
    let server = host();
    ask(&server, &["ops", &operations, "--yes"]).bad(
        1,
        &[
            "there is no operation `GraphInstanceActivat`",
            "did you mean `GraphInstanceActivate`?",
            "there is no operation `pipelineTopologySet`",
            "`GraphTopologySet`, `GraphTopologyGet`",
            "`WaitForInput`",
        ],
    );
    assert!(server.asked().is_empty());
}

#[test]
fn a_file_that_waits_needs_a_terminal_or_yes() {
    let folder = tempfile::tempdir().unwrap();
    let operations = file(folder.path(), &the_usual());
    write(
        folder.path(),
        "motion-detection/2.0/topology.json",
        "{\"name\": \"MotionDetection\"}",
    );
    let server = host();
    let arguments = [
        "ops",
        &operations,
        "--topologies",
        folder.path().to_str().unwrap(),
        "--server",
        &server.url(),
    ];
    let mut piped = command(&arguments);
    piped
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(b"\n\n\n\n");
    super::Ran(child.wait_with_output().unwrap()).bad(2, &["waits for input", "`--yes`"]);
    assert!(server.asked().is_empty());
}

#[test]
fn a_file_that_is_none_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let server = host();
    let broken = write(folder.path(), "o.json", "{\n \"operations\": [,]}");
    ask(&server, &["ops", &broken]).bad(1, &["o.json:2:17: error: not valid JSON"]);
    let other = write(folder.path(), "p.json", "{\"name\": \"a topology\"}");
    ask(&server, &["ops", &other]).bad(1, &["the file has no list `operations`"]);
    let versionless = write(
        folder.path(),
        "q.json",
        "{\"operations\": [{\"opName\": \"GraphTopologyList\"}]}",
    );
    ask(&server, &["ops", &versionless]).bad(1, &["the file has no `apiVersion`"]);
    ask(&server, &["ops", "no/such.json"]).bad(1, &["no/such.json"]);
}
