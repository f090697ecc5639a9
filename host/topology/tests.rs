//! The whole way, with the host's own table.

use serde_json::{Value, json};

use super::*;
use crate::nodes::{Config, TABLE};

mod properties;

fn source(name: &str) -> Value {
    json!({
        "@type": "#Microsoft.Media.MediaGraphRtspSource", "name": name,
        "endpoint": {"@type": "#Microsoft.Media.MediaGraphUnsecuredEndpoint", "url": "${rtspUrl}",
            "credentials": {"@type": "#Microsoft.Media.MediaGraphUsernamePasswordCredentials",
                "username": "${user}", "password": "${password}"}}
    })
}

fn recording() -> Value {
    json!({
        "@apiVersion": "2.0", "name": "Test",
        "properties": {
            "parameters": [
                {"name": "rtspUrl", "type": "String", "default": "rtsp://camera/"},
                {"name": "user", "type": "String", "default": ""},
                {"name": "password", "type": "SecretString", "default": "hunter2"}
            ],
            "sources": [source("camera")],
            "sinks": [{
                "@type": "#Microsoft.Media.MediaGraphAssetSink", "name": "sink",
                "assetNamePattern": "a-${System.GraphInstanceName}-${System.DateTime}",
                "inputs": [{"nodeName": "camera"}]
            }]
        }
    })
}

fn doc(value: &Value) -> TopologyDoc {
    TopologyDoc::parse(serde_json::to_string_pretty(value).unwrap().as_bytes()).unwrap()
}

fn resolved(value: &Value) -> Result<crate::nodes::Graph, Diagnostics> {
    resolve(&doc(value), &Bindings::default(), "instance", TABLE)
}

fn codes(value: &Value) -> Vec<(Code, String)> {
    let found = check(&doc(value), &Bindings::default(), "instance", TABLE).diagnostics;
    found
        .diagnostics
        .into_iter()
        .map(|one| (one.code, one.pointer))
        .collect()
}

#[test]
fn a_recording_resolves_to_a_typed_graph() {
    let graph = resolved(&recording()).unwrap();
    assert!(graph.warnings.is_empty(), "{}", graph.warnings);
    let [camera, sink] = graph.nodes.as_slice() else {
        panic!("{graph:?}")
    };
    assert_eq!((camera.name.as_str(), sink.inputs[0].node), ("camera", 0));
    let Config::AssetSink(config) = &sink.config else {
        panic!("{sink:?}")
    };
    let at = "2020-05-12T23:33:09Z".parse().unwrap();
    assert_eq!(
        config.asset_name_pattern.render(at),
        "a-instance-20200512T233309Z"
    );
    let Config::RtspSource(config) = &camera.config else {
        panic!("{camera:?}")
    };
    assert!(
        config.endpoint.credentials().is_none(),
        "an empty user name means no credentials"
    );
}

#[test]
fn a_video_sink_is_an_asset_sink_in_other_words() {
    let mut topology = recording();
    topology["@apiVersion"] = json!("1.1");
    topology["properties"]["sinks"][0] = json!({
        "@type": "#Microsoft.VideoAnalyzer.VideoSink", "name": "sink",
        "videoName": "v-${System.PipelineName}",
        "localMediaCachePath": "/var/lib/videoanalyzer/tmp/", "localMediaCacheMaximumSizeMiB": "2048",
        "videoCreationProperties": {"title": "t", "segmentLength": "PT60S", "retentionPeriod": "P1D"},
        "videoPublishingOptions": {"enableVideoPreviewImage": "true"},
        "inputs": [{"nodeName": "camera"}]
    });
    let graph = resolved(&topology).unwrap();
    let Config::AssetSink(config) = &graph.nodes[1].config else {
        panic!("{graph:?}")
    };
    assert_eq!(config.segment_length.0, crate::media::Ticks::from_secs(60));
    let odd: Vec<&str> = graph
        .warnings
        .diagnostics
        .iter()
        .map(|one| one.pointer.as_str())
        .collect();
    let members = [
        "videoCreationProperties/retentionPeriod",
        "videoPublishingOptions/enableVideoPreviewImage",
    ];
    assert_eq!(odd, members.map(|member| format!("/properties/sinks/0/{member}")));
    topology["properties"]["sinks"][0]["videoCreationProperties"]["segmentLength"] = json!("PT45S");
    assert!(codes(&topology).contains(&(
        Code::PropertyValueOutOfRange,
        "/properties/sinks/0/videoCreationProperties/segmentLength".to_owned()
    )));
}

