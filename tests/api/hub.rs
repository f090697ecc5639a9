//! Messages from outside to graphs.

use super::server::{SITE_A, Server};
use super::wire::Request;

fn send(server: &Server, target: &str, kind: &str, body: &str) -> super::wire::Response {
    server.send(&Request::new("POST", target).body(kind, body))
}

const JSON: &str = "application/json";
const MESSAGE: &str = "application/vnd.mediagraph.message+json";

#[test]
fn a_message_reaches_all_who_listen_or_one_instance() {
    let server = Server::open();
    let mut front = server.hub.register("door", "front");
    let mut back = server.hub.register("door", "back");
    let response = send(&server, "/api/hub/inputs/door", JSON, r#"{"open": true}"#);
    assert_eq!(
        (response.status, response.json()["delivered"].as_u64()),
        (200, Some(2))
    );
    let one = send(&server, "/api/hub/inputs/door?instance=back", JSON, "1");
    assert_eq!(one.json()["delivered"], 1);
    assert_eq!(server.wait(front.next()).unwrap().body, r#"{"open": true}"#);
    assert_eq!(server.wait(back.next()).unwrap().body, r#"{"open": true}"#);
    assert_eq!(server.wait(back.next()).unwrap().body, "1");
}

#[test]
fn a_message_may_have_properties() {
    let server = Server::open();
    let mut door = server.hub.register("door", "front");
    let body = r#"{"body": {"open": true}, "properties": {"eventTime": "2026-11-21T03:14:00Z"}}"#;
    assert_eq!(send(&server, "/api/hub/inputs/door", MESSAGE, body).status, 200);
    let message = server.wait(door.next()).unwrap();
    assert_eq!(message.body, r#"{"open": true}"#);
    assert_eq!(message.properties["eventTime"], "2026-11-21T03:14:00Z");
}

#[test]
fn what_nobody_listens_to_is_404_and_what_finds_no_room_503() {
    let server = Server::open();
    let nobody = send(&server, "/api/hub/inputs/door", JSON, "{}");
    assert_eq!(nobody.status, 404, "{nobody:?}");
    let door = server.hub.register("door", "front");
    assert_eq!(
        send(&server, "/api/hub/inputs/door?instance=back", JSON, "{}").status,
        404
    );
    for _ in 0..mediagraph::events::hub::MAX_QUEUED_MESSAGES {
        assert_eq!(send(&server, "/api/hub/inputs/door", JSON, "{}").status, 200);
    }
    let full = send(&server, "/api/hub/inputs/door", JSON, "{}");
    assert_eq!(full.status, 503, "{full:?}");
    drop(door);
}

#[test]
fn messages_that_are_wrong_are_refused_and_reach_nobody() {
    let server = Server::open();
    let door = server.hub.register("door", "front");
    let large = format!("\"{}\"", "x".repeat(300 << 10));
    for (kind, body, status) in [
        (JSON, "{", 400),
        (JSON, "", 400),
        (JSON, large.as_str(), 413),
        (MESSAGE, r#"{"properties": {}}"#, 400),
        (MESSAGE, r#"{"body": 1, "propertys": {}}"#, 400),
        (
            MESSAGE,
            r#"{"body": 1, "properties": {"eventTime": "yesterday"}}"#,
            400,
        ),
        (MESSAGE, r#"{"body": 1, "properties": {"a": 1}}"#, 400),
    ] {
        let response = send(&server, "/api/hub/inputs/door", kind, body);
        assert_eq!(response.status, status, "{body:.60}: {response:?}");
    }
    let misspelt = send(&server, "/api/hub/inputs/door?instnace=front", JSON, "{}");
    assert_eq!(misspelt.status, 400);
    let hint = misspelt.json()["error"]["details"][0]["hint"].clone();
    assert_eq!(hint, "did you mean `instance`?");
    drop(door);
}

#[test]
fn a_limited_token_must_name_an_instance() {
    let server = Server::guarded();
    let _inside = server.hub.register("door", "site-a-door");
    let _outside = server.hub.register("door", "site-b-door");
    let send = |target: &str| server.send(&Request::new("POST", target).json("{}").token(SITE_A));
    assert_eq!(send("/api/hub/inputs/door").status, 403);
    assert_eq!(send("/api/hub/inputs/door?instance=site-b-door").status, 403);
    let response = send("/api/hub/inputs/door?instance=site-a-door");
    assert_eq!(response.json()["delivered"], 1);
}
