//! The direct methods, at their own addresses and in the call of the cloud service.

use base64::Engine as _;
use hmac_by_hand::sign;
use serde_json::{Value, json};

use super::server::{ADMIN, OPERATE, READ, SITE_A, Server};
use super::wire::{Request, Response};

/// A topology that records nothing but is one, in the way of LVA's.
pub(crate) fn topology(name: &str) -> Value {
    json!({
        "@apiVersion": "2.0",
        "name": name,
        "properties": {
            "parameters": [{"name": "rtspUrl", "type": "String"}],
            "sources": [{
                "@type": "#Microsoft.Media.MediaGraphRtspSource",
                "name": "camera",
                "endpoint": {"@type": "#Microsoft.Media.MediaGraphUnsecuredEndpoint", "url": "${rtspUrl}"},
            }],
            "sinks": [{
                "@type": "#Microsoft.Media.MediaGraphAssetSink",
                "name": "asset",
                "inputs": [{"nodeName": "camera"}],
                "assetNamePattern": "asset-${System.GraphInstanceName}",
                "segmentLength": "PT30S",
                "localMediaCachePath": "/var/lib/azuremediaservices/tmp",
                "localMediaCacheMaximumSizeMiB": "2048",
            }],
        },
    })
}

pub(crate) fn instance(name: &str, topology: &str) -> Value {
    // The discard port of this machine: nobody answers.
    json!({
        "@apiVersion": "2.0",
        "name": name,
        "properties": {
            "topologyName": topology,
            "parameters": [{"name": "rtspUrl", "value": "rtsp://127.0.0.1:9/none"}],
        },
    })
}

fn named(name: &str) -> Value {
    json!({"@apiVersion": "2.0", "name": name})
}

fn post(server: &Server, method: &str, payload: &Value) -> Response {
    server.send(&Request::new("POST", &format!("/api/methods/{method}")).json(&payload.to_string()))
}

/// Calls a method that is there; gives its status and its payload.
fn call(server: &Server, method: &str, payload: &Value) -> (u64, Value) {
    let response = post(server, method, payload);
    assert_eq!(response.status, 200, "{method}: {response:?}");
    let mut envelope = response.json();
    (envelope["status"].as_u64().unwrap(), envelope["payload"].take())
}

#[test]
fn the_ten_methods_lead_a_graph_through_its_life() {
    let server = Server::open();
    let status = |method: &str, payload: &Value| call(&server, method, payload).0;
    let list = json!({"@apiVersion": "2.0"});
    assert_eq!(
        call(&server, "GraphTopologyList", &list),
        (200, json!({"value": []}))
    );
    assert_eq!(status("GraphTopologySet", &topology("Record")), 201);
    assert_eq!(status("GraphTopologySet", &topology("Record")), 200);
    assert_eq!(status("GraphInstanceSet", &instance("front", "Record")), 201);
    assert_eq!(status("GraphInstanceSet", &instance("front", "Record")), 200);
    let (_, got) = call(&server, "GraphInstanceGet", &named("front"));
    assert_eq!(got["properties"]["state"], "Inactive");
    assert_eq!(
        call(&server, "GraphInstanceActivate", &named("front")),
        (200, Value::Null)
    );
    assert_eq!(status("GraphInstanceActivate", &named("front")), 200);
    assert_eq!(status("GraphInstanceSet", &instance("front", "Record")), 409);
    assert_eq!(status("GraphInstanceDelete", &named("front")), 409);
    let (conflict, body) = call(&server, "GraphTopologyDelete", &named("Record"));
    assert_eq!((conflict, &body["error"]["code"]), (409, &json!("Conflict")));
    assert_eq!(body["error"]["details"][0]["code"], "GraphTopologyInUse");
    assert_eq!(
        call(&server, "GraphInstanceDeactivate", &named("front")),
        (200, Value::Null)
    );
    assert_eq!(status("GraphInstanceDelete", &named("front")), 200);
    assert_eq!(
        call(&server, "GraphInstanceDelete", &named("front")),
        (204, Value::Null)
    );
    assert_eq!(status("GraphInstanceGet", &named("front")), 404);
    assert_eq!(status("GraphTopologyDelete", &named("Record")), 200);
    assert_eq!(status("GraphTopologyDelete", &named("Record")), 204);
}

