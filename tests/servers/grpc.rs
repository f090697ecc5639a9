//! The gRPC protocol: what a session begins with, images within messages and in shared memory, acknowledgements, and what
//! becomes of bad servers.

use std::path::Path;

use serde_json::{Value, json};

use crate::certificates::Authority;
use crate::common::graph::{Event, Graph, START, assets};
use crate::common::process::until;
use crate::common::{judge, topology};
use crate::server::{Server, Still, lva, start};

const PIXELS: [&str; 11] = [
    "Yuv420p", "Rgb565be", "Rgb565le", "Rgb555be", "Rgb555le", "Rgb24", "Bgr24", "Argb", "Rgba", "Abgr",
    "Bgra",
];

/// Steps of 255 that a channel may be off on average; of 16 bits five belong to a colour.
fn near(name: &str) -> f64 {
    if name.starts_with("Rgb5") { 8.0 } else { 4.0 }
}

fn grpc(name: &str, server: &Server) -> Value {
    json!({
        "@type": lva("GrpcExtension"),
        "name": name,
        "endpoint": {"@type": lva("UnsecuredEndpoint"), "url": server.url},
        "extensionConfiguration": name,
        "dataTransfer": {"mode": "Embedded"},
        "image": {
            "scale": {"mode": "Stretch", "width": "160", "height": "90"},
            "format": {"@type": lva("ImageFormatJpeg"), "quality": "90"},
        },
        "inputs": [{"nodeName": "camera"}],
    })
}

fn shared(mut node: Value, mib: u32) -> Value {
    node["dataTransfer"] = json!({"mode": "SharedMemory", "sharedMemorySizeMiB": mib.to_string()});
    node
}

fn slowly(mut node: Value) -> Value {
    node["samplingOptions"] = json!({"maximumSamplesPerSecond": "1"});
    node
}

fn event(graph: &Graph, node: &str, name: &str) -> Event {
    graph.wait(&format!("{name} of {node}"), START, |events| {
        let mut of_node = events.iter().filter(|event| event.node() == node);
        of_node.find(|event| event.name() == name).cloned()
    })
}

/// The samples of a node that a server told of so far.
fn samples(server: &Server, node: &str) -> Vec<Value> {
    let all = server.requests("sample").into_iter();
    all.filter(|one| one["node"] == node).collect()
}

fn wait_samples(server: &Server, node: &str, count: usize) -> Vec<Value> {
    until(&format!("{count} samples of {node}"), START, || {
        let found = samples(server, node);
        (found.len() >= count).then_some(found)
    })
}

fn session(server: &Server, node: &str) -> Value {
    until(&format!("a session of {node}"), START, || {
        let all = server.requests("session");
        all.into_iter().find(|one| configured(one, node))
    })
}

/// Whether a session was begun with this configuration.
fn configured(session: &Value, name: &str) -> bool {
    let given = session["configuration"].as_str().unwrap();
    given.split(' ').next() == Some(name)
}

