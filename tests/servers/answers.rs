//! What is made of an answer.

use serde_json::json;

use crate::common::graph::{Event, Graph, START};
use crate::server::{Server, Still, http, start};

/// The first inference event of a node.
fn said(graph: &Graph, node: &str) -> Event {
    graph.wait(&format!("an inference of {node}"), START, |events| {
        let mut of_node = events.iter().filter(|event| event.node() == node);
        of_node.find(|event| event.name() == "Inference").cloned()
    })
}

#[test]
fn answers_become_events_as_the_protocol_says() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let server = Server::http(&[]);
    let named = ["entity", "nothing", "empty", "strange", "text"];
    let mut nodes = named
        .map(|name| http(name, &format!("{}/{name}", server.url)))
        .to_vec();
    let mut padded = http("padded", &format!("{}/entity", server.url));
    padded["image"]["scale"] = json!({"mode": "Pad", "width": "160", "height": "160"});
    nodes.push(padded);
    let graph = start(&nodes, &[], &still.camera, folder.path());

    let entity = said(&graph, "entity");
    let found = &entity.data("inferences")[0];
    assert_eq!(found["type"], "entity");
    assert_eq!(
        found["entity"]["tag"],
        json!({"value": "truck", "confidence": 0.875})
    );
    assert_eq!(
        found["entity"]["box"],
        json!({"l": 0.25, "t": 0.25, "w": 0.5, "h": 0.5})
    );
    assert!(entity.ticks() > 0);
    assert_eq!(entity.0["dataVersion"], "1.0");

    // 320x180 within 160x160 is 160x90, 35 rows from the top.
    let area = said(&graph, "padded").data("inferences")[0]["entity"]["box"].clone();
    let row = |row: f64| (row - 35.0) / 90.0;
    let near = |side: &str, wanted: f64| (area[side].as_f64().unwrap() - wanted).abs() < 1e-4;
    assert!(near("l", 0.25) && near("w", 0.5), "{area}");
    assert!(
        near("t", row(40.0)) && near("h", row(120.0) - row(40.0)),
        "{area}"
    );

    let strange = said(&graph, "strange");
    assert_eq!(
        strange.0["data"],
        json!({"predictions": [{"label": "truck", "score": 0.5}], "took": 3})
    );

    let text = said(&graph, "text").data("inferences")[0].clone();
    assert_eq!(text["type"], "other");
    assert!(
        text["other"]["contentType"]
            .as_str()
            .unwrap()
            .starts_with("text/plain"),
        "{text}"
    );
    assert_eq!(text["other"]["contentBytes"], "YSB0cnVjaw==");

    server.wait("nothing", 3);
    server.wait("empty", 3);
    let finished = graph.stop();
    for event in finished.named("Inference") {
        assert!(!["nothing", "empty"].contains(&event.node()), "{}", event.0);
    }
    for bad in ["NetworkError", "ProtocolError", "ExtensionDown"] {
        assert!(finished.named(bad).is_empty(), "{:?}", finished.named(bad));
    }
}
