//! Passwords come in by many ways; none comes out.

use std::fmt::Debug;

use super::*;

const CANARY: &str = "c4nary-pa55";

fn topology(name: &str) -> Value {
    json!({"@apiVersion": "2.0", "name": name, "properties": {
        "parameters": [
            {"name": "url", "type": "String", "default": format!("rtsp://me:{CANARY}-a@127.0.0.1:9/x")},
            {"name": "user", "type": "String", "default": "me"},
            {"name": "password", "type": "String", "default": format!("{CANARY}-b")},
            {"name": "secret", "type": "SecretString", "default": format!("{CANARY}-c")},
            {"name": "fps", "type": "String", "default": "5"}],
        "sources": [
            {"@type": "#Microsoft.Media.MediaGraphRtspSource", "name": "camera", "endpoint": {
                "@type": "#Microsoft.Media.MediaGraphUnsecuredEndpoint", "url": "${url}", "credentials": {
                    "@type": "#Microsoft.Media.MediaGraphUsernamePasswordCredentials",
                    "username": "${user}", "password": "${password}"}}}],
        "sinks": [
            {"@type": "#Microsoft.Media.MediaGraphAssetSink", "name": "sink", "inputs": [{"nodeName": "camera"}],
                "assetNamePattern": "a-${System.DateTime}", "segmentLength": "PT30S",
                "localMediaCachePath": "/var/lib/cache", "localMediaCacheMaximumSizeMiB": "2048"}]}})
}

/// The same, with a password and a secret URL written out.
fn literal(name: &str) -> Value {
    let mut topology = topology(name);
    topology["properties"]["sources"][0]["endpoint"]["url"] = "rtsp://127.0.0.1:9/${secret}".into();
    topology["properties"]["sources"][0]["endpoint"]["credentials"]["password"] =
        format!("{CANARY}-d").into();
    topology
}

fn values() -> Value {
    json!([{"name": "password", "value": format!("{CANARY}-e")}, {"name": "secret", "value": format!("{CANARY}-f")},
        {"name": "url", "value": format!("rtsp://you:{CANARY}-g@127.0.0.1:9/y")}, {"name": "user", "value": "shown"}])
}

fn assert_clean(what: &str, shown: &impl Debug) {
    let shown = format!("{shown:?}");
    assert!(!shown.contains(CANARY), "{what}: {shown}");
}

#[tokio::test]
async fn no_reply_and_no_error_repeats_a_password() {
    let place = Place::new();
    let host = place.open();
    assert_clean(
        "set",
        &host
            .topology_set(topology("t").to_string().as_bytes())
            .await
            .unwrap(),
    );
    let shown = host.instance_set(&instance("i", "t", &values())).await.unwrap();
    assert_clean("instance set", &shown);
    assert_eq!(shown.resource["properties"]["parameters"][3]["value"], "shown");
    assert_eq!(
        shown.resource["properties"]["parameters"][2]["value"],
        "rtsp://***@127.0.0.1:9/y"
    );
    assert_eq!(
        shown.resource["properties"]["parameters"][0],
        json!({"name": "password"})
    );
    host.instance_activate("i").await.unwrap();
    assert_clean("get", &host.topology_get("t").await.unwrap());
    assert_clean(
        "list",
        &host.topology_list(&PageRequest::default()).await.unwrap(),
    );
    assert_clean("instance get", &host.instance_get("i").await.unwrap());
    assert_clean(
        "instance list",
        &host.instance_list(&PageRequest::default()).await.unwrap(),
    );
    assert_clean("status", &host.statuses());
    assert_clean(
        "conflict",
        &host
            .topology_set(topology("t").to_string().as_bytes())
            .await
            .unwrap_err(),
    );
    assert_clean("the host", &host);
    host.shutdown().await;
    assert_clean("events", &place.events.0.lock().unwrap());
    drop(host);
    let host = place.open();
    assert_clean("after a restart", &host.topology_get("t").await.unwrap());
    assert_clean("after a restart", &host.instance_get("i").await.unwrap());
}

#[tokio::test]
async fn errors_about_a_value_with_a_password_do_not_show_it() {
    let place = Place::new();
    let host = place.open();
    let canary = format!("{CANARY}-z");
    // Each puts a password where it is wrong.
    let mistakes: [fn(&mut Value, &str); 6] = [
        |topology, canary| {
            topology["properties"]["sources"][0]["endpoint"]["credentials"]["password"] = json!([canary])
        },
        |topology, canary| {
            topology["properties"]["sources"][0]["endpoint"]["url"] = format!("http://u:{canary}@h/").into()
        },
        |topology, canary| {
            topology["properties"]["sources"][0]["endpoint"]["url"] = format!("rtsp://u:{canary}@:x/").into()
        },
        |topology, _| topology["properties"]["sinks"][0]["segmentLength"] = "${password}".into(),
        |topology, _| {
            topology["properties"]["sinks"][0]["localMediaCacheMaximumSizeMiB"] = "${password}".into()
        },
        |topology, _| topology["properties"]["sources"][0]["transport"] = "${secret}".into(),
    ];
    for (index, mistake) in mistakes.iter().enumerate() {
        let mut topology = if index < 3 { literal("t") } else { topology("t") };
        mistake(&mut topology, &canary);
        let error = host
            .topology_set(topology.to_string().as_bytes())
            .await
            .unwrap_err();
        assert_clean(&format!("mistake {index}"), &error);
        assert!(!error.details.is_empty(), "mistake {index}");
    }
    let mut late = topology("t");
    late["properties"]["sinks"][0]["segmentLength"] = "${fps}".into();
    late["properties"]["parameters"][4]["default"] = "PT30S".into();
    host.topology_set(late.to_string().as_bytes()).await.unwrap();
    let wrong = json!([{"name": "fps", "value": format!("rtsp://u:{CANARY}@h")}, {"name": "url", "value": format!("x://u:{CANARY}@h")}]);
    let error = host.instance_set(&instance("i", "t", &wrong)).await.unwrap_err();
    assert_eq!(error.details.len(), 2, "{error:?}");
    assert_clean("instance", &error);
}
