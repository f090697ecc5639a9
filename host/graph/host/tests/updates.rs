//! What may be stored, and what may replace it.

use super::*;

fn declared(name: &str, default: Option<&str>) -> Value {
    json!({"name": name, "type": "String", "default": default})
}

#[tokio::test]
async fn setting_twice_creates_and_then_repeats() {
    let place = Place::new();
    let host = with_instance(&place).await;
    let again = host
        .topology_set(&recording("t", &no_parameters()))
        .await
        .unwrap();
    assert!(!again.created);
    assert_eq!(again.resource, host.topology_get("t").await.unwrap());
    let shown = host.instance_get("i").await.unwrap();
    let again = host
        .instance_set(&instance("i", "t", &no_parameters()))
        .await
        .unwrap();
    assert!(!again.created);
    assert_eq!(again.resource, shown, "a repetition changes nothing");
    let system = &shown["systemData"];
    assert_eq!(system["createdAt"], system["lastModifiedAt"]);
}

#[tokio::test]
async fn a_topology_that_nobody_uses_may_change_in_any_way() {
    let place = Place::new();
    let host = place.open();
    host.topology_set(&recording("t", &json!([declared("a", None)])))
        .await
        .unwrap();
    let stored = host
        .topology_set(&recording("t", &json!([declared("b", None)])))
        .await
        .unwrap();
    assert!(!stored.created);
    assert_eq!(stored.resource["properties"]["parameters"][0]["name"], "b");
    assert_eq!(host.topology_delete("t").await, Ok(Deleted::Yes));
    assert_eq!(host.topology_delete("t").await, Ok(Deleted::NotThere));
}

