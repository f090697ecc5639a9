//! Pages of other web sites: those of a configured origin may ask, with a token; all others are told nothing.

use std::collections::BTreeSet;

use mediagraph::api::table::ROUTES;

use super::server::{Options, READ, Server, tokens};
use super::wire::{Request, Response};

const DESK: &str = "https://desk.example";
const EVIL: &str = "https://desk.example.evil.example";

fn server() -> Server {
    Server::start(Options {
        tokens: Some(tokens()),
        origins: vec!["http://10.0.0.7:3000".to_owned(), DESK.to_owned()],
        ..Options::default()
    })
}

/// As a browser asks before it sends what a page wants it to.
fn first(path: &str, origin: &str) -> Request {
    Request::new("OPTIONS", path)
        .header("origin", origin)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization,range")
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "cors")
}

fn words(response: &Response, header: &str) -> BTreeSet<String> {
    let value = response.header(header).unwrap_or_default();
    value
        .split(',')
        .map(|word| word.trim().to_ascii_lowercase())
        .collect()
}

/// The path with something in place of its parameters.
fn filled(path: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { "x" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn a_page_of_a_configured_origin_learns_what_it_may_send_to_each_route() {
    let server = server();
    for route in ROUTES {
        let path = filled(route.path);
        let linked = route.linked.then(|| format!("/signed/x{path}"));
        for path in [Some(path), linked].into_iter().flatten() {
            let answer = server.send(&first(&path, DESK));
            assert_eq!(answer.status, 204, "{path}: {answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(DESK), "{path}");
            assert_eq!(answer.header("vary"), Some("Origin"), "{path}");
            assert_eq!(answer.header("access-control-max-age"), Some("600"), "{path}");
            assert!(
                answer.header("access-control-allow-credentials").is_none(),
                "{path}"
            );
            let mut expected = BTreeSet::new();
            for other in ROUTES.iter().filter(|other| other.path == route.path) {
                expected.insert(other.verb.name().to_ascii_lowercase());
                if other.verb.name() == "GET" {
                    expected.insert("head".to_owned());
                }
            }
            assert_eq!(words(&answer, "access-control-allow-methods"), expected, "{path}");
            let headers = words(&answer, "access-control-allow-headers");
            for needed in ["authorization", "range", "if-none-match", "content-type"] {
                assert!(headers.contains(needed), "{path}: {headers:?}");
            }
            assert!(!headers.contains("*"), "{path}: {headers:?}");
        }
    }
}

#[test]
fn such_a_page_may_read_answers_and_refusals_and_needs_a_token() {
    let server = server();
    let page = |path: &str| {
        Request::get(path)
            .header("origin", DESK)
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", "cors")
    };
    for (request, status) in [
        (page("/api/status").token(READ), 200),
        (page("/api/status"), 401),
        (page("/assets/nobody/index.m3u8").token(READ), 404),
        (page("/nowhere").token(READ), 404),
        (page("/nowhere"), 401),
        (
            Request::new("DELETE", "/api/status")
                .header("origin", DESK)
                .token(READ),
            405,
        ),
    ] {
        let answer = server.send(&request);
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some(DESK),
            "{answer:?}"
        );
        assert_eq!(answer.header("vary"), Some("Origin"), "{answer:?}");
        let readable = words(&answer, "access-control-expose-headers");
        for needed in ["content-range", "etag", "content-length", "location"] {
            assert!(readable.contains(needed), "{readable:?}");
        }
    }
    // An answer to nobody's page is another one, and caches must know.
    let plain = server.send(&Request::get("/api/status").token(READ));
    assert_eq!(plain.header("vary"), Some("Origin"));
    assert!(plain.header("access-control-allow-origin").is_none());
}

#[test]
fn pages_of_all_other_origins_are_refused_and_told_nothing() {
    let server = server();
    let host = format!("http://{}", server.address);
    for origin in [
        EVIL,
        "http://desk.example",
        "null",
        "https://desk.example:8443",
        "*",
    ] {
        for request in [
            first("/api/status", origin),
            Request::get("/api/status").header("origin", origin),
        ] {
            let answer = server.send(&request.token(READ));
            assert_eq!(answer.status, 403, "{origin}: {answer:?}");
            assert_eq!(answer.json()["error"]["code"], "OriginNotAllowed", "{origin}");
            assert!(!answer.head.contains("access-control"), "{origin}: {answer:?}");
        }
    }
    // What a page embeds does not say whose page it is.
    let image = Request::get("/api/status").header("sec-fetch-site", "cross-site");
    assert_eq!(
        server
            .send(&image.header("sec-fetch-mode", "no-cors").token(READ))
            .status,
        403
    );
    // Another name of the host is refused, whoever asks.
    let renamed = server.send(&first("/api/status", DESK).header("host", "evil.example"));
    assert_eq!(renamed.status, 403, "{renamed:?}");
    // The host's own page needs no permission.
    let own = server.send(&Request::get("/api/status").header("origin", &host).token(READ));
    assert_eq!(own.status, 200, "{own:?}");
    assert!(!own.head.contains("access-control"), "{own:?}");
}

#[test]
fn what_only_looks_like_a_browsers_question_is_refused_as_ever() {
    let server = server();
    let plain = Request::new("OPTIONS", "/api/status");
    assert_eq!(server.send(&plain).status, 401);
    let answer = server.send(&plain.header("origin", DESK).token(READ));
    assert_eq!(answer.status, 405, "{answer:?}");
    assert_eq!(
        words(&answer, "allow"),
        BTreeSet::from(["get".to_owned(), "head".to_owned()])
    );
    assert_eq!(server.send(&first("/nowhere", DESK)).status, 401);
}

#[test]
fn a_host_that_names_no_origin_knows_none() {
    let server = Server::guarded();
    let answer = server.send(&first("/api/status", DESK));
    assert_eq!(answer.status, 403, "{answer:?}");
    let answer = server.send(&Request::get("/api/status").token(READ));
    assert!(answer.header("vary").is_none(), "{answer:?}");
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
}
