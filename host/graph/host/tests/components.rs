//! Names of components, and what stands behind them while graphs run.

use super::*;
use crate::extension::builtin;

/// The motion detector with something behind it that means nothing: another version.
fn version(number: u8) -> Vec<u8> {
    let mut bytes = builtin::find("motion-detector").unwrap().bytes.to_vec();
    bytes.extend([0, 3, 1, b'n', number]);
    bytes
}

/// A topology with a detector by this reference.
fn topology(extension: &Value) -> Vec<u8> {
    let mut topology: Value = serde_json::from_slice(&recording("t", &no_parameters())).unwrap();
    topology["properties"]["processors"] = json!([{"@type": "#MediaGraph.ExtensionProcessor", "name": "look",
        "inputs": [{"nodeName": "camera"}], "extension": extension}]);
    topology["properties"]["sinks"]
        .as_array_mut()
        .unwrap()
        .push(json!({
        "@type": "#Microsoft.Media.MediaGraphIoTHubMessageSink", "name": "hub", "hubOutputName": "out",
        "inputs": [{"nodeName": "look"}]}));
    topology.to_string().into_bytes()
}

async fn active(host: &GraphHost, extension: &Value) {
    host.topology_set(&topology(extension)).await.unwrap();
    host.instance_set(&instance("i", "t", &no_parameters()))
        .await
        .unwrap();
    host.instance_activate("i").await.unwrap();
}

fn listed(host: &GraphHost, name: &str) -> crate::graph::components::Listed {
    let all = host.extension_list();
    all.into_iter().find(|one| one.name == name).unwrap()
}

const NODE: &str = "/graphInstances/i/processors/look";
const LOADED: &str = "MediaGraph.Operational.ExtensionLoaded";
const REFUSED: &str = "MediaGraph.Diagnostics.ExtensionRefused";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_nobody_installed_is_built_in_and_an_installed_one_goes_before_it() {
    let place = Place::new();
    let host = place.open();
    active(&host, &json!({"name": "motion-detector"})).await;
    assert!(listed(&host, "motion-detector").built_in);
    assert_eq!(listed(&host, "motion-detector").used_by, ["i/look"]);
    let set = host
        .extension_set("motion-detector", version(1), None)
        .await
        .unwrap();
    assert_eq!((set.created, set.swapped), (true, vec!["i/look".to_owned()]));
    assert!(!listed(&host, "motion-detector").built_in);
    // The camera is away, and the node has taken it over all the same.
    until("the new version is told", || {
        place
            .event_types(NODE)
            .iter()
            .filter(|kind| *kind == LOADED)
            .count()
            == 2
    })
    .await;
    let again = host
        .extension_set("motion-detector", version(1), None)
        .await
        .unwrap();
    assert_eq!((again.created, again.swapped.len()), (false, 0));
    assert_eq!(again.previous.as_ref(), Some(&again.component.sha256));

    let error = host.extension_remove("motion-detector").await.unwrap_err();
    assert_eq!(codes(&error), (409, "Conflict", vec!["ExtensionInUse"]));
    host.instance_deactivate("i").await.unwrap();
    assert_eq!(
        host.extension_remove("motion-detector").await.unwrap(),
        Deleted::Yes
    );
    assert_eq!(
        host.extension_remove("motion-detector").await.unwrap(),
        Deleted::NotThere
    );
    assert!(listed(&host, "motion-detector").built_in);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pin_refuses_every_other_version_and_says_so() {
    let place = Place::new();
    let host = place.open();
    let first = host.extension_set("look", version(1), None).await.unwrap();
    let pin = first.component.sha256.clone();
    active(&host, &json!({"name": "look", "sha256": pin})).await;
    let error = host.extension_set("look", version(2), None).await.unwrap_err();
    assert_eq!(codes(&error), (400, "BadRequest", vec!["ModuleValidationError"]));
    assert!(
        error.message.contains(&format!("the topology wants {pin}")),
        "{error}"
    );
    assert_eq!(listed(&host, "look").sha256, pin, "nothing was changed");
    assert_eq!(place.event_types(NODE), [LOADED, REFUSED]);

    let other = "0".repeat(64);
    let error = host
        .extension_set("look", version(3), Some(&other))
        .await
        .unwrap_err();
    assert_eq!(codes(&error), (400, "BadRequest", vec!["ExtensionPinned"]));
}

#[tokio::test]
async fn what_is_no_component_or_no_name_is_refused() {
    let place = Place::new();
    let host = place.open();
    for name in ["", "Look", "a/b", "../a", "a b", "-"] {
        let error = host.extension_set(name, version(1), None).await.unwrap_err();
        assert_eq!(
            codes(&error),
            (400, "BadRequest", vec!["ExtensionNameInvalid"]),
            "{name}"
        );
    }
    let error = host
        .extension_set("look", b"(module)".to_vec(), None)
        .await
        .unwrap_err();
    assert_eq!(codes(&error), (400, "BadRequest", vec!["ModuleValidationError"]));
    assert!(
        error.details[0]
            .hint
            .as_ref()
            .unwrap()
            .contains("wasm-tools parse"),
        "{error:?}"
    );
    assert!(host.extension_list().iter().all(|one| one.built_in));
    host.topology_set(&topology(&json!({"name": "nobody"})))
        .await
        .unwrap();
    let error = host
        .instance_set(&instance("i", "t", &no_parameters()))
        .await
        .unwrap_err();
    assert!(
        error.details[0]
            .message
            .contains("there is no component `nobody`"),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_outlive_the_host() {
    let place = Place::new();
    let host = place.open();
    let set = host.extension_set("look", version(1), None).await.unwrap();
    active(&host, &json!({"name": "look"})).await;
    host.shutdown().await;
    drop(host);
    let host = place.open();
    assert_eq!(listed(&host, "look").sha256, set.component.sha256);
    host.resume().await;
    assert_eq!(state(&host, "i").await, InstanceState::Active);
    host.instance_deactivate("i").await.unwrap();
}

#[tokio::test]
async fn nodes_whose_components_are_compiled_for_an_activation_say_so() {
    use crate::graph::host::catalog::Compilations;
    use crate::nodes::TABLE;
    use crate::topology::{Bindings, resolve};
    let doc = TopologyDoc::parse(&topology(&json!({"name": "look"}))).unwrap();
    let graph = resolve(&doc, &Bindings::default(), "i", TABLE).unwrap();
    let look = graph.nodes.iter().find(|node| node.name == "look").unwrap();
    let compilations = Compilations::default();
    compilations.tell(look, Some("compiling"));
    let status = compilations.status();
    assert_eq!(
        (status[0].node.as_str(), status[0].state, status[0].node_type),
        ("look", "compiling", "#MediaGraph.ExtensionProcessor")
    );
    compilations.tell(look, None);
    assert!(compilations.status().is_empty());
}
