//! `mediagraph topology`.

use serde_json::json;

use super::common::repository;
use super::fake::{Answer, Server, error};
use super::{ask, write};

const FILE: &str = "{\n  \"name\": \"Motion\",\n  \"properties\": {\n    \"parameters\": [\n      {\"name\": \"rtspUrl\", \"type\": \"String\"},\n      {\"name\": \"speed\", \"type\": \"Int\", \"default\": \"1\"}\n    ]\n  }\n}\n";

#[test]
fn a_stored_topology_is_sent_as_it_stands_and_leads_to_an_instance() {
    let server = Server::always(Answer::method(201, json!({"name": "Motion"})));
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "t.json", FILE);
    let out = ask(&server, &["topology", "set", &file]).good();
    assert_eq!(
        out,
        "Motion: created\n  next: mediagraph instance set NAME --topology Motion -p rtspUrl=...\n"
    );
    let asked = &server.asked()[1];
    assert_eq!(asked.line(), "POST /api/methods/GraphTopologySet");
    assert_eq!(asked.headers["content-type"], "application/json");
    // The version goes in without moving a line.
    assert_eq!(asked.body, FILE.replacen('{', "{\"@apiVersion\":\"2.0\",", 1));
}

#[test]
fn a_topology_that_says_its_version_is_sent_byte_for_byte() {
    let server = Server::always(Answer::method(200, json!({"name": "x"})));
    let path = "topologies/motion-detection";
    let out = ask(&server, &["topology", "set", repository(path).to_str().unwrap()]).good();
    assert_eq!(out, "MotionDetection: updated\n");
    let file = std::fs::read_to_string(repository(path).join("topology.json")).unwrap();
    assert_eq!(server.asked()[1].body, file);
}

#[test]
fn what_the_host_finds_wrong_is_told_with_file_line_and_column() {
    let details = json!([
        {"code": "RtspEndpointUrlInvalidScheme", "target": "$.Properties", "pointer": "/properties/sources/0/endpoint/url",
         "line": 5, "column": 9, "message": "the scheme is `ftp`", "hint": "use `rtsp://`"},
        {"code": "PropertyUnknown", "pointer": "/properties/x", "line": 7, "column": 3, "message": "unknown member `x\u{1b}`"}]);
    let body = error("BadRequest", "the topology is not valid: 2 mistakes", details);
    let server = Server::always(Answer::method(400, body));
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "t.json", FILE);
    let ended = ask(&server, &["topology", "set", &file]);
    assert_eq!(
        ended.err(),
        format!(
            "{file}:5:9: error: the scheme is `ftp`\n  at /properties/sources/0/endpoint/url \
             (RtspEndpointUrlInvalidScheme)\n  hint: use `rtsp://`\n{file}:7:3: error: unknown member `x\u{fffd}`\n  \
             at /properties/x (PropertyUnknown)\nerror: cannot store the topology `Motion`: the topology is not valid: \
             2 mistakes (400 BadRequest)\n"
        )
    );
    assert_eq!(ended.code(), 78);
}

#[test]
fn what_is_odd_about_a_stored_topology_is_a_warning() {
    let warning = json!({"code": "ParameterUnused", "pointer": "/properties/parameters/1", "line": 6, "column": 7,
        "message": "nothing refers to the parameter `speed`"});
    let reply = json!({"status": 201, "payload": {"name": "Motion"}, "warnings": [warning]});
    let server = Server::always(Answer::json(200, &reply));
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "t.json", FILE);
    let ended = ask(&server, &["topology", "set", &file]);
    assert!(
        ended
            .err()
            .starts_with(&format!("{file}:6:7: warning: nothing refers to")),
        "{}",
        ended.err()
    );
    ended.good();
}

#[test]
fn what_is_no_json_is_found_before_the_host_is_asked() {
    let server = Server::always(Answer::method(201, json!({})));
    let folder = tempfile::tempdir().unwrap();
    let broken = write(folder.path(), "t.json", "{\n  \"name\": \"a\",\n}");
    ask(&server, &["topology", "set", &broken]).bad(78, &["t.json:3:1: error: not valid JSON"]);
    let nameless = write(folder.path(), "n.json", "{}");
    ask(&server, &["topology", "set", &nameless]).bad(78, &["the topology has no name"]);
    ask(&server, &["topology", "set", "no/such.json"]).bad(1, &["no/such.json"]);
    assert!(server.asked().is_empty());
}

