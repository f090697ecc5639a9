//! Topologies that only a test needs.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// `#Microsoft.Media.MediaGraph…`
fn lva(kind: &str) -> String {
    format!("#Microsoft.Media.MediaGraph{kind}")
}

fn from(node: &str) -> Value {
    json!([{"nodeName": node}])
}

/// A topology whose one source, `camera`, is at the parameter `rtspUrl`.
pub(crate) fn document(version: &str, processors: &[Value], sinks: &[Value]) -> Value {
    json!({
        "@apiVersion": version,
        "name": "Test",
        "properties": {
            "parameters": [{"name": "rtspUrl", "type": "String"}],
            "sources": [{
                "@type": lva("RtspSource"),
                "name": "camera",
                "endpoint": {"@type": lva("UnsecuredEndpoint"), "url": "${rtspUrl}"},
            }],
            "processors": processors,
            "sinks": sinks,
        }
    })
}

/// Records everything that `node` lets through to one asset.
pub(crate) fn asset_sink(node: &str) -> Value {
    json!({
        "@type": lva("AssetSink"),
        "name": "assets",
        "assetNamePattern": "asset-${System.GraphInstanceName}",
        "segmentLength": "PT30S",
        "localMediaCachePath": "/var/lib/cache",
        "localMediaCacheMaximumSizeMiB": "200",
        "inputs": from(node),
    })
}

pub(crate) fn message_sink(node: &str) -> Value {
    json!({"@type": lva("IoTHubMessageSink"), "name": "events", "hubOutputName": "out", "inputs": from(node)})
}

pub(crate) fn frame_rate_filter(maximum_fps: f64, node: &str) -> Value {
    json!({"@type": lva("FrameRateFilterProcessor"), "name": "fewer", "maximumFps": maximum_fps, "inputs": from(node)})
}

/// Runs the component at `path` on what `node` gives.
pub(crate) fn extension(path: &Path, node: &str) -> Value {
    json!({
        "@type": "#MediaGraph.ExtensionProcessor",
        "name": "detector",
        "extension": {"path": path},
        "inputs": from(node),
    })
}

/// Records the camera all the time, and runs a component beside.
pub(crate) fn recording_beside(extension: Value) -> Value {
    document(
        "2.0",
        &[extension],
        &[asset_sink("camera"), message_sink("detector")],
    )
}

/// Writes a topology into a folder.
pub(crate) fn write(document: &Value, folder: &Path) -> PathBuf {
    let path = folder.join("topology.json");
    std::fs::write(&path, document.to_string()).unwrap();
    path
}