#[test]
fn the_image_of_each_format_is_what_the_camera_showed_embedded_and_shared() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let server = Server::start("grpc_server.py", &["--truth", still.truth.to_str().unwrap()]);
    let mut nodes = Vec::new();
    let mut add = |name: &str, format: Value, scale: Option<&str>, share: bool| {
        let mut node = slowly(grpc(name, &server));
        node["image"]["format"] = format;
        if let Some(mode) = scale {
            node["image"]["scale"] = json!({"mode": mode, "width": "160", "height": "160"});
            node["extensionConfiguration"] = format!("{name} {}", mode.to_lowercase()).into();
        }
        nodes.push(if share { shared(node, 1) } else { node });
    };
    for (index, pixels) in PIXELS.iter().enumerate() {
        let format = json!({"@type": lva("ImageFormatRaw"), "pixelFormat": pixels});
        add(pixels, format, None, index % 2 == 0);
    }
    let jpeg = json!({"@type": lva("ImageFormatJpeg"), "quality": "90"});
    add("Jpg", jpeg.clone(), None, true);
    add("Png", json!({"@type": lva("ImageFormatPng")}), None, true);
    add("Bmp", json!({"@type": lva("ImageFormatBmp")}), None, false);
    add("padded", jpeg.clone(), Some("Pad"), false);
    add("fitted", jpeg, Some("PreserveAspectRatio"), true);
    let graph = start(&nodes, &[], &still.camera, folder.path());
    for node in &nodes {
        let name = node["name"].as_str().unwrap();
        let came = wait_samples(&server, name, 1)[0].clone();
        let distance = came["distance"].as_f64();
        assert!(
            distance.is_some_and(|distance| distance < near(name)),
            "{name}: {came:#}"
        );
        let is_shared = node["dataTransfer"]["mode"] == "SharedMemory";
        assert_eq!(
            came["content"],
            if is_shared {
                "content_reference"
            } else {
                "content_bytes"
            },
            "{name}"
        );
        let begun = session(&server, name);
        assert_eq!(begun["sequence"], 1);
        assert_eq!(begun["timescale"], 90_000);
        assert_eq!(begun["length"], if is_shared { 1 << 20 } else { 0 });
        assert_eq!(came["sequence"], 2, "{came:#}");
        assert!(
            came["timestamp"].as_u64().unwrap() > 150_000_000_000_000,
            "{came:#}"
        );
    }
    let stride = |node: &str| session(&server, node)["stride"].as_u64().unwrap();
    assert_eq!(
        [
            stride("Bgr24"),
            stride("Rgba"),
            stride("Rgb565le"),
            stride("Yuv420p"),
            stride("Jpg")
        ],
        [480, 640, 320, 160, 0]
    );
    let fitted = session(&server, "fitted");
    assert_eq!(
        (&fitted["size"], &fitted["encoding"], &fitted["pixels"]),
        (&json!([160, 90]), &json!("JPG"), &json!("NONE"))
    );
    let handles: Vec<String> = server
        .requests("session")
        .iter()
        .map(|one| one["handle"].as_str().unwrap().to_owned())
        .collect();
    graph.stop();
    for handle in handles.iter().filter(|handle| !handle.is_empty()) {
        assert!(!Path::new("/dev/shm").join(handle).exists(), "{handle} is left");
    }
}

#[test]
fn answers_are_told_of_the_frames_that_they_are_about() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let server = Server::start("grpc_server.py", &[]);
    let names = [
        "entity",
        "nothing",
        "batch",
        "backwards",
        "unnumbered",
        "timed",
        "never",
    ];
    let mut nodes: Vec<Value> = names.iter().map(|name| grpc(name, &server)).collect();
    nodes[2] = shared(nodes[2].clone(), 1);
    nodes[3] = shared(nodes[3].clone(), 1);
    let graph = start(&nodes, &[], &still.camera, folder.path());
    for name in ["entity", "batch", "backwards", "unnumbered", "timed"] {
        let said = event(&graph, name, "Inference");
        let found = &said.data("inferences")[0];
        assert_eq!(found["type"], "entity", "AUTO is what the body says");
        assert_eq!(
            found["entity"]["box"],
            json!({"l": 0.25, "t": 0.25, "w": 0.5, "h": 0.5})
        );
        wait_samples(&server, name, 9);
    }
    wait_samples(&server, "nothing", 5);
    // It never answers, and is sent frames still: of images within messages no answer is owed.
    wait_samples(&server, "never", 40);
    let finished = graph.stop();
    let told = |node: &str| -> Vec<u64> {
        let of_node = finished
            .named("Inference")
            .into_iter()
            .filter(|event| event.node() == node);
        of_node.map(Event::ticks).collect()
    };
    let sent = |node: &str| -> Vec<u64> {
        samples(&server, node)
            .iter()
            .map(|one| one["timestamp"].as_u64().unwrap())
            .collect()
    };
    for name in ["entity", "unnumbered", "timed", "backwards"] {
        let (told, sent) = (told(name), sent(name));
        assert!(told.is_sorted() && told.len() >= 3, "{name}: {told:?}");
        assert_eq!(told, sent[..told.len()], "{name}");
    }
    let (batched, sent) = (told("batch"), sent("batch"));
    let thirds: Vec<u64> = sent.iter().skip(2).step_by(3).copied().collect();
    assert!(
        !batched.is_empty() && batched == thirds[..batched.len()],
        "{batched:?} of {sent:?}"
    );
    assert!(told("nothing").is_empty() && told("never").is_empty());
}