#[test]
fn trackers_and_line_counters_are_understood_before_they_run() {
    let extension = |name: &str| format!("#Microsoft.VideoAnalyzer.{name}");
    let line = |at: &str| json!([{"@type": extension("NamedLineString"), "name": "door", "line": at}]);
    let mut topology = recording();
    topology["properties"]["processors"] = json!([
        {"@type": extension("HttpExtension"), "name": "found", "inputs": [{"nodeName": "camera"}],
            "endpoint": {"@type": extension("UnsecuredEndpoint"), "url": "http://server/score"},
            "image": {"format": {"@type": extension("ImageFormatBmp")}}},
        {"@type": extension("ObjectTrackingProcessor"), "name": "tracked", "accuracy": "High",
            "inputs": [{"nodeName": "found"}]},
        {"@type": extension("LineCrossingProcessor"), "name": "counted", "inputs": [{"nodeName": "tracked"}],
            "lines": line("[[0.1, 0.5], [0.9, 0.5]]")}
    ]);
    let sinks = topology["properties"]["sinks"].as_array_mut().unwrap();
    sinks[0]["inputs"] = json!([{"nodeName": "camera"}, {"nodeName": "tracked"}]);
    let hub = json!({"@type": extension("IotHubMessageSink"), "name": "hub", "hubOutputName": "o",
        "inputs": [{"nodeName": "counted"}]});
    sinks.push(hub);
    assert_eq!(codes(&topology), []);
    for at in [
        "[[0.1, 0.5], [0.1, 0.5]]",
        "[[0.1, 0.5], [0.9, 1.5]]",
        "door",
        "[[1]]",
    ] {
        topology["properties"]["processors"][2]["lines"] = line(at);
        let wrong = (
            Code::PropertyValueInvalid,
            "/properties/processors/2/lines".to_owned(),
        );
        assert!(codes(&topology).contains(&wrong), "{at}");
    }
    topology["properties"]["sinks"][0]["inputs"] = json!([{"nodeName": "tracked"}]);
    let nothing = (
        Code::GraphValidationError,
        "/properties/sinks/0/inputs".to_owned(),
    );
    assert!(codes(&topology).contains(&nothing), "{:?}", codes(&topology));
}

#[test]
fn secrets_never_show() {
    let mut topology = recording();
    topology["properties"]["parameters"][1]["default"] = "me".into();
    let graph = resolved(&topology).unwrap();
    assert!(!format!("{graph:?}").contains("hunter2"));
    // Put where it would be seen, it is refused without being repeated.
    topology["properties"]["sinks"][0]["assetNamePattern"] = "a-${password}".into();
    topology["properties"]["sources"][0]["transport"] = "${password}".into();
    let errors = resolved(&topology).unwrap_err();
    assert_eq!(errors.errors, 2, "{errors}");
    assert!(!errors.to_string().contains("hunter2"));
    // A secret URL is taken, and its text is kept out of errors and of Debug output.
    let mut topology = recording();
    topology["properties"]["sources"][0]["endpoint"]["url"] = "${password}".into();
    assert!(!resolved(&topology).unwrap_err().to_string().contains("hunter2"));
    topology["properties"]["parameters"][2]["default"] = "rtsp://camera/hunter2".into();
    assert!(!format!("{:?}", resolved(&topology).unwrap()).contains("hunter2"));
}

#[test]
fn casing_and_bare_scalars_do_not_matter() {
    let mut topology = recording();
    let node = &mut topology["properties"]["sources"][0];
    node["Transport"] = "TCP".into();
    node["@type"] = "#microsoft.videoAnalyzer.rtspSource".into();
    topology["properties"]["sinks"][0]["LocalMediaCacheMaximumSizeMib"] = 20.into();
    topology["properties"]["parameters"][0]["type"] = "string".into();
    let graph = resolved(&topology).unwrap();
    let Config::AssetSink(config) = &graph.nodes[1].config else {
        panic!()
    };
    assert_eq!(config.local_media_cache_maximum_size_mib, Some(20));
}