#[test]
fn the_names_of_azure_video_analyzer_mean_the_same() {
    let server = Server::open();
    let mut topology = topology("Record");
    topology["@apiVersion"] = json!("1.1");
    assert_eq!(call(&server, "pipelineTopologySet", &topology).0, 201);
    assert_eq!(
        call(&server, "livePipelineSet", &instance("front", "Record")).0,
        201
    );
    assert_eq!(call(&server, "livePipelineActivate", &named("front")).0, 200);
    assert_eq!(call(&server, "GraphInstanceDeactivate", &named("front")).0, 200);
    assert_eq!(call(&server, "livePipelineDelete", &named("front")).0, 200);
}

#[test]
fn every_request_says_its_version_and_three_are_understood_at_once() {
    let server = Server::open();
    for version in ["1.0", "1.1", "2.0"] {
        let payload = json!({"@apiVersion": version});
        assert_eq!(call(&server, "GraphTopologyList", &payload).0, 200, "{version}");
    }
    for payload in [
        json!({}),
        json!({"@apiVersion": "3.0"}),
        json!({"@apiVersion": 2}),
    ] {
        for method in ["GraphTopologyList", "GraphTopologySet", "GraphInstanceActivate"] {
            let (status, body) = call(&server, method, &payload);
            assert_eq!(status, 400, "{method} {payload}");
            assert_eq!(body["error"]["code"], "BadRequest");
            assert_eq!(body["error"]["details"][0]["code"], "ApiVersionNotSupported");
        }
    }
}

#[test]
fn a_method_that_there_is_not_is_501() {
    let server = Server::open();
    let response = post(&server, "GraphTopologySett", &json!({"@apiVersion": "2.0"}));
    assert_eq!(
        (response.status, response.json()["status"].as_u64()),
        (404, Some(501))
    );
    let (status, envelope) = twin(&server, "noSuchMethod", &json!({}), ADMIN);
    assert_eq!((status, envelope["status"].as_u64()), (200, Some(501)));
}

#[test]
fn payloads_that_are_no_objects_are_refused() {
    let server = Server::open();
    for body in [
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        "{\"name\": \"a\", \"Name\": \"b\"}",
        "{}{}",
    ] {
        let response = server.send(&Request::new("POST", "/api/methods/GraphTopologySet").json(body));
        assert_eq!(
            (response.status, response.json()["status"].as_u64()),
            (200, Some(400)),
            "{body}"
        );
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = format!(r#"{{"@apiVersion": "2.0", "x": {deep}}}"#);
    let response = server.send(&Request::new("POST", "/api/methods/GraphTopologySet").json(&deep));
    assert_eq!(response.json()["status"], 400);
}

#[test]
fn mistakes_are_told_with_their_line_in_what_was_sent() {
    let server = Server::open();
    let body =
        "{\n \"@apiVersion\": \"2.0\",\n \"name\": \"x\",\n \"properties\": {\n  \"sorces\": []\n }\n}";
    let response = server.send(&Request::new("POST", "/api/methods/GraphTopologySet").json(body));
    let payload = &response.json()["payload"];
    let details = payload["error"]["details"].as_array().unwrap();
    assert!(details.iter().any(|detail| detail["line"] == 5), "{payload}");
    // The cloud service's call has the payload inside, and says lines of the payload.
    let call = format!("{{\"methodName\": \"GraphTopologySet\",\n\n\n\n\"payload\": {body}}}");
    let response = server.send(&Request::new("POST", TWIN).json(&call));
    let payload = &response.json()["payload"];
    let details = payload["error"]["details"].as_array().unwrap();
    assert!(details.iter().any(|detail| detail["line"] == 5), "{payload}");
}

#[test]
fn what_is_odd_about_a_topology_comes_beside_it() {
    let server = Server::open();
    let mut odd = topology("Odd");
    odd["properties"]["parameters"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "unused", "type": "String", "default": ""}));
    let envelope = post(&server, "GraphTopologySet", &odd).json();
    assert_eq!(envelope["status"], 201);
    assert_eq!(envelope["warnings"][0]["code"], "ParameterUnused", "{envelope}");
    assert!(envelope["payload"].get("warnings").is_none());
}

