//! Health, log, reload, figures.

use super::server::{READ, Server};
use super::wire::Request;

#[test]
fn a_host_lives_and_says_whether_it_can_work() {
    let server = Server::guarded();
    assert_eq!(server.send(&Request::get("/livez")).json()["status"], "ok");
    assert_eq!(server.send(&Request::get("/readyz")).status, 200);
    *server.process.unwell.lock().unwrap() = Some("/secret/path is full".to_owned());
    let stranger = server.send(&Request::get("/readyz"));
    assert_eq!(stranger.status, 503);
    assert!(!stranger.body.contains("/secret/path"), "{stranger:?}");
    let known = server.send(&Request::get("/readyz").token(READ));
    assert_eq!(known.json()["checks"][0]["error"], "/secret/path is full");
    assert_eq!(server.send(&Request::get("/livez")).status, 200);
}

#[test]
fn the_health_of_an_instance_that_there_is_not_is_404() {
    let server = Server::open();
    assert_eq!(server.send(&Request::get("/healthz")).json()["status"], "ok");
    assert_eq!(server.send(&Request::get("/healthz/nothing")).status, 404);
}

#[test]
fn what_is_logged_can_be_changed() {
    let server = Server::open();
    let put = |body: &str| server.send(&Request::new("PUT", "/api/log").json(body));
    assert_eq!(server.send(&Request::get("/api/log")).json()["filter"], "info");
    assert_eq!(put(r#"{"filter": "debug"}"#).json()["filter"], "debug");
    assert_eq!(server.send(&Request::get("/api/log")).json()["filter"], "debug");
    for wrong in [r#"{"filter": "!"}"#, "{}", r#"{"level": "debug"}"#] {
        let response = put(wrong);
        assert_eq!(response.status, 400, "{wrong}");
        assert_eq!(response.detail(), "LogFilterInvalid");
    }
    let long = format!(r#"{{"filter": "{}"}}"#, "x".repeat(5000));
    assert_eq!(put(&long).status, 400);
    assert_eq!(server.send(&Request::get("/api/log")).json()["filter"], "debug");
}

#[test]
fn a_reload_says_what_changed_or_why_nothing_did() {
    let server = Server::open();
    let reload = Request::new("POST", "/api/reload").json("");
    assert_eq!(server.send(&reload).json()["messages"][0], "nothing changed");
    *server.process.reload.lock().unwrap() = Some("line 3: no".to_owned());
    let refused = server.send(&reload);
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"]["message"], "line 3: no");
}

#[test]
fn every_answer_says_that_it_is_not_to_be_kept() {
    let server = Server::guarded();
    for path in ["/livez", "/api/status", "/nothing"] {
        let response = server.send(&Request::get(path));
        assert_eq!(response.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(
            response.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
}
