//! Being let in, and TLS.

use std::path::Path;

use serde_json::{Value, json};

use crate::certificates::Authority;
use crate::common::graph::{Event, Graph, START};
use crate::server::{Server, Still, http, lva, start};

const PASSWORD: &str = "right one";

fn user(mut node: Value, password: &str) -> Value {
    node["endpoint"]["credentials"] = json!({
        "@type": lva("UsernamePasswordCredentials"), "username": "me", "password": password,
    });
    node
}

fn header(mut node: Value) -> Value {
    node["endpoint"]["credentials"] = json!({
        "@type": lva("HttpHeaderCredentials"), "headerName": "Authorization", "headerValue": "Bearer a-token-of-ours",
    });
    node
}

/// The first event of a node that tells how it went.
fn outcome(graph: &Graph, node: &str) -> Event {
    graph.wait(&format!("what becomes of {node}"), START, |events| {
        let ends = [
            "Inference",
            "NetworkError",
            "AuthenticationError",
            "ProtocolError",
        ];
        let mut of_node = events.iter().filter(|event| event.node() == node);
        of_node.find(|event| ends.contains(&event.name())).cloned()
    })
}

#[test]
fn servers_that_ask_for_a_password_or_a_header_let_us_in() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let server = Server::http(&[]);
    let at = |name: &str, path: &str| http(name, &format!("{}/{path}", server.url));
    let nodes = [
        user(at("basic", "basic"), PASSWORD),
        user(at("digest", "digest?stream=1"), PASSWORD),
        header(at("header", "header")),
        user(at("wrong", "digest"), "another one"),
        at("nobody", "basic"),
        user(at("downgraded", "first-hashed"), PASSWORD),
    ];
    let graph = start(&nodes, &[], &still.camera, folder.path());
    for name in ["basic", "digest", "header"] {
        let event = outcome(&graph, name);
        assert_eq!(event.name(), "Inference", "{}", event.0);
    }
    for name in ["wrong", "nobody"] {
        let event = outcome(&graph, name);
        assert_eq!(
            (event.name(), event.text("code")),
            ("AuthenticationError", "401"),
            "{}",
            event.0
        );
        assert!(
            event.text("message").contains("hint: check `credentials`"),
            "{}",
            event.0
        );
    }
    let downgraded = graph.wait("a refusal to send the password in the clear", START, |events| {
        let mut all = events.iter().filter(|event| event.node() == "downgraded");
        all.find(|event| event.name() == "AuthenticationError").cloned()
    });
    assert_eq!(downgraded.text("code"), "loginDowngraded");
    let finished = graph.stop();
    // Basic was never sent where Digest had been.
    let sent = server.requests("first-hashed");
    let logins = sent
        .iter()
        .filter_map(|one| one["headers"]["authorization"].as_str());
    assert!(logins.clone().count() > 0 && logins.clone().all(|login| login.starts_with("Digest ")));
    let all = format!("{:?}{}", finished.events, finished.ended.stderr);
    for secret in [PASSWORD, "a-token-of-ours"] {
        assert!(!all.contains(secret), "{secret} was told");
    }
}

fn secure(name: &str, url: &str, more: &Value) -> Value {
    let mut node = http(name, url);
    node["endpoint"]["@type"] = lva("TlsEndpoint").into();
    for (member, value) in more.as_object().unwrap() {
        node["endpoint"][member] = value.clone();
    }
    node
}

fn trusting(pem: &str) -> Value {
    json!({"trustedCertificates": {"@type": lva("PemCertificateList"), "certificates": [pem]}})
}

fn server_for(host: &str, authority: &Authority, folder: &Path) -> Server {
    let file = authority.vouch(&[host], false, &folder.join(format!("{host}.pem")));
    Server::http(&["--tls", file.to_str().unwrap()])
}

#[test]
fn tls_checks_what_the_topology_wants_checked() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let authority = Authority::new();
    let ours = server_for("127.0.0.1", &authority, folder.path());
    let misnamed = server_for("elsewhere.example", &authority, folder.path());
    let (good, other) = (format!("{}/entity", ours.url), format!("{}/entity", misnamed.url));
    let ours = trusting(&authority.pem());
    let with = |option: &str| {
        let mut more = ours.clone();
        more["validationOptions"] = json!({option: "true"});
        more
    };
    let nodes = [
        secure("trusted", &good, &ours),
        secure("stranger", &good, &trusting(&Authority::new().pem())),
        secure(
            "unchecked",
            &good,
            &json!({"validationOptions": {"ignoreSignature": "true"}}),
        ),
        secure("misnamed", &other, &ours),
        secure("any-name", &other, &with("ignoreHostname")),
    ];
    let graph = start(&nodes, &[], &still.camera, folder.path());
    for name in ["trusted", "unchecked", "any-name"] {
        let event = outcome(&graph, name);
        assert_eq!(event.name(), "Inference", "{name}: {}", event.0);
    }
    for (name, says) in [
        (
            "stranger",
            "nobody who is trusted vouches for the server's certificate",
        ),
        ("misnamed", "the server's certificate is for"),
    ] {
        let event = outcome(&graph, name);
        assert_eq!(
            (event.name(), event.text("code")),
            ("NetworkError", "tlsFailed"),
            "{}",
            event.0
        );
        assert!(event.text("message").contains(says), "{}", event.0);
    }
    graph.stop();
}
