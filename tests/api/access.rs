//! Every route is probed with every kind of wrong credentials and with everything that a browser on the same machine
//! could be made to send. What is expected comes from the table of routes; how a good request looks does not, so that a
//! new route fails here until somebody has thought about it.

use mediagraph::api::Role;
use mediagraph::api::methods::{METHODS, Method};
use mediagraph::api::table::{Content, Need, ROUTES, Route, Scope, Verb};

use super::server::{ADMIN, EXPIRED, OPERATE, READ, SITE_A, Server};
use super::wire::{Request, Response};

/// An instance that the limited token may see, and one that it may not.
const INSIDE: &str = "site-a-door";
const OUTSIDE: &str = "site-b-door";

/// Routes that need no token. Another one is a decision, to be made here too.
const OPEN_ROUTES: [&str; 4] = ["/livez", "/readyz", "/", "/console/{file}"];

/// What is sent and changes nothing, so that who may look may send it. Another one is a decision, to be made here too.
const LOOKING: [&str; 1] = ["/assets/{name}/links"];

/// A good request: the path with its parameters filled in, and a body.
fn sample(route: &Route, method: Option<&Method>, instance: &str) -> Request {
    let path = route
        .path
        .replace("{method}", method.map_or("", |method| method.name))
        .replace("{device}", "box")
        .replace("{module}", "mediagraph")
        .replace("{input}", "door")
        .replace("{manifest}", "manifest")
        .replace("/console/{file}", "/console/main.js")
        .replace("{file}", "20261120T120000.000000Z-host-1.video.m4s")
        .replace("{epoch}", "host-1")
        .replace("{source}", "camera")
        .replace("{hold}", "1")
        .replace("{instance}", instance)
        .replace("{name}", instance);
    let payload = format!(r#"{{"@apiVersion": "2.0", "name": "{instance}"}}"#);
    let (query, body) = match (route.verb, route.path) {
        (Verb::Get | Verb::Delete, _) => (String::new(), None),
        (_, "/api/methods/{method}" | "/api/GraphInstance") => (String::new(), Some(payload)),
        (_, "/twins/{device}/modules/{module}/methods") => {
            let name = method.map_or("", |method| method.name);
            let call = format!(r#"{{"methodName": "{name}", "payload": {payload}}}"#);
            ("?api-version=2021-04-12".to_owned(), Some(call))
        }
        (_, "/api/GraphTopology" | "/api/GraphTopology/{name}" | "/api/GraphInstance/{name}") => {
            (String::new(), Some(r#"{"properties": {}}"#.to_owned()))
        }
        (
            _,
            "/api/GraphInstance/{name}/activate" | "/api/GraphInstance/{name}/deactivate" | "/api/reload",
        ) => (String::new(), Some(String::new())),
        (_, "/assets/{name}/links") => (String::new(), Some(r#"{"lifetime": "PT1M"}"#.to_owned())),
        (_, "/api/hub/inputs/{input}") => (format!("?instance={instance}"), Some("{}".to_owned())),
        (_, "/api/extensions/{name}") => (String::new(), Some("no component".to_owned())),
        (_, "/assets/{name}/holds") => (String::new(), Some("{}".to_owned())),
        (_, "/api/log") => (String::new(), Some(r#"{"filter": "info"}"#.to_owned())),
        (verb, path) => panic!("{} {path}: say here how a good request looks", verb.name()),
    };
    let request = Request::new(route.verb.name(), &format!("{path}{query}"));
    match body {
        Some(body) if route.takes == Content::Component => request.body("application/wasm", &body),
        Some(body) => request.json(&body),
        None => request,
    }
}

/// Every route; those that call a method once with each method.
fn rows() -> Vec<(&'static Route, Option<&'static Method>)> {
    ROUTES
        .iter()
        .flat_map(|route| match route.need {
            Need::Method => METHODS.iter().map(|method| (route, Some(method))).collect(),
            _ => vec![(route, None)],
        })
        .collect()
}

/// What a token must allow, at least; none when there need not be one.
fn role(route: &Route, method: Option<&Method>) -> Option<Role> {
    match (route.need, method) {
        (Need::Nothing, _) => None,
        (Need::Role(role), _) => Some(role),
        (Need::Method, method) => Some(method.unwrap().role),
    }
}

/// Whether the request is about one instance, which the limited token may not see when it is outside.
fn one_instance(route: &Route, method: Option<&Method>) -> bool {
    match route.scope {
        Scope::Path(_) | Scope::Query(_) => true,
        // Which instance recorded something is looked up; where there is nothing, there is nothing to be refused.
        Scope::Host | Scope::Asset => false,
        Scope::Body => method.is_none_or(|method| method.one_instance),
    }
}

fn assert_unauthorized(response: &Response, what: &str) {
    assert_eq!(response.status, 401, "{what}: {response:?}");
    assert!(
        response
            .header("www-authenticate")
            .unwrap()
            .starts_with("Bearer "),
        "{what}"
    );
}

/// Says that it is forbidden, and nothing that depends on what is there.
fn assert_forbidden(response: &Response, what: &str) {
    assert_eq!(response.status, 403, "{what}: {response:?}");
    let expected = serde_json::json!({"error": {
        "code": "Forbidden", "message": "the token does not allow this", "details": []}});
    assert_eq!(response.json(), expected, "{what}");
}

fn assert_let_in(response: &Response, what: &str) {
    assert!(![401, 403].contains(&response.status), "{what}: {response:?}");
}

#[test]
fn only_these_routes_need_no_token() {
    let open: Vec<&str> = ROUTES
        .iter()
        .filter(|route| route.need == Need::Nothing)
        .map(|route| route.path)
        .collect();
    assert_eq!(open, OPEN_ROUTES);
    for route in ROUTES.iter().filter(|route| route.verb != Verb::Get) {
        let looks = LOOKING.contains(&route.path);
        assert_eq!(
            route.need == Need::Role(Role::Read),
            looks,
            "{route:?} changes something"
        );
    }
}

#[test]
fn every_route_asks_for_a_token_that_is_valid() {
    let server = Server::guarded();
    for (route, method) in rows() {
        let good = sample(route, method, INSIDE);
        let what = format!("{route:?} {:?}", method.map(|method| method.name));
        let needs_token = route.need != Need::Nothing;
        let wrong = [
            ("no token", good.clone()),
            ("a wrong token", good.clone().token("wrong")),
            ("an expired token", good.clone().token(EXPIRED)),
            ("a token that only begins right", good.clone().token(&ADMIN[1..])),
            (
                "another scheme",
                good.clone().header("authorization", &format!("Basic {ADMIN}")),
            ),
            ("no scheme", good.clone().header("authorization", ADMIN)),
            ("an empty token", good.clone().header("authorization", "Bearer ")),
        ];
        for (credentials, request) in wrong {
            let response = server.send(&request);
            if needs_token {
                assert_unauthorized(&response, &format!("{what} with {credentials}"));
            } else {
                assert_eq!(response.status, 200, "{what} with {credentials}");
            }
        }
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let value = format!("{scheme} {ADMIN}");
            assert_let_in(&server.send(&good.clone().header("authorization", &value)), &what);
        }
    }
}

#[test]
fn tokens_in_the_query_are_not_taken() {
    let server = Server::guarded();
    for (route, method) in rows() {
        let what = format!("{route:?}");
        for name in ["access_token", "token"] {
            let good = sample(route, method, INSIDE);
            let mark = if good.target.contains('?') { '&' } else { '?' };
            let target = format!("{}{mark}{name}={ADMIN}", good.target);
            let good = good.to(&target);
            let response = server.send(&good);
            if route.need == Need::Nothing {
                assert_eq!(response.status, 400, "{what}");
            } else {
                assert_unauthorized(&response, &what);
            }
            // Even beside a good one it is a mistake, and the answer does not repeat it.
            let response = server.send(&good.token(ADMIN));
            assert_eq!(response.status, 400, "{what}: {response:?}");
            assert!(!response.body.contains(ADMIN), "{what}: {response:?}");
        }
    }
}

#[test]
fn every_route_asks_for_its_role() {
    let server = Server::guarded();
    for (route, method) in rows() {
        let what = format!("{route:?} {:?}", method.map(|method| method.name));
        let needed = role(route, method);
        for (token, has) in [(READ, Role::Read), (OPERATE, Role::Operate), (ADMIN, Role::Admin)] {
            let response = server.send(&sample(route, method, INSIDE).token(token));
            if needed.is_some_and(|needed| needed > has) {
                assert_forbidden(&response, &what);
            } else {
                assert_let_in(&response, &what);
            }
        }
    }
}

#[test]
fn a_token_for_some_instances_reaches_no_other_and_not_the_host() {
    let server = Server::guarded();
    for (route, method) in rows() {
        let what = format!("{route:?} {:?}", method.map(|method| method.name));
        let inside = server.send(&sample(route, method, INSIDE).token(SITE_A));
        let outside = server.send(&sample(route, method, OUTSIDE).token(SITE_A));
        if one_instance(route, method) {
            assert_let_in(&inside, &what);
            assert_forbidden(&outside, &what);
        } else if route.scope == Scope::Asset {
            assert_eq!((inside.status, outside.status), (404, 404), "{what}");
        } else if role(route, method).is_some_and(|role| role > Role::Read) {
            assert_forbidden(&inside, &what);
            assert_forbidden(&outside, &what);
        } else {
            assert_let_in(&inside, &what);
            assert_let_in(&outside, &what);
        }
    }
}

#[test]
fn names_that_lead_elsewhere_lead_nowhere() {
    let server = Server::guarded();
    for (route, method) in rows() {
        for name in [
            "..%2f..%2fetc%2fpasswd",
            "site-a-%2f..%2fsite-b",
            "%ff%fe",
            "a%00b",
        ] {
            // The cloud service's device and module may have any name: they lead nowhere by themselves.
            if route.path.contains('{') && !route.path.contains("{device}") {
                let request = sample(route, method, INSIDE).to(&filled(route, name));
                let response = server.send(&request.token(ADMIN));
                let nothing = response.status == 204 && route.verb == Verb::Delete;
                let refused = (400..500).contains(&response.status);
                assert!(nothing || refused, "{route:?} {name}: {response:?}");
            }
            let below = format!("{}/{name}", sample_path(route, method));
            let response = server.send(&Request::get(&below).token(ADMIN));
            assert!((400..500).contains(&response.status), "{below}: {response:?}");
        }
    }
}

/// The path with one value for all its parameters.
fn filled(route: &Route, value: &str) -> String {
    let parts = route.path.split('/');
    let parts: Vec<&str> = parts
        .map(|part| if part.starts_with('{') { value } else { part })
        .collect();
    parts.join("/")
}

fn sample_path(route: &Route, method: Option<&Method>) -> String {
    let target = sample(route, method, INSIDE).target;
    target.split('?').next().unwrap().to_owned()
}

#[test]
fn other_verbs_do_nothing_and_no_answer_invites_other_sites() {
    let server = Server::guarded();
    for (route, method) in rows() {
        let path = sample_path(route, method);
        let verbs: Vec<&str> = ROUTES
            .iter()
            .filter(|other| other.path == route.path)
            .map(|other| other.verb.name())
            .collect();
        for verb in [
            "OPTIONS", "PATCH", "TRACE", "HEAD", "GET", "PUT", "POST", "DELETE", "QUERY",
        ] {
            if verbs.contains(&verb) || (verb == "HEAD" && verbs.contains(&"GET")) {
                continue;
            }
            let what = format!("{verb} {path}");
            let request = Request::new(verb, &path).header("access-control-request-method", "POST");
            let response = server.send(&request);
            assert_eq!(response.status, 401, "{what}: {response:?}");
            let response = server.send(&request.token(ADMIN));
            assert_eq!(response.status, 405, "{what}: {response:?}");
            let allowed = response.header("allow").unwrap();
            assert!(
                verbs.iter().all(|verb| allowed.contains(verb)),
                "{what}: {allowed}"
            );
            assert!(!response.head.contains("access-control"), "{what}: {response:?}");
        }
        if route.verb == Verb::Get {
            let head = Request::new("HEAD", &path);
            if route.need != Need::Nothing {
                assert_unauthorized(&server.send(&head), &path);
            }
            let (head, get) = (
                server.send(&head.token(ADMIN)),
                server.send(&Request::get(&path).token(ADMIN)),
            );
            assert_eq!(head.status, get.status, "{path}");
            assert_eq!(head.body, "", "{path}");
        }
    }
}

#[test]
fn requests_for_other_hosts_and_of_other_sites_are_refused() {
    // Without tokens: this is what stands between a web page and a host on loopback.
    let server = Server::open();
    for (route, method) in rows() {
        let what = format!("{route:?}");
        let good = sample(route, method, INSIDE);
        let refused = |request: Request, status: u16, code: &str| {
            let response = server.send(&request);
            assert_eq!(response.status, status, "{what}: {response:?}");
            if !code.is_empty() && !response.body.is_empty() {
                assert_eq!(response.json()["error"]["code"], code, "{what}");
            }
            assert!(!response.head.contains("access-control"), "{what}: {response:?}");
        };
        for host in ["evil.example", "localhost.evil.example:80", "0.0.0.0:8090"] {
            refused(good.clone().header("host", host), 403, "HostNotAllowed");
        }
        refused(good.clone().header("host", ""), 400, "BadRequest");
        for origin in ["http://evil.example", "null", "http://localhost:1"] {
            refused(good.clone().header("origin", origin), 403, "OriginNotAllowed");
        }
        let image = good.clone().header("sec-fetch-site", "cross-site");
        refused(image.header("sec-fetch-mode", "no-cors"), 403, "OriginNotAllowed");

        let own = format!("http://{}", server.address);
        for request in [
            good.clone(),
            good.clone()
                .header("origin", &own)
                .header("sec-fetch-site", "same-origin"),
            good.clone().header("host", "localhost:8090"),
            good.clone().header("host", "box.example"),
        ] {
            assert_let_in(&server.send(&request), &what);
        }
    }
}

#[test]
fn bodies_that_a_form_could_send_are_refused() {
    let server = Server::open();
    for (route, method) in rows() {
        let what = format!("{route:?}");
        let good = sample(route, method, INSIDE);
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/json",
            "application/jsonp",
        ] {
            let response = server.send(&good.clone().body(kind, "{}"));
            assert_eq!(response.status, 415, "{what} {kind}: {response:?}");
        }
        if route.verb.writes() {
            let response = server.send(&good.clone().header("content-type", ""));
            assert_eq!(response.status, 415, "{what} without a type: {response:?}");
        }
        let kinds = match route.takes {
            Content::Component => ["application/wasm; x=y", "Application/Wasm"],
            _ => ["application/json; charset=utf-8", "Application/JSON"],
        };
        for kind in kinds {
            let response = server.send(&good.clone().header("content-type", kind));
            assert_ne!(response.status, 415, "{what} {kind}: {response:?}");
        }
    }
}

#[test]
fn heads_without_end_are_refused() {
    let server = Server::guarded();
    for (route, method) in rows() {
        let request = sample(route, method, INSIDE).token(ADMIN);
        let response = server.send(&request.header("x-long", &"x".repeat(1 << 20)));
        assert_eq!(response.status, 431, "{route:?}: {response:?}");
    }
    let mut many = Request::get("/livez");
    for number in 0..200 {
        many = many.header(&format!("x-{number}"), "x");
    }
    assert_eq!(server.send(&many).status, 431);
    let long = Request::get(&format!("/livez?{}", "x".repeat(100_000)));
    let status = server.send(&long).status;
    assert!([414, 431].contains(&status), "{status}");
}

#[test]
fn what_is_not_there_is_said_to_those_alone_who_may_ask() {
    let server = Server::guarded();
    for path in [
        "/console",
        "/api",
        "/api/",
        "/api/GraphTopology/",
        "/api/nothing",
        "//livez",
        "/livez/../metrics",
    ] {
        assert_eq!(server.send(&Request::get(path)).status, 401, "{path}");
        assert_eq!(server.send(&Request::get(path).token(READ)).status, 404, "{path}");
        let foreign = Request::get(path).token(READ).header("host", "evil.example");
        assert_eq!(server.send(&foreign).status, 403, "{path}");
    }
}

#[test]
fn a_token_that_is_taken_away_ends_at_once() {
    let server = Server::guarded();
    let request = Request::get("/api/GraphTopology").token(READ);
    assert_eq!(server.send(&request).status, 200);
    server.auth.replace(Vec::new(), true);
    assert_eq!(server.send(&request).status, 401);
}

#[test]
fn credentials_that_come_twice_are_refused() {
    let server = Server::guarded();
    let text = format!(
        "GET /api/GraphTopology HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {READ}\r\nauthorization: Bearer {READ}\r\n\r\n",
        server.address
    );
    let response = super::connections::exchange(server.address, text.as_bytes());
    assert_unauthorized(&response, "twice");
}
