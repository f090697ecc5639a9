//! The image of each format and each way to scale is what the camera showed.

use serde_json::{Value, json};

use crate::server::{Server, Still, http, lva, start};

/// Steps of 255 that a channel may be off on average: what JPEG and rounding do.
const NEAR: f64 = 4.0;
/// Of 16 bits five belong to a colour, whose steps are eight.
const NEAR_16: f64 = 8.0;

const PIXELS: [&str; 11] = [
    "Yuv420p", "Rgb565be", "Rgb565le", "Rgb555be", "Rgb555le", "Rgb24", "Bgr24", "Argb", "Rgba", "Abgr",
    "Bgra",
];

/// A node that says in its URL what the image should be.
fn node(server: &Server, name: &str, format: Value, scale: Option<(&str, u32, u32)>) -> Value {
    let mut query = format!("id={name}");
    if let Some(pixels) = format["pixelFormat"].as_str() {
        query += &format!("&pixels={}", pixels.to_lowercase());
    }
    if let Some((mode, width, height)) = scale {
        query += &format!("&mode={mode}&width={width}&height={height}");
    }
    let mut node = http(name, &format!("{}/nothing?{query}", server.url));
    node["image"] = match scale {
        Some((mode, width, height)) => {
            json!({"format": format, "scale": {"mode": mode, "width": width.to_string(), "height": height.to_string()}})
        }
        None => json!({"format": format}),
    };
    node["samplingOptions"] = json!({"maximumSamplesPerSecond": "1"});
    node
}

fn named(kind: &str) -> Value {
    json!({"@type": lva(kind)})
}

#[test]
fn the_image_of_each_format_is_what_the_camera_showed() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let server = Server::http(&["--truth", still.truth.to_str().unwrap()]);
    let small = Some(("Stretch", 160, 90));
    let raw = |pixels: &str| json!({"@type": lva("ImageFormatRaw"), "pixelFormat": pixels});
    let mut nodes: Vec<Value> = PIXELS
        .iter()
        .map(|pixels| node(&server, pixels, raw(pixels), small))
        .collect();
    let jpeg = json!({"@type": lva("ImageFormatJpeg"), "quality": "90"});
    nodes.push(node(&server, "jpeg", jpeg.clone(), small));
    nodes.push(node(&server, "png", named("ImageFormatPng"), small));
    nodes.push(node(&server, "bmp", named("ImageFormatBmp"), small));
    nodes.push(node(&server, "own-size", jpeg.clone(), None));
    nodes.push(node(&server, "pad", jpeg.clone(), Some(("Pad", 160, 160))));
    nodes.push(node(
        &server,
        "fit",
        jpeg.clone(),
        Some(("PreserveAspectRatio", 160, 160)),
    ));
    nodes.push(node(
        &server,
        "poor",
        json!({"@type": lva("ImageFormatJpeg"), "quality": "5"}),
        small,
    ));
    let graph = start(&nodes, &[], &still.camera, folder.path());
    let mut bytes = std::collections::BTreeMap::new();
    for node in &nodes {
        let name = node["name"].as_str().unwrap();
        let came = wait(&server, name);
        let near = match name {
            "poor" => 16.0,
            short if short.starts_with("Rgb5") => NEAR_16,
            _ => NEAR,
        };
        let distance = came["distance"].as_f64();
        assert!(
            distance.is_some_and(|distance| distance < near),
            "{name}: {came:#}"
        );
        bytes.insert(name.to_owned(), came["bytes"].as_u64().unwrap());
        let length: u64 = came["headers"]["content-length"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(length, bytes[name], "{name}");
    }
    assert!(bytes["poor"] * 2 < bytes["jpeg"], "{bytes:?}");
    assert!(bytes["own-size"] > bytes["jpeg"], "{bytes:?}");
    graph.stop();
}

fn wait(server: &Server, id: &str) -> Value {
    crate::common::process::until(&format!("a request of {id}"), crate::common::graph::START, || {
        let all = server.requests("nothing");
        all.into_iter().find(|one| one["query"]["id"] == id)
    })
}

#[test]
fn a_request_has_the_headers_of_the_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let still = Still::new(folder.path());
    let server = Server::http(&[]);
    let node = http(
        "look",
        &format!("{}/nothing?stream=front&confidence=0.5", server.url),
    );
    let graph = start(&[node], &[], &still.camera, folder.path());
    let requests = server.wait("nothing", 2);
    let ids: Vec<&str> = requests
        .iter()
        .map(|one| one["headers"]["x-ms-client-request-id"].as_str().unwrap())
        .collect();
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 36), "{ids:?}");
    for one in requests {
        assert_eq!(one["query"], json!({"stream": "front", "confidence": "0.5"}));
        let header = |name: &str| one["headers"][name].as_str().unwrap().to_owned();
        assert_eq!(header("accept"), "application/json, */*");
        assert_eq!(header("content-type"), "image/jpeg");
        assert_eq!(header("user-agent"), "Azure Media Services");
        assert!(one["headers"]["authorization"].is_null(), "{one:#}");
    }
    let finished = graph.stop();
    assert!(finished.named("Inference").is_empty(), "204 is no event");
    let totals = finished.totals("look");
    assert_eq!(totals.sent, 0);
}