#[test]
fn several_files_are_all_tried() {
    let server = Server::new(|asked| {
        if asked.method == "GET" {
            return Answer::error(404, "NotFound", "no");
        }
        match asked.json()["name"].as_str().unwrap() {
            "b" => Answer::method(400, error("BadRequest", "no", json!([]))),
            name => Answer::method(201, json!({ "name": name })),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<String> = ["a", "b", "c"]
        .iter()
        .map(|name| {
            write(
                folder.path(),
                &format!("{name}.json"),
                &json!({ "name": name }).to_string(),
            )
        })
        .collect();
    let ended = ask(&server, &["topology", "set", &files[0], &files[1], &files[2]]);
    assert!(ended.out().contains("c: created"), "{}", ended.out());
    ended.bad(
        78,
        &[
            "cannot store the topology `b`: no",
            "1 of 3 topologies were not stored",
        ],
    );
}

fn two_pages() -> Server {
    let one = |name: &str| {
        json!({"name": name, "systemData": {"lastModifiedAt": "2026-11-21T09:00:00.123Z"}, "properties": {
            "description": "line\nbreak", "sources": [{}], "processors": [], "sinks": [{}],
            "parameters": [{"name": "rtspUrl", "type": "String"}]}})
    };
    let (first, second) = (one("a"), one("b"));
    Server::new(move |asked| match asked.path.as_str() {
        "/api/GraphTopology" => Answer::json(200, &json!({"value": [first], "@continuationToken": "a+b/="})),
        _ => Answer::json(200, &json!({"value": [second]})),
    })
}

#[test]
fn a_list_is_read_to_its_last_page_and_shown_as_a_table() {
    let server = two_pages();
    let out = ask(&server, &["topology", "list"]).good();
    assert_eq!(
        out,
        "NAME  NODES  TO SET   MODIFIED              DESCRIPTION\n\
         a         2  rtspUrl  2026-11-21T09:00:00Z  line\u{fffd}break\n\
         b         2  rtspUrl  2026-11-21T09:00:00Z  line\u{fffd}break\n"
    );
    assert_eq!(
        server.lines()[1],
        "GET /api/GraphTopology?%40continuationToken=a%2Bb%2F%3D"
    );
    let list = ask(&two_pages(), &["topology", "list", "--json"]).json();
    assert_eq!(list["value"].as_array().unwrap().len(), 2);
    assert_eq!(list.get("@continuationToken"), None);
}

#[test]
fn an_empty_list_says_what_to_do_next() {
    let server = Server::always(Answer::json(200, &json!({"value": []})));
    assert!(
        ask(&server, &["topology", "list"])
            .good()
            .contains("mediagraph topology set FILE")
    );
    assert_eq!(
        ask(&server, &["topology", "list", "--json"]).json(),
        json!({"value": []})
    );
}

#[test]
fn a_topology_is_printed_as_json_or_told_to_be_missing() {
    let server = Server::new(|asked| match asked.path.as_str() {
        "/api/GraphTopology/a%20b" => Answer::json(200, &json!({"name": "a b"})),
        _ => Answer::error(404, "NotFound", "there is no topology `x`"),
    });
    assert_eq!(
        ask(&server, &["topology", "get", "a b"]).json(),
        json!({"name": "a b"})
    );
    ask(&server, &["topology", "get", "x"]).bad(
        1,
        &[
            "cannot print the topology `x`: there is no topology `x` (404 NotFound)",
            "mediagraph topology list",
        ],
    );
}

#[test]
fn a_topology_in_use_is_not_deleted_and_the_way_out_is_named() {
    let server = Server::new(|asked| {
        assert_eq!(asked.line(), "POST /api/methods/GraphTopologyDelete");
        match asked.json()["name"].as_str().unwrap() {
            "used" => {
                let details = json!([{"code": "GraphTopologyInUse", "message": "it is used by `yard`"}]);
                Answer::method(409, error("Conflict", "it is used by `yard`", details))
            }
            "gone" => Answer::method(204, json!(null)),
            _ => Answer::method(200, json!(null)),
        }
    });
    let used = ask(&server, &["topology", "delete", "used"]);
    assert_eq!(used.err().matches("it is used by").count(), 1, "{}", used.err());
    used.bad(1, &["(409 GraphTopologyInUse)", "mediagraph instance list"]);
    assert_eq!(
        ask(&server, &["topology", "delete", "gone"]).good(),
        "gone: was not there\n"
    );
    assert_eq!(ask(&server, &["topology", "delete", "x"]).good(), "x: deleted\n");
}