#[test]
fn a_limited_token_sees_and_changes_its_instances_alone() {
    let server = Server::guarded();
    let send = |method: &str, payload: &Value, token: &str| {
        let target = format!("/api/methods/{method}");
        server.send(
            &Request::new("POST", &target)
                .json(&payload.to_string())
                .token(token),
        )
    };
    assert_eq!(send("GraphTopologySet", &topology("Record"), SITE_A).status, 403);
    assert_eq!(
        send("GraphTopologySet", &topology("Record"), ADMIN).json()["status"],
        201
    );
    assert_eq!(
        send("GraphInstanceSet", &instance("site-a-door", "Record"), SITE_A).json()["status"],
        201
    );
    assert_eq!(
        send("GraphInstanceSet", &instance("site-b-door", "Record"), SITE_A).status,
        403
    );
    assert_eq!(
        send("GraphInstanceSet", &instance("site-b-door", "Record"), ADMIN).json()["status"],
        201
    );
    // Named twice, or not at all, it gets around nothing.
    let twice = r#"{"@apiVersion": "2.0", "name": "site-a-x", "Name": "site-b-x", "properties": {}}"#;
    let response = server.send(
        &Request::new("POST", "/api/methods/GraphInstanceSet")
            .json(twice)
            .token(SITE_A),
    );
    assert_eq!(response.json()["status"], 400);
    assert_eq!(
        send("GraphInstanceSet", &json!({"@apiVersion": "2.0"}), SITE_A).status,
        403
    );

    let list = json!({"@apiVersion": "2.0"});
    let names = |response: Response| -> Vec<String> {
        let all = response.json();
        let all = all.get("payload").unwrap_or(&all)["value"]
            .as_array()
            .unwrap()
            .clone();
        all.iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(send("GraphInstanceList", &list, SITE_A)), ["site-a-door"]);
    assert_eq!(
        names(send("GraphInstanceList", &list, READ)),
        ["site-a-door", "site-b-door"]
    );
    for path in ["/api/GraphInstance", "/api/status", "/healthz"] {
        let response = server.send(&Request::get(path).token(SITE_A));
        assert_eq!(names(response), ["site-a-door"], "{path}");
    }
    // A hint would name the instance of the others that has nearly this name.
    let near = json!({"@apiVersion": "2.0", "name": "site-a-b-door"});
    let mut answers = vec![
        send("GraphInstanceGet", &near, SITE_A),
        send("GraphInstanceActivate", &near, SITE_A),
    ];
    for path in [
        "/api/GraphInstance/{}",
        "/api/GraphInstance/{}/status",
        "/api/explain/{}",
    ] {
        let request = Request::get(&path.replace("{}", "site-a-b-door"));
        answers.push(server.send(&request.token(SITE_A)));
    }
    for answer in answers {
        assert!(
            answer.body.contains("NotFound") && !answer.body.contains("site-b"),
            "{}",
            answer.body
        );
    }
    let told = send("GraphInstanceGet", &near, READ).body;
    assert!(told.contains("did you mean `site-"), "{told}");
}

const TWIN: &str = "/twins/lva-sample-device/modules/lvaEdge/methods?api-version=2021-04-12";

fn service_call(method: &str, payload: &Value) -> Request {
    let call = json!({"methodName": method, "payload": payload,
        "responseTimeoutInSeconds": 30, "connectTimeoutInSeconds": 5});
    Request::new("POST", TWIN).body("application/json; charset=utf-8", &call.to_string())
}

