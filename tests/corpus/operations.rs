//! The file of operations of LVA's console app, unchanged but for the two addresses in it.

use std::path::Path;

use crate::common::camera::Camera;
use crate::common::host::Host;
use crate::common::{mediagraph, run};

const TOPOLOGY: &str = "lva/topologies/2.0/motion-detection.json";
const TOPOLOGY_URL: &str = "https://raw.githubusercontent.com/Azure/live-video-analytics/master/MediaGraph/topologies/motion-detection/2.0/topology.json";
const RTSP_URL: &str = "rtsp://rtspsim:554/media/camera-300s.mkv";
/// As the file gives them.
const USER: &str = "testuser:testpassword";

/// What LVA gave: 201 for what is new, 200 for the rest.
const STATUSES: [(&str, u64); 11] = [
    ("GraphTopologyList", 200),
    ("GraphInstanceList", 200),
    ("GraphTopologySet", 201),
    ("GraphInstanceSet", 201),
    ("GraphInstanceActivate", 200),
    ("GraphInstanceList", 200),
    ("GraphInstanceDeactivate", 200),
    ("GraphInstanceDelete", 200),
    ("GraphInstanceList", 200),
    ("GraphTopologyDelete", 200),
    ("GraphTopologyList", 200),
];

/// Replays the file, with this address of the topology; succeeds only when it ends with 0.
fn replay(host: &Host, camera: &Camera, topology: &str, folder: &Path, more: &[&str]) {
    let text = std::fs::read_to_string(crate::corpus().join("lva/operations.json")).unwrap();
    assert!(text.contains(TOPOLOGY_URL) && text.contains(RTSP_URL));
    let text = text
        .replace(TOPOLOGY_URL, topology)
        .replace(RTSP_URL, &camera.url);
    let file = folder.join("operations.json");
    std::fs::write(&file, text).unwrap();
    let mut command = mediagraph();
    command
        .arg("ops")
        .arg(&file)
        .args(["--yes", "--json", "--server", &host.url()])
        .args(more);
    let told = run(&mut command);
    let status = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        (
            line["opName"].as_str().unwrap().to_owned(),
            line["status"].as_u64().unwrap(),
            line["payload"].clone(),
        )
    };
    let told: Vec<_> = told.lines().map(status).collect();
    let statuses: Vec<(&str, u64)> = told
        .iter()
        .map(|(name, status, _)| (name.as_str(), *status))
        .collect();
    assert_eq!(statuses, STATUSES);
    let active = &told[5].2["value"][0];
    assert_eq!(
        (active["name"].as_str(), active["properties"]["state"].as_str()),
        (Some("Sample-Graph-1"), Some("Active"))
    );
    assert!(!active.to_string().contains("testpassword"), "{active:#}");
    for empty in [&told[0], &told[8], &told[10]] {
        assert_eq!(empty.2, serde_json::json!({"value": []}));
    }
}

#[test]
fn the_operations_of_the_console_app_are_replayed_wherever_the_topology_is() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(&folder.path().join("state"));
    let camera = Camera::ours(
        &crate::corpus().join("media/parking-lot-cars.mp4"),
        &["--user", USER],
    );
    let topology = crate::corpus().join(TOPOLOGY);
    let copies = folder.path().join("topologies");
    let copy = copies.join("motion-detection/2.0/topology.json");
    std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
    std::fs::copy(&topology, &copy).unwrap();
    let copies = copies.to_str().unwrap();
    replay(
        &host,
        &camera,
        TOPOLOGY_URL,
        folder.path(),
        &["--topologies", copies],
    );
    let path = topology.canonicalize().unwrap();
    let path = path.to_str().unwrap();
    replay(&host, &camera, &format!("file://{path}"), folder.path(), &[]);
    replay(&host, &camera, path, folder.path(), &[]);
    host.stop();
}