#[test]
fn a_server_is_told_what_was_said_of_a_frame_and_several_are_chained() {
    let folder = tempfile::tempdir().unwrap();
    let camera = crate::common::camera::Camera::ours(&crate::common::clip::yard(), &[]);
    let server = Server::start("grpc_server.py", &[]);
    let motion = json!({"@type": lva("MotionDetectionProcessor"), "name": "motion", "sensitivity": "medium",
        "inputs": [{"nodeName": "camera"}]});
    let behind = |name: &str, parent: &str| {
        let mut node = grpc(name, &server);
        node["inputs"] = json!([{"nodeName": parent}]);
        node["samplingOptions"] = json!({"skipSamplesWithoutAnnotation": "true"});
        node
    };
    let mut vision = behind("nothing", "entity");
    vision["@type"] = lva("CognitiveServicesVisionExtension").into();
    for member in ["dataTransfer", "extensionConfiguration"] {
        vision.as_object_mut().unwrap().remove(member);
    }
    let nodes = [motion, behind("entity", "motion"), vision];
    let graph = start(&nodes, &[], &camera, folder.path());
    let first = wait_samples(&server, "entity", 3);
    for sample in first {
        assert!(
            sample["inferences"]
                .as_array()
                .unwrap()
                .iter()
                .all(|one| one == "motion"),
            "{sample:#}"
        );
        assert!(
            sample["types"].as_array().unwrap().iter().all(|one| one == 2),
            "{sample:#}"
        );
    }
    // The container of spatial analysis has no configuration of its own here.
    let second = wait_samples(&server, "", 3);
    for sample in second {
        let kinds = sample["inferences"].as_array().unwrap();
        assert!(
            kinds.iter().any(|one| one == "entity") && kinds.iter().any(|one| one == "motion"),
            "{sample:#}"
        );
    }
    assert_eq!(session(&server, "entity")["instance"], "run");
    graph.stop();
}

#[test]
fn shared_memory_that_is_not_acknowledged_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let server = Server::start("grpc_server.py", &[]);
    // 1920x1080 in BGR is 6 MB; 13 MiB have room for two.
    let mut node = shared(grpc("slow", &server), 13);
    node["image"] = json!({"scale": {"mode": "Stretch", "width": "1920", "height": "1080"},
        "format": {"@type": lva("ImageFormatRaw"), "pixelFormat": "Bgr24"}});
    let mut tight = shared(grpc("nothing", &server), 1);
    tight["image"] = node["image"].clone();
    let graph = start(&[node, tight], &[], &still.camera, folder.path());
    let dropped = event(&graph, "slow", "DataDropped");
    assert_eq!(dropped.text("dataType"), "frames");
    assert!(
        dropped.text("message").contains("shared memory is full"),
        "{}",
        dropped.0
    );
    let came = wait_samples(&server, "slow", 4);
    let offsets: Vec<u64> = came.iter().map(|one| one["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets[..2], [0, 6_220_800], "{offsets:?}");
    assert!(
        offsets.iter().all(|offset| [0, 6_220_800].contains(offset)),
        "{offsets:?}"
    );
    let refused = event(&graph, "nothing", "ProtocolError");
    assert_eq!(refused.text("code"), "sharedMemory");
    assert!(
        refused.text("message").contains("has no room in 1048576 bytes"),
        "{}",
        refused.0
    );
    graph.stop();
}

#[test]
fn every_failure_is_an_event_and_recording_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let server = Server::start("grpc_server.py", &[]);
    let failing = [
        ("hang", "NetworkError", "timedOut", "within 10 s"),
        ("bodiless", "ProtocolError", "answerUnusable", "it has no body"),
        ("large", "ProtocolError", "answerTooLarge", "1048576 bytes"),
        ("impolite", "ProtocolError", "answerUnusable", "is no descriptor"),
        ("invalid", "ProtocolError", "3", "an inference has no body"),
        ("ends", "NetworkError", "connectionLost", "ended the session"),
    ];
    let mut nodes: Vec<Value> = failing.iter().map(|(name, ..)| grpc(name, &server)).collect();
    nodes[0] = shared(nodes[0].clone(), 1);
    let graph = start(
        &nodes,
        &[topology::asset_sink("camera")],
        &still.camera,
        folder.path(),
    );
    for (name, kind, code, word) in failing {
        let told = event(&graph, name, kind);
        assert_eq!(
            (told.text("code"), told.text("protocol")),
            (code, "grpc"),
            "{}",
            told.0
        );
        assert!(told.text("message").contains(word), "{word}: {}", told.0);
    }
    // A session that ended is begun anew.
    event(&graph, "ends", "ExtensionDown");
    event(&graph, "ends", "ExtensionBack");
    until("a second session", START, || {
        let all = server.requests("session").into_iter();
        (all.filter(|one| configured(one, "ends")).count() >= 2).then_some(())
    });
    // A wrong answer is about one frame.
    assert!(
        server
            .requests("session")
            .iter()
            .filter(|one| configured(one, "bodiless"))
            .count()
            == 1
    );
    graph.recorded(20_000);
    let finished = graph.stop();
    assert!(
        finished
            .named("DataDropped")
            .iter()
            .all(|event| event.text("dataType") != "media")
    );
    let recording = judge::judged(&assets(&folder.path().join("state"))[0]);
    assert_eq!(recording.gaps(), 0);
}