fn twin(server: &Server, method: &str, payload: &Value, token: &str) -> (u16, Value) {
    let response = server.send(&service_call(method, payload).token(token));
    (response.status, response.json())
}

#[test]
fn the_call_of_the_cloud_service_does_the_same() {
    let server = Server::guarded();
    let list = json!({"@apiVersion": "2.0"});
    let expected = json!({"status": 200, "payload": {"value": []}});
    assert_eq!(twin(&server, "GraphTopologyList", &list, READ), (200, expected));
    assert_eq!(
        twin(&server, "GraphTopologySet", &topology("Record"), ADMIN).1["status"],
        201
    );
    assert_eq!(
        twin(&server, "GraphInstanceSet", &instance("front", "Record"), ADMIN).1["status"],
        201
    );
    assert_eq!(
        twin(&server, "GraphTopologySet", &topology("Record"), OPERATE).0,
        403
    );
    let without = server.send(
        &Request::new("POST", TWIN)
            .json(r#"{"methodName": "GraphTopologyList"}"#)
            .token(READ),
    );
    assert_eq!(without.json()["status"], 400, "no version: {without:?}");
    let broken = server.send(&Request::new("POST", TWIN).json("{}").token(READ));
    assert_eq!(broken.status, 400, "{broken:?}");
}

/// HMAC by another hand than the host's.
mod hmac_by_hand {
    use sha2::{Digest, Sha256};

    pub(super) fn sign(key: &[u8], message: &str) -> Vec<u8> {
        let padded = |with: u8| -> Vec<u8> {
            (0..64)
                .map(|at| key.get(at).copied().unwrap_or(0) ^ with)
                .collect()
        };
        let inner = Sha256::digest([padded(0x36), message.as_bytes().to_vec()].concat());
        Sha256::digest([padded(0x5c), inner.to_vec()].concat()).to_vec()
    }
}

/// As the service SDKs make it: the key is the Base64 of the token.
fn signature(resource: &str, expiry: u64, name: &str, token: &str) -> String {
    let resource: String = url::form_urlencoded::byte_serialize(resource.as_bytes()).collect();
    let signature = sign(token.as_bytes(), &format!("{resource}\n{expiry}"));
    let signature = base64::engine::general_purpose::STANDARD.encode(signature);
    let signature: String = url::form_urlencoded::byte_serialize(signature.as_bytes()).collect();
    format!("SharedAccessSignature sr={resource}&sig={signature}&se={expiry}&skn={name}")
}

#[test]
fn the_sdks_of_the_cloud_service_may_sign_their_calls() {
    let server = Server::guarded();
    let host = server.address.to_string();
    let list = json!({"@apiVersion": "2.0"});
    let later = u64::try_from(jiff::Timestamp::now().as_second()).unwrap() + 600;
    let status = |authorization: &str, method: &str| {
        let request = service_call(method, &list).header("authorization", authorization);
        server.send(&request).status
    };
    let good = signature(&host, later, "read", READ);
    assert_eq!(status(&good, "GraphTopologyList"), 200);
    assert_eq!(status(&good, "GraphTopologySet"), 403, "its role counts");
    for wrong in [
        signature(&host, later, "read", ADMIN),
        signature(&host, later, "nobody", READ),
        signature(&host, 1_600_000_000, "read", READ),
        signature("elsewhere.example", later, "read", READ),
        signature(&host, later, "expired", super::server::EXPIRED),
        good.replace(&later.to_string(), &(later + 1).to_string()),
        good.replace("skn=read", "skn=admin"),
        good.replace("sig=", "sig=AAAA"),
        "SharedAccessSignature ".to_owned(),
        "SharedAccessSignature sr&sig&se&skn".to_owned(),
    ] {
        assert_eq!(status(&wrong, "GraphTopologyList"), 401, "{wrong}");
    }
    // Everywhere else it does not count: a signature says nothing of what it is for.
    let elsewhere = Request::get("/api/GraphTopology").header("authorization", &good);
    assert_eq!(server.send(&elsewhere).status, 401);
}