#[test]
fn a_component_s_configuration_takes_the_types_of_parameters() {
    let mut topology = recording();
    topology["properties"]["parameters"]
        .as_array_mut()
        .unwrap()
        .extend([
            json!({"name": "limit", "type": "Double", "default": "0.5"}),
            json!({"name": "on", "type": "Bool", "default": "True"}),
            json!({"name": "count", "type": "Int", "default": 7}),
        ]);
    topology["properties"]["processors"] = json!([{
        "@type": "#MediaGraph.ExtensionProcessor", "name": "look", "inputs": [{"nodeName": "camera"}],
        "extension": {"name": "x"},
        "config": {"limit": "${limit}", "on": "${on}", "list": ["${count}", "n=${count}", "$${count}"], "Null": null}
    }]);
    let graph = resolved(&topology).unwrap();
    let extension = graph.nodes.iter().find_map(|node| match &node.config {
        Config::Extension(config) => Some(config.config.0.clone()),
        _ => None,
    });
    assert_eq!(
        Value::Object(extension.unwrap()),
        json!({"limit": 0.5, "on": true, "list": [7, "n=7", "${count}"], "Null": null})
    );
}

#[test]
fn without_values_everything_else_is_still_checked() {
    let mut topology = recording();
    topology["properties"]["parameters"][2]
        .as_object_mut()
        .unwrap()
        .remove("default");
    topology["properties"]["sources"][0]["endpoint"]["url"] = "http://camera".into();
    let checked = check(&doc(&topology), &Bindings::default(), "i", TABLE);
    assert_eq!(checked.missing, ["password"]);
    assert_eq!(checked.diagnostics.errors, 1);
    assert_eq!(checked.diagnostics.diagnostics[0].code, Code::ParameterUnused);
    assert_eq!(
        checked.diagnostics.diagnostics[1].code,
        Code::RtspEndpointUrlInvalidScheme
    );
}

#[test]
fn bindings_are_checked_against_the_declarations() {
    let bindings = Bindings::from_pairs(["rtspUrl=rtsp://c/?a=b", "pasword=x"]).unwrap();
    let errors = resolve(&doc(&recording()), &bindings, "i", TABLE).unwrap_err();
    let [one] = errors.diagnostics.as_slice() else {
        panic!("{errors}")
    };
    assert_eq!(
        (one.code, one.hint.as_deref()),
        (Code::ParameterUndeclared, Some("did you mean `password`?"))
    );
    assert!(Bindings::from_pairs(["x"]).is_err());
    assert!(Bindings::from_pairs(["x=1", "x=2"]).is_err());
}

#[test]
fn a_value_may_bring_a_date_into_a_name_but_nothing_else() {
    let mut topology = recording();
    topology["properties"]["sinks"][0]["assetNamePattern"] = "${rtspUrl}-${user}".into();
    topology["properties"]["sources"][0]["endpoint"]["url"] = "rtsp://camera".into();
    let bindings = Bindings::from_pairs(["rtspUrl=a-${System.DateTime}", "user=${password}"]).unwrap();
    let graph = resolve(&doc(&topology), &bindings, "i", TABLE).unwrap();
    let Config::AssetSink(config) = &graph.nodes[1].config else {
        panic!()
    };
    assert_eq!(
        config.asset_name_pattern.render(jiff::Timestamp::UNIX_EPOCH),
        "a-19700101T000000Z-${password}"
    );
}