#[tokio::test]
async fn a_topology_in_use_may_change_where_its_instances_still_have_what_they_need() {
    let place = Place::new();
    let host = place.open();
    let with = |parameters: &[Value]| recording("t", &Value::from(parameters.to_vec()));
    host.topology_set(&with(&[declared("a", Some("1")), declared("b", Some("1"))]))
        .await
        .unwrap();
    host.instance_set(&instance("i", "t", &json!([{"name": "a", "value": "2"}])))
        .await
        .unwrap();
    // `b` goes, which nobody sets; `c` comes with a default.
    host.topology_set(&with(&[declared("a", Some("1")), declared("c", Some("1"))]))
        .await
        .unwrap();
    let refused = [
        (with(&[declared("a", Some("1")), declared("d", None)]), "`d`"),
        (with(&[declared("c", Some("1"))]), "`a`"),
    ];
    for (topology, parameter) in refused {
        let error = host.topology_set(&topology).await.unwrap_err();
        assert_eq!(codes(&error), (409, "Conflict", vec!["GraphTopologyInUse"]));
        assert!(
            error.message.contains(parameter) && error.message.contains("`i`"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_topology_in_use_by_what_runs_stays_as_it_is_and_the_users_are_named() {
    let place = Place::new();
    let host = with_instance(&place).await;
    host.instance_set(&instance("j", "t", &no_parameters()))
        .await
        .unwrap();
    host.instance_activate("i").await.unwrap();
    let error = host
        .topology_set(&recording("t", &no_parameters()))
        .await
        .unwrap_err();
    assert_eq!(codes(&error), (409, "Conflict", vec!["GraphTopologyInUse"]));
    assert!(
        error.details[0].message.contains("`i`") && !error.message.contains("`j`"),
        "{error}"
    );
    let error = host.topology_delete("t").await.unwrap_err();
    assert_eq!(codes(&error), (409, "Conflict", vec!["GraphTopologyInUse"]));
    assert!(error.details[0].message.contains("`i`, `j`"), "{error}");
    host.instance_deactivate("i").await.unwrap();
    assert!(host.topology_set(&recording("t", &no_parameters())).await.is_ok());
    assert!(
        host.topology_delete("t").await.is_err(),
        "also while nothing runs"
    );
}

#[tokio::test]
async fn an_instance_is_checked_with_its_values_and_mistakes_stand_where_they_were_made() {
    let place = Place::new();
    let host = place.open();
    let missing = host
        .instance_set(&instance("i", "t", &no_parameters()))
        .await
        .unwrap_err();
    assert_eq!(
        codes(&missing),
        (409, "Conflict", vec!["ResourceValidationError"])
    );
    let mut topology: Value = serde_json::from_slice(&recording(
        "t",
        &json!([declared("url", None), {"name": "n", "type": "Int", "default": "1"}]),
    ))
    .unwrap();
    topology["properties"]["sources"][0]["endpoint"]["url"] = "${url}".into();
    host.topology_set(topology.to_string().as_bytes()).await.unwrap();

    let error = host
        .instance_set(&instance("i", "t", &no_parameters()))
        .await
        .unwrap_err();
    assert_eq!(codes(&error), (400, "BadRequest", vec!["ParameterMissing"]));

    let sent = "{\"@apiVersion\": \"2.0\", \"name\": \"i\", \"properties\": {\"topologyName\": \"t\", \"parameters\": [\n\
                {\"name\": \"url\", \"value\": \"http://h/x\"},\n\
                {\"name\": \"n\", \"value\": \"x\"},\n\
                {\"name\": \"other\", \"value\": \"1\"},\n\
                {\"name\": \"another\"}]}}";
    let error = host.instance_set(sent.as_bytes()).await.unwrap_err();
    let found: Vec<_> = error
        .details
        .iter()
        .map(|one| (one.code.as_str(), one.target.as_deref().unwrap(), one.line))
        .collect();
    let expected = [
        (
            "RtspEndpointUrlInvalidScheme",
            "$.Properties.Sources[0].Endpoint.Url",
            None,
        ),
        ("ParameterInvalid", "$.Properties.Parameters[1].Value", Some(3)),
        ("ParameterUndeclared", "$.Properties.Parameters[2].Value", Some(4)),
        ("ParameterUndeclared", "$.Properties.Parameters[3].Value", Some(5)),
    ];
    for one in expected {
        assert!(found.contains(&one), "{one:?} is not in {found:#?}");
    }
    assert_eq!(found.len(), expected.len());
    assert!(host.instance_get("i").await.is_err());
}

#[tokio::test]
async fn what_is_wrong_with_a_topology_is_told_with_path_and_line() {
    let place = Place::new();
    let host = place.open();
    let text = String::from_utf8(recording("t", &no_parameters())).unwrap();
    let text = text
        .replace("rtsp://127", "\u{0020}http://127")
        .replace("\"endpoint\"", "\n\"endpoint\"");
    let error = host.topology_set(text.as_bytes()).await.unwrap_err();
    assert_eq!(
        codes(&error),
        (400, "BadRequest", vec!["RtspEndpointUrlInvalidScheme"])
    );
    let detail = &error.details[0];
    assert_eq!(
        detail.target.as_deref(),
        Some("$.Properties.Sources[0].Endpoint.Url")
    );
    assert_eq!(
        detail.pointer.as_deref(),
        Some("/properties/sources/0/endpoint/url")
    );
    assert_eq!(detail.line, Some(2));
    let error = host.topology_set(b"{\"name\": ").await.unwrap_err();
    assert_eq!(codes(&error), (400, "BadRequest", vec!["JsonInvalid"]));
    let old = text.replace("\"2.0\"", "\"3.0\"").replace(" http://", "rtsp://");
    let error = host.topology_set(old.as_bytes()).await.unwrap_err();
    assert_eq!(codes(&error), (400, "BadRequest", vec!["ApiVersionNotSupported"]));
}

/// A topology whose only other node is an extension, a component with this path.
fn with_component(path: &str) -> Vec<u8> {
    let mut topology: Value = serde_json::from_slice(&recording("t", &no_parameters())).unwrap();
    topology["properties"]["processors"] = json!([{"@type": "#MediaGraph.ExtensionProcessor", "name": "look",
        "inputs": [{"nodeName": "camera"}], "extension": {"path": path}}]);
    topology["properties"]["sinks"]
        .as_array_mut()
        .unwrap()
        .push(json!({
        "@type": "#Microsoft.Media.MediaGraphIoTHubMessageSink", "name": "hub", "hubOutputName": "out",
        "inputs": [{"nodeName": "look"}]}));
    topology.to_string().into_bytes()
}

#[tokio::test]
async fn components_outside_of_the_load_roots_are_refused_and_those_within_are_checked() {
    let mut place = Place::new();
    let outside = place.state.path().join("outside.wasm");
    std::fs::write(&outside, "x").unwrap();
    let host = place.open();
    host.topology_set(&with_component(outside.to_str().unwrap()))
        .await
        .unwrap();
    let error = host
        .instance_set(&instance("i", "t", &no_parameters()))
        .await
        .unwrap_err();
    assert_eq!(codes(&error), (400, "BadRequest", vec!["ModuleValidationError"]));
    assert!(
        error.details[0].hint.as_ref().unwrap().contains("load_roots"),
        "{error:?}"
    );
    drop(host);

    let root = place.state.path().join("root");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("a.wasm"), "no component").unwrap();
    place.load_roots = vec![root];
    let host = place.open();
    host.topology_set(&with_component("a.wasm")).await.unwrap();
    let error = host
        .instance_set(&instance("i", "t", &no_parameters()))
        .await
        .unwrap_err();
    let detail = &error.details[0];
    assert_eq!(detail.target.as_deref(), Some("$.Properties.Processors[0]"));
    assert!(
        !detail.message.contains("may be loaded"),
        "it was looked at: {detail:?}"
    );
}

#[tokio::test]
async fn the_host_keeps_no_more_than_it_may() {
    let mut place = Place::new();
    place.limits.max_topologies = 1;
    place.limits.max_instances = 1;
    let host = with_instance(&place).await;
    let error = host
        .topology_set(&recording("u", &no_parameters()))
        .await
        .unwrap_err();
    assert_eq!(codes(&error), (400, "BadRequest", vec!["LimitExceeded"]));
    let error = host
        .instance_set(&instance("j", "t", &no_parameters()))
        .await
        .unwrap_err();
    assert_eq!(codes(&error), (400, "BadRequest", vec!["LimitExceeded"]));
    assert!(
        host.topology_set(&recording("t", &json!([declared("a", Some("1"))])))
            .await
            .is_ok()
    );
}
