//! The page for people: there without a token, kept by browsers until it changes, and bound to this host.

use super::server::{READ, Server};
use super::wire::Request;

#[test]
fn the_page_needs_no_token_and_may_load_nothing_from_elsewhere() {
    let server = Server::guarded();
    let page = server.send(&Request::get("/"));
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(page.header("content-type").unwrap(), "text/html; charset=utf-8");
    assert!(page.body.contains("console/main.js"));
    let policy = page.header("content-security-policy").unwrap();
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    // What is not the page stays shut.
    let answer = server.send(&Request::get("/api/status").token(READ));
    let policy = answer.header("content-security-policy").unwrap();
    assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
}

#[test]
fn a_file_is_sent_once_and_others_are_not_there() {
    let server = Server::guarded();
    let script = server.send(&Request::get("/console/main.js"));
    assert_eq!(script.status, 200, "{script:?}");
    assert_eq!(
        script.header("content-type").unwrap(),
        "text/javascript; charset=utf-8"
    );
    let tag = script.header("etag").unwrap().to_owned();
    let again = server.send(&Request::get("/console/main.js").header("if-none-match", &tag));
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let changed = server.send(&Request::get("/console/main.js").header("if-none-match", "\"other\""));
    assert_eq!(changed.status, 200);
    for path in [
        "/console/nothing.js",
        "/console/..%2Fapi%2Fmod.rs",
        "/console/index.html",
    ] {
        assert_eq!(server.send(&Request::get(path)).status, 404, "{path}");
    }
}
