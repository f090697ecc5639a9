//! What a bad server does: an event each, and the recording beside goes on.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::common::graph::{Event, Graph, START, assets};
use crate::common::{judge, topology};
use crate::server::{Server, Still, http, start};

fn event(graph: &Graph, node: &str, name: &str) -> Event {
    graph.wait(&format!("{name} of {node}"), START, |events| {
        let mut of_node = events.iter().filter(|event| event.node() == node);
        of_node.find(|event| event.name() == name).cloned()
    })
}

#[test]
fn every_failure_is_an_event_and_recording_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let server = Server::http(&[]);
    // Name, event, code, and a word of its message.
    let failing = [
        ("hang", "NetworkError", "timedOut", "within 10 s"),
        ("cut", "ProtocolError", "answerUnusable", "before its end"),
        ("huge", "ProtocolError", "answerTooLarge", "1048576 bytes"),
        ("huge-told", "ProtocolError", "answerTooLarge", "1048576 bytes"),
        (
            "broken",
            "ProtocolError",
            "answerUnusable",
            "it says that it is JSON",
        ),
        ("refused", "ProtocolError", "400", "does not take this image"),
        ("error", "ProtocolError", "500", "log of the server"),
        ("elsewhere", "ProtocolError", "302", "redirects are not followed"),
        ("busy-forever", "ProtocolError", "503", "asked again in 2 s"),
    ];
    let nodes: Vec<Value> = failing
        .iter()
        .map(|(name, ..)| http(name, &format!("{}/{name}?key=hunter22", server.url)))
        .collect();
    let graph = start(
        &nodes,
        &[topology::asset_sink("camera")],
        &still.camera,
        folder.path(),
    );
    for (name, kind, code, word) in failing {
        let told = event(&graph, name, kind);
        assert_eq!(told.text("code"), code, "{}", told.0);
        assert_eq!(told.text("protocol"), "http");
        assert!(told.text("message").contains(word), "{word}: {}", told.0);
        assert!(
            told.text("target").ends_with(&format!("/{name}?key=***")),
            "{}",
            told.0
        );
    }
    for name in ["hang", "busy-forever"] {
        assert_eq!(event(&graph, name, "ExtensionDown").text("state"), "waiting");
    }
    graph.recorded(20_000);
    let finished = graph.stop();
    assert!(finished.named("Inference").is_empty());
    // A failure of a frame is told once, though frames go on failing.
    let told = finished
        .named("ProtocolError")
        .into_iter()
        .filter(|event| event.node() == "error");
    assert_eq!(told.count(), 1);
    assert!(
        server.requests("error").len() > 3,
        "a frame that fails does not stop the next"
    );
    let all = format!("{:?}{}", finished.events, finished.ended.stderr);
    assert!(!all.contains("hunter22"), "the query was told");
    let recording = judge::judged(&assets(&folder.path().join("state"))[0]);
    assert_eq!(recording.gaps(), 0);
}

#[test]
fn a_busy_server_is_left_alone_for_as_long_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let server = Server::http(&[]);
    let node = http("busy", &format!("{}/busy", server.url));
    let graph = start(&[node], &[], &still.camera, folder.path());
    let back = event(&graph, "busy", "ExtensionBack");
    let requests = server.wait("busy", 2);
    let at = |index: usize| requests[index]["at"].as_f64().unwrap();
    assert_eq!(
        (requests[0]["status"].as_u64(), requests[1]["status"].as_u64()),
        (Some(503), Some(200))
    );
    assert!(at(1) - at(0) >= 2.9, "asked again after {} s", at(1) - at(0));
    assert!(back.data("seconds").as_f64().unwrap() >= 2.9, "{}", back.0);
    event(&graph, "busy", "Inference");
    let down = event(&graph, "busy", "ExtensionDown");
    assert!(down.text("message").contains("asked again in 3 s"), "{}", down.0);
    graph.stop();
}

#[test]
fn a_server_that_comes_later_or_goes_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let node = http("look", &format!("http://127.0.0.1:{port}/entity"));
    let graph = start(&[node], &[], &still.camera, folder.path());
    let down = event(&graph, "look", "NetworkError");
    assert_eq!(down.text("code"), "connectionLost");
    assert!(
        down.text("message").contains("hint: see whether the server runs"),
        "{}",
        down.0
    );
    let server = Server::http(&["--port", &port]);
    event(&graph, "look", "ExtensionBack");
    event(&graph, "look", "Inference");
    drop(server);
    graph.nth("ExtensionDown", 2, START);
    let _again = Server::http(&["--port", &port]);
    graph.nth("ExtensionBack", 2, START);
    graph.stop();
}

#[test]
fn a_graph_whose_server_hangs_stops_soon() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let server = Server::http(&[]);
    let graph = start(
        &[http("hang", &format!("{}/hang", server.url))],
        &[],
        &still.camera,
        folder.path(),
    );
    server.wait("hang", 1);
    let began = std::time::Instant::now();
    graph.stop();
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn what_no_request_can_have_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = http("look", "tcp://127.0.0.1:9/score");
    let refused = |node: &Value, says: &str| {
        let document = topology::document("2.0", std::slice::from_ref(node), &[crate::server::sink("look")]);
        let path = topology::write(&document, folder.path());
        let never = [("rtspUrl", "rtsp://127.0.0.1:9/never")];
        let state = folder.path().join("state");
        let mut command: Command = crate::common::graph::command(path.to_str().unwrap(), &never, &state);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{text}");
        assert!(
            text.contains("node `look`") && text.contains(says) && text.contains("hint"),
            "{says}:\n{text}"
        );
    };
    refused(&node, "the server's URL begins with `tcp://`");
    node["endpoint"]["@type"] = crate::server::lva("TlsEndpoint").into();
    node["endpoint"]["url"] = "http://127.0.0.1:9/score".into();
    refused(&node, "has a URL without TLS");
}