/// Changes to a valid topology, and the one error each must cause.
#[test]
fn each_mistake_has_its_code_and_pointer() {
    let cases: [(&str, Value, Code, &str); 17] = [
        (
            "/@apiVersion",
            json!("3.0"),
            Code::ApiVersionNotSupported,
            "/@apiVersion",
        ),
        ("/name", json!("-a"), Code::PropertyValueInvalidPattern, "/name"),
        (
            "/name",
            json!("a".repeat(33)),
            Code::PropertyValueInvalidPattern,
            "/name",
        ),
        (
            "/properties/colour",
            json!(1),
            Code::PropertyUnknown,
            "/properties/colour",
        ),
        (
            "/properties/sources",
            json!("x"),
            Code::PropertyValueInvalid,
            "/properties/sources",
        ),
        (
            "/properties/parameters/0/type",
            json!("Text"),
            Code::PropertyValueInvalid,
            "/properties/parameters/0/type",
        ),
        (
            "/properties/parameters/0/default",
            json!("http://x"),
            Code::RtspEndpointUrlInvalidScheme,
            "/properties/sources/0/endpoint/url",
        ),
        (
            "/properties/sources/0/endpoint/@type",
            json!("#Microsoft.Media.MediaGraphEndpoint"),
            Code::TypeUnknown,
            "/properties/sources/0/endpoint/@type",
        ),
        (
            "/properties/sources/0/transport",
            json!("http"),
            Code::NotYetAvailable,
            "/properties/sources/0/transport",
        ),
        (
            "/properties/sources/0/transport",
            json!("udp"),
            Code::PropertyValueInvalid,
            "/properties/sources/0/transport",
        ),
        (
            "/properties/sources/0/name",
            json!("a b"),
            Code::PropertyValueInvalidPattern,
            "/properties/sources/0/name",
        ),
        (
            "/properties/sinks/0/assetNamePattern",
            json!("a.b"),
            Code::PropertyValueInvalidPattern,
            "/properties/sinks/0/assetNamePattern",
        ),
        (
            "/properties/sinks/0/assetNamePattern",
            json!("${nope}"),
            Code::ParameterUndeclared,
            "/properties/sinks/0/assetNamePattern",
        ),
        (
            "/properties/sinks/0/assetNamePattern",
            json!("${nope"),
            Code::ParameterInvalid,
            "/properties/sinks/0/assetNamePattern",
        ),
        (
            "/properties/sinks/0/segmentLength",
            json!("PT10S"),
            Code::PropertyValueOutOfRange,
            "/properties/sinks/0/segmentLength",
        ),
        (
            "/properties/sinks/0/segmentLength",
            json!("PT45S"),
            Code::PropertyValueOutOfRange,
            "/properties/sinks/0/segmentLength",
        ),
        (
            "/properties/sinks/0/inputs/0/nodeName",
            json!("camara"),
            Code::GraphValidationError,
            "/properties/sinks/0/inputs/0/nodeName",
        ),
    ];
    for (at, value, code, pointer) in cases {
        let mut topology = recording();
        let (parent, member) = at.rsplit_once('/').unwrap();
        topology.pointer_mut(parent).unwrap()[member] = value.clone();
        let found = codes(&topology);
        assert!(
            found.contains(&(code, pointer.to_owned())),
            "{at} = {value}: {found:?}"
        );
    }
}

#[test]
fn connection_rules_are_kept() {
    let motion = |name: &str, input: &str| {
        json!({"@type": "#Microsoft.Media.MediaGraphMotionDetectionProcessor", "name": name,
            "inputs": [{"nodeName": input}]})
    };
    let gate = |inputs: &[&str]| {
        let inputs: Vec<Value> = inputs.iter().map(|name| json!({"nodeName": name})).collect();
        json!({"@type": "#Microsoft.Media.MediaGraphSignalGateProcessor", "name": "gate", "inputs": inputs})
    };
    let cases: [(Vec<Value>, &str, Option<&str>); 7] = [
        (vec![motion("m", "camera"), gate(&["m", "camera"])], "gate", None),
        (
            vec![motion("m", "camera"), gate(&["m"])],
            "gate",
            Some("needs an RTSP source"),
        ),
        (
            vec![motion("m", "camera")],
            "m",
            Some("cannot stand directly behind a motion detector"),
        ),
        (
            vec![motion("m", "camera"), motion("n", "m")],
            "camera",
            Some("a motion detector cannot stand"),
        ),
        (vec![motion("m", "n"), motion("n", "m")], "camera", Some("circle")),
        (
            vec![motion("camera", "camera")],
            "camera",
            Some("more than one node named"),
        ),
        (
            vec![motion("m", "other"), gate(&["m", "camera", "other"])],
            "gate",
            Some("one node only"),
        ),
    ];
    for (processors, input, expected) in cases {
        let mut topology = recording();
        let other = processors.iter().any(|node| node.to_string().contains("other"));
        if other {
            topology["properties"]["sources"]
                .as_array_mut()
                .unwrap()
                .push(source("other"));
        }
        topology["properties"]["processors"] = processors.into();
        topology["properties"]["sinks"][0]["inputs"][0]["nodeName"] = input.into();
        let found = check(&doc(&topology), &Bindings::default(), "i", TABLE).diagnostics;
        match expected {
            None => assert!(!found.has_errors(), "{found}"),
            Some(text) => assert!(
                found.to_string().contains(text) && found.has_errors(),
                "{text}: {found}"
            ),
        }
    }
}