#[test]
fn a_server_that_comes_later_or_goes_is_connected_to_again() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let first = Server::start("grpc_server.py", &[]);
    let port = first.port().to_owned();
    let mut node = grpc("entity", &first);
    node["endpoint"]["credentials"] =
        json!({"@type": lva("UsernamePasswordCredentials"), "username": "me", "password": "right one"});
    drop(first);
    let graph = start(&[node], &[], &still.camera, folder.path());
    let down = event(&graph, "entity", "NetworkError");
    assert_eq!(
        (down.text("code"), down.text("protocol")),
        ("connectionLost", "grpc"),
        "{}",
        down.0
    );
    let second = Server::start("grpc_server.py", &["--port", &port, "--login", "me:right one"]);
    event(&graph, "entity", "ExtensionBack");
    event(&graph, "entity", "Inference");
    assert!(second.requests("stranger").is_empty());
    drop(second);
    graph.nth("ExtensionDown", 2, START);
    let third = Server::start("grpc_server.py", &["--port", &port, "--login", "me:another one"]);
    let refused = event(&graph, "entity", "AuthenticationError");
    assert_eq!(refused.text("code"), "16");
    let finished = graph.stop();
    let told = format!("{:?}{}", finished.events, finished.ended.stderr);
    assert!(!told.contains("right one"), "the password was told");
    assert!(!third.requests("stranger").is_empty());
}

#[test]
fn tls_wants_the_certificate_of_the_server_whatever_is_to_be_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let authority = Authority::new();
    let server = |host: &str| {
        let file = authority.vouch(&[host], false, &folder.path().join(format!("{host}.pem")));
        Server::start("grpc_server.py", &["--tls", file.to_str().unwrap()])
    };
    let (good, other) = (server("127.0.0.1"), server("elsewhere.example"));
    let trusted = json!({"@type": lva("PemCertificateList"), "certificates": [authority.pem()]});
    let secure = |mut node: Value, name: &str| {
        node["name"] = name.into();
        node["endpoint"]["@type"] = lva("TlsEndpoint").into();
        node["endpoint"]["trustedCertificates"] = trusted.clone();
        node["endpoint"]["validationOptions"] = json!({"ignoreHostname": "true", "ignoreSignature": "true"});
        node
    };
    let nodes = [
        secure(grpc("entity", &good), "trusted"),
        secure(grpc("entity", &other), "misnamed"),
    ];
    let graph = start(&nodes, &[], &still.camera, folder.path());
    event(&graph, "trusted", "Inference");
    let refused = event(&graph, "misnamed", "NetworkError");
    assert_eq!(refused.text("code"), "tlsFailed", "{}", refused.0);
    assert!(
        refused
            .text("message")
            .contains("the server's certificate is for"),
        "{}",
        refused.0
    );
    graph.stop();
}
