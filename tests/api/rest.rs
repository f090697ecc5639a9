//! The REST form of the methods.

use serde_json::{Value, json};

use super::methods::{instance, topology};
use super::server::Server;
use super::wire::{Request, Response};

fn put(server: &Server, target: &str, body: &Value) -> Response {
    server.send(&Request::new("PUT", target).json(&body.to_string()))
}

fn without(mut value: Value, names: &[&str]) -> Value {
    for name in names {
        value.as_object_mut().unwrap().remove(*name);
    }
    value
}

#[test]
fn a_graph_lives_by_puts_and_posts_too() {
    let server = Server::open();
    let send = |verb: &str, target: &str| {
        let request = Request::new(verb, target);
        server.send(&if verb == "POST" { request.json("") } else { request })
    };
    // Name and version stand in the path and go without saying.
    let bare = without(topology("Record"), &["name", "@apiVersion"]);
    assert_eq!(put(&server, "/api/GraphTopology/Record", &bare).status, 201);
    assert_eq!(
        put(&server, "/api/GraphTopology", &topology("Record")).status,
        200
    );
    let bare = without(instance("front", "Record"), &["name", "@apiVersion"]);
    let response = put(&server, "/api/GraphInstance/front?api-version=1.0", &bare);
    assert_eq!(
        (response.status, &response.json()["name"]),
        (201, &json!("front")),
        "{response:?}"
    );
    assert_eq!(
        send("GET", "/api/GraphInstance").json()["value"][0]["name"],
        "front"
    );
    assert_eq!(send("GET", "/api/GraphTopology/Record").json()["name"], "Record");

    let activated = send("POST", "/api/GraphInstance/front/activate");
    assert_eq!((activated.status, activated.body.as_str()), (200, ""));
    let status = send("GET", "/api/GraphInstance/front/status").json();
    assert_eq!(status["state"], "Active");
    assert_eq!(status["nodes"].as_array().unwrap().len(), 2, "{status}");
    let all = send("GET", "/api/status").json();
    assert_eq!(all["value"][0]["name"], "front");
    assert!(all["value"][0].get("nodes").is_none(), "{all}");
    assert!(send("GET", "/api/status?details=true").json()["value"][0]["nodes"].is_array());
    assert_eq!(send("GET", "/healthz/front").status, 200);
    let conflict = send("DELETE", "/api/GraphInstance/front");
    assert_eq!(
        (conflict.status, &conflict.json()["error"]["code"]),
        (409, &json!("Conflict"))
    );
    assert_eq!(send("POST", "/api/GraphInstance/front/deactivate").status, 200);
    assert_eq!(send("DELETE", "/api/GraphInstance/front").status, 200);
    assert_eq!(send("DELETE", "/api/GraphInstance/front").status, 204);
    assert_eq!(send("GET", "/api/GraphInstance/front").status, 404);
    assert_eq!(send("POST", "/api/GraphInstance/front/activate").status, 404);
    assert_eq!(send("DELETE", "/api/GraphTopology/Record").status, 200);
}

#[test]
fn what_path_query_and_body_say_must_agree() {
    let server = Server::open();
    let other = put(&server, "/api/GraphTopology/Other", &topology("Record"));
    assert_eq!(other.status, 400, "{other:?}");
    let versions = put(
        &server,
        "/api/GraphTopology/Record?api-version=1.0",
        &topology("Record"),
    );
    assert_eq!(
        (versions.status, versions.detail().as_str()),
        (400, "InvalidVersion")
    );
    for target in [
        "/api/GraphTopology?api-version=3.0",
        "/api/GraphTopology/x?api-version=3.0",
    ] {
        let response = server.send(&Request::get(target));
        assert_eq!(
            (response.status, response.detail().as_str()),
            (400, "ApiVersionNotSupported")
        );
    }
    let old = without(topology("Record"), &["@apiVersion"]);
    let old = put(&server, "/api/GraphTopology/Record?api-version=1.0", &old);
    assert_eq!(old.status, 201, "{old:?}");
}

#[test]
fn mistakes_have_their_line_although_members_were_added() {
    let server = Server::open();
    let body = "{\n \"properties\": {\n  \"sorces\": []\n }\n}";
    let response = server.send(&Request::new("PUT", "/api/GraphTopology/x").json(body));
    assert_eq!(response.status, 400);
    let details = response.json()["error"]["details"].as_array().unwrap().clone();
    assert!(details.iter().any(|detail| detail["line"] == 3), "{details:?}");
}

#[test]
fn lists_come_in_pages_and_in_order() {
    let server = Server::open();
    for number in 0..205 {
        let name = format!("t{number:03}");
        assert_eq!(
            put(&server, &format!("/api/GraphTopology/{name}"), &topology(&name)).status,
            201
        );
    }
    for (query, token) in [("query", "continuationToken"), ("@query", "@continuationToken")] {
        let (mut names, mut next) = (Vec::new(), String::new());
        loop {
            let target = format!("/api/GraphTopology?{query}=$orderby=name%20desc&{token}={next}");
            let page = server.send(&Request::get(&target)).json();
            for one in page["value"].as_array().unwrap() {
                names.push(one["name"].as_str().unwrap().to_owned());
            }
            match page["@continuationToken"].as_str() {
                Some(token) => token.clone_into(&mut next),
                None => break,
            }
        }
        assert_eq!(names.len(), 205);
        assert!(names.is_sorted_by(|a, b| a > b));
    }
    let wrong = server.send(&Request::get("/api/GraphTopology?query=$top=3"));
    assert_eq!((wrong.status, wrong.detail().as_str()), (400, "QueryInvalid"));
}

#[test]
fn a_change_is_made_although_who_asked_for_it_has_gone() {
    use std::io::Write;
    let server = Server::open();
    put(&server, "/api/GraphTopology/Record", &topology("Record"));
    put(&server, "/api/GraphInstance/front", &instance("front", "Record"));
    let activate = Request::new("POST", "/api/GraphInstance/front/activate").json("");
    let mut stream = super::wire::connect(server.address);
    stream.write_all(&activate.bytes(server.address)).unwrap();
    let is = |wanted: &[&str]| {
        let status = server
            .send(&Request::get("/api/GraphInstance/front/status"))
            .json();
        assert!(status.get("lastError").is_none(), "{status}");
        wanted.contains(&status["state"].as_str().unwrap()).then_some(())
    };
    // A request that is given up before the host has looked at it is none.
    super::until("the host to begin", || is(&["Activating", "Active"]));
    drop(stream);
    super::until("the instance to be active", || is(&["Active"]));
}