#[test]
fn a_sub_stream_may_open_the_gate_of_the_main_stream() {
    let mut topology = recording();
    topology["properties"]["sources"]
        .as_array_mut()
        .unwrap()
        .push(source("sub"));
    topology["properties"]["processors"] = json!([
        {"@type": "#Microsoft.Media.MediaGraphSignalGateProcessor", "name": "gate",
            "inputs": [{"nodeName": "motion"}, {"nodeName": "camera"}]},
        {"@type": "#Microsoft.Media.MediaGraphMotionDetectionProcessor", "name": "motion",
            "inputs": [{"nodeName": "sub"}]}
    ]);
    topology["properties"]["sinks"][0]["inputs"][0]["nodeName"] = "gate".into();
    let graph = resolved(&topology).unwrap();
    for (at, node) in graph.nodes.iter().enumerate() {
        assert!(
            node.inputs.iter().all(|input| input.node < at),
            "parents come first: {graph:?}"
        );
    }
}

#[test]
fn parts_that_do_not_meet_are_two_topologies() {
    let mut topology = recording();
    topology["properties"]["sources"]
        .as_array_mut()
        .unwrap()
        .push(source("other"));
    assert!(codes(&topology).contains(&(Code::GraphValidationError, "/properties/sources/1".into())));
    let mut second = topology["properties"]["sinks"][0].clone();
    second["name"] = "second".into();
    second["inputs"][0]["nodeName"] = "other".into();
    topology["properties"]["sinks"]
        .as_array_mut()
        .unwrap()
        .push(second);
    let found = check(&doc(&topology), &Bindings::default(), "i", TABLE).diagnostics;
    assert!(found.to_string().contains("is not connected with"), "{found}");
}

/// Our types, as if a gate could not run yet.
static WITH_PLANNED: std::sync::LazyLock<Vec<crate::topology::NodeType<crate::nodes::Config>>> =
    std::sync::LazyLock::new(|| {
        let mut table = TABLE.to_vec();
        for one in table
            .iter_mut()
            .filter(|one| one.class == crate::topology::Class::Gate)
        {
            one.status = crate::topology::Status::Planned {
                use_instead: "`something else`",
            };
        }
        table
    });

#[test]
fn a_node_that_cannot_run_yet_is_a_warning_to_check_and_an_error_to_run() {
    let mut topology = recording();
    topology["properties"]["processors"] = json!([{
        "@type": "#MediaGraph.GateProcessor", "name": "gate", "inputs": [{"nodeName": "camera"}],
        "extension": {"name": "label-gate"}
    }]);
    let found = check(&doc(&topology), &Bindings::default(), "i", &WITH_PLANNED).diagnostics;
    assert!(!found.has_errors(), "{found}");
    let errors = resolve(&doc(&topology), &Bindings::default(), "i", &WITH_PLANNED).unwrap_err();
    assert!(errors.to_string().contains("use `something else`"), "{errors}");
}

#[test]
fn expansion_has_a_limit() {
    let mut topology = recording();
    topology["properties"]["processors"] = json!([{
        "@type": "#MediaGraph.ExtensionProcessor", "name": "look", "inputs": [{"nodeName": "camera"}],
        "extension": {"name": "x"}, "config": {"bomb": vec!["${user}"; 1000]}
    }]);
    let mut bindings = Bindings::default();
    bindings.set("user", "x".repeat(limits::MAX_PARAMETER_VALUE_BYTES));
    let errors = resolve(&doc(&topology), &bindings, "i", TABLE).unwrap_err();
    assert!(
        errors
            .diagnostics
            .iter()
            .any(|one| one.code == Code::LimitExceeded)
    );
}

#[test]
fn every_name_in_the_table_is_there_once_and_its_schema_and_struct_agree() {
    let mut names: Vec<&str> = TABLE.iter().flat_map(|one| one.names.iter().copied()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for one in TABLE {
        let schema = bind::node_schema(one);
        assert!(
            !schema.to_string().contains("$ref"),
            "{}: sub-schemas are inlined",
            one.name()
        );
        assert!(schema["properties"]["@type"].is_object(), "{schema}");
    }
}

#[test]
fn one_string_of_many_references_is_refused_before_it_grows() {
    let mut topology = recording();
    topology["properties"]["sinks"][0]["assetNamePattern"] = "${user}".repeat(100_000).into();
    let mut bindings = Bindings::default();
    bindings.set("user", "x".repeat(limits::MAX_PARAMETER_VALUE_BYTES));
    let errors = resolve(&doc(&topology), &bindings, "i", TABLE).unwrap_err();
    assert!(
        errors
            .diagnostics
            .iter()
            .any(|one| one.code == Code::LimitExceeded)
    );
}
