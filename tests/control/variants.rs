//! Topologies of the kind that people brought from Live Video Analytics, in all the spellings that it took: each runs at
//! one host, on one camera that asks for a password, and delivers what it is for.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::common::camera::Camera;
use crate::common::clip::{cut, yard};
use crate::common::graph::{SOON, START, assets, files};
use crate::common::host::{Events, Host, Reply};
use crate::common::judge::{self, Recording};
use crate::common::process::until;

const USER: &str = "gate";
/// No reply, event or line of the log may hold it.
const PASSWORD: &str = "canary-91c4";
/// In the clip of the demo, somebody runs through the picture from 10.2 s to 13.6 s.
const MOVEMENT: (u32, u32) = (10, 6);
/// Where the file sinks write.
const MEDIA: &str = "/var/media/variants";
/// Longer than the gates below let through.
const SHORT_SECONDS: f64 = 15.0;

struct Place {
    host: Host,
    events: Events,
    camera: Camera,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (start, seconds) = MOVEMENT;
        let clip = cut(&yard(), start, seconds, &folder.path().join("clip.mp4"));
        let host = Host::start(&folder.path().join("state"));
        Self {
            events: host.events(""),
            host,
            camera: Camera::ours(&clip, &["--user", &format!("{USER}:{PASSWORD}")]),
            folder,
        }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Sets the topology and an instance of the same name in small letters, with these values, and activates it.
    fn start(&self, topology: &str, values: &[(&str, &str)]) -> Running<'_> {
        let running = self.set(topology, values);
        assert_eq!(running.ask("Activate").with(200), Value::Null, "{topology}");
        running
    }

    fn set(&self, topology: &str, values: &[(&str, &str)]) -> Running<'_> {
        let stored = self.host.method("GraphTopologySet", topology).with(201);
        let name = stored["name"].as_str().unwrap().to_owned();
        let instance = name.to_ascii_lowercase();
        let values: Vec<(String, String)> = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let set = self.host.set_instance(&instance, &name, &values).with(201);
        assert!(!format!("{stored}{set}").contains(PASSWORD), "{name}");
        Running {
            place: self,
            topology: name,
            instance,
        }
    }

    /// User, password, and where the camera is.
    fn camera(&self) -> [(&'static str, &str); 3] {
        [("url", &self.camera.url), ("user", USER), ("password", PASSWORD)]
    }

    /// The clips whose names start so.
    fn clips(&self, file: bool, start: &str) -> Vec<Recording> {
        let all = if file {
            files(&self.state(), MEDIA)
        } else {
            assets(&self.state())
        };
        let named = |path: &&PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(start);
        let clips: Vec<Recording> = all.iter().filter(named).map(|path| judge::judged(path)).collect();
        assert!(!clips.is_empty(), "no `{start}` in {all:?}");
        clips
    }

    /// It ends as it should, and nobody has told the password.
    fn stop(self) {
        let text = self.events.text();
        let ended = self.host.stop();
        for said in [&text, &ended.stderr] {
            assert!(!said.contains(PASSWORD), "the password was told:\n{said}");
        }
    }
}

/// An instance.
struct Running<'a> {
    place: &'a Place,
    topology: String,
    instance: String,
}

impl Running<'_> {
    fn ask(&self, what: &str) -> Reply {
        self.place
            .host
            .named(&format!("GraphInstance{what}"), &self.instance)
    }

    fn wait(&self, event: &str, count: usize) -> Vec<crate::common::graph::Event> {
        self.place.events.wait(&self.instance, event, count, START + SOON)
    }

    /// The first inference that leaves by an output.
    fn inference(&self, output: &str, node: &str) -> Value {
        let query = format!("&instance={}&output={output}", self.instance);
        let events = self
            .place
            .host
            .events(&query)
            .wait(&self.instance, "Inference", 1, START + SOON);
        assert_eq!(events[0].node(), node);
        events[0].data("inferences")[0].clone()
    }

    /// Waits until that many pictures or sounds have come to a node.
    fn received(&self, node: &str, count: u64) {
        until(
            &format!("{count} units at {node} of {}", self.instance),
            SOON,
            || {
                let target = format!("/api/GraphInstance/{}/status", self.instance);
                let status = self
                    .place
                    .host
                    .send(&crate::common::host::wire::Request::get(&target))
                    .json();
                let nodes = status["nodes"].as_array().unwrap().clone();
                let node = nodes.into_iter().find(|one| one["node"] == node).unwrap();
                (node["received"].as_u64().unwrap() >= count).then_some(())
            },
        );
    }

    fn end(self) {
        self.ask("Deactivate").with(200);
        self.ask("Delete").with(200);
        self.place
            .host
            .named("GraphTopologyDelete", &self.topology)
            .with(200);
    }
}

fn camera(prefix: &str) -> Value {
    json!({
        "@type": format!("{prefix}RtspSource"),
        "name": "camera",
        "endpoint": {
            "@type": format!("{prefix}UnsecuredEndpoint"),
            "url": "${url}",
            "credentials": {
                "@type": format!("{prefix}UsernamePasswordCredentials"),
                "username": "${user}",
                "password": "${password}",
            },
        },
    })
}

fn document(version: &str, name: &str, sources: Value, processors: Value, sinks: Value) -> String {
    let texts = ["url", "user"].map(|name| json!({"name": name, "type": "String"}));
    let secret = json!({"name": "password", "type": "SecretString"});
    let parameters: Vec<Value> = texts.into_iter().chain([secret]).collect();
    json!({"@apiVersion": version, "name": name, "properties": {
        "parameters": parameters, "sources": sources, "processors": processors, "sinks": sinks,
    }})
    .to_string()
}

const LVA: &str = "#Microsoft.Media.MediaGraph";
const AVA: &str = "#Microsoft.VideoAnalyzer.";

/// The words of Azure Video Analyzer for every node that runs.
static VIDEO_ANALYZER: LazyLock<String> = LazyLock::new(|| {
    let messages =
        json!({"@type": format!("{AVA}IotHubMessageSource"), "name": "door", "hubInputName": "bell"});
    document(
        "1.1",
        "VideoAnalyzer",
        json!([camera(AVA), messages]),
        json!([
            {"@type": format!("{AVA}MotionDetectionProcessor"), "name": "motion", "sensitivity": "high",
                "outputMotionRegion": true, "eventAggregationWindow": "PT0S", "inputs": [{"nodeName": "camera"}]},
            {"@type": format!("{AVA}SignalGateProcessor"), "name": "gate",
                "activationEvaluationWindow": "PT1S", "activationSignalOffset": "-PT1S",
                "minimumActivationTime": "PT3S", "maximumActivationTime": "PT3S",
                "inputs": [{"nodeName": "camera"}, {"nodeName": "door"}]},
        ]),
        json!([
            {"@type": format!("{AVA}VideoSink"), "name": "video",
                "videoName": "video-${System.TopologyName}-${System.PipelineName}",
                "videoCreationProperties": {"title": "Porch", "segmentLength": "PT30S", "retentionPeriod": "P1D"},
                "localMediaCachePath": "/var/lib/videoanalyzer/tmp/", "localMediaCacheMaximumSizeMiB": "2048",
                "inputs": [{"nodeName": "gate"}]},
            {"@type": format!("{AVA}FileSink"), "name": "file", "baseDirectoryPath": MEDIA,
                "fileNamePattern": "ava-${System.Runtime.DateTime}", "maximumSizeMiB": "64",
                "inputs": [{"nodeName": "gate"}]},
            {"@type": format!("{AVA}IotHubMessageSink"), "name": "hub", "hubOutputName": "ava", "inputs": [{"nodeName": "motion"}]},
        ]),
    )
});

/// 1.0: fewer frames to a detector, numbers without quotes, and a file sink with a whole path.
static OLD: LazyLock<String> = LazyLock::new(|| {
    document(
        "1.0",
        "Old",
        json!([camera(LVA)]),
        json!([
            {"@type": format!("{LVA}FrameRateFilterProcessor"), "name": "fewer", "maximumFps": 12.5, "inputs": [{"nodeName": "camera"}]},
            {"@type": "#MediaGraph.ExtensionProcessor", "name": "detector", "extension": {"name": "motion-detector"},
                "inputs": [{"nodeName": "fewer"}]},
            {"@type": format!("{LVA}SignalGateProcessor"), "name": "gate",
                "activationEvaluationWindow": "PT1S", "activationSignalOffset": "PT0S",
                "minimumActivationTime": "PT3S", "maximumActivationTime": "PT3S",
                "inputs": [{"nodeName": "detector"}, {"nodeName": "camera"}]},
        ]),
        json!([
            {"@type": format!("{LVA}FileSink"), "name": "file",
                "filePathPattern": format!("{MEDIA}/old-${{System.GraphInstanceName}}-${{System.DateTime}}"),
                "inputs": [{"nodeName": "gate"}]},
            {"@type": format!("{LVA}IoTHubMessageSink"), "name": "hub", "hubOutputName": "old", "inputs": [{"nodeName": "detector"}]},
        ]),
    )
});

/// Members, types and words in whatever letters.
const CASING: &str = r##"{
    "@APIversion": "2.0", "Name": "Casing", "PROPERTIES": {
        "Description": null,
        "Parameters": [
            {"Name": "url", "TYPE": "STRING"}, {"name": "user", "type": "string"}, {"name": "password", "type": "secretstring"}
        ],
        "Sources": [{
            "@Type": "#microsoft.media.MEDIAGRAPHrtspsource", "NAME": "camera", "Transport": "TCP",
            "EndPoint": {
                "@TYPE": "#Microsoft.Media.mediaGraphUnsecuredEndpoint", "URL": "${url}",
                "Credentials": {"@type": "#microsoft.media.mediagraphusernamepasswordcredentials", "UserName": "${user}", "PassWord": "${password}"}
            }
        }],
        "sinks": [{
            "@type": "#Microsoft.Media.MediaGraphAssetSink", "name": "everything", "AssetNamePattern": "casing",
            "SegmentLength": "PT30S", "localMediaCachePath": "/var/lib/azuremediaservices/tmp/", "LocalMediaCacheMaximumSizeMIB": 200,
            "Inputs": [{"NodeName": "camera", "OutputSelectors": [{"Property": "MEDIATYPE", "Operator": "ISNOT", "Value": "Application"}]}]
        }]
    }
}"##;

fn asset(name: &str, selectors: Value) -> Value {
    json!({"@type": format!("{LVA}AssetSink"), "name": name, "assetNamePattern": name,
        "localMediaCachePath": "/var/lib/azuremediaservices/tmp/", "localMediaCacheMaximumSizeMiB": 200,
        "inputs": [{"nodeName": "camera", "outputSelectors": selectors}]})
}

fn selector(operator: &str, value: &str) -> Value {
    json!({"property": "mediaType", "operator": operator, "value": value})
}

/// What each sink is to get.
static SELECTORS: LazyLock<String> = LazyLock::new(|| {
    let sinks = json!([
        asset("select-all", json!([])),
        asset("select-both", json!([selector("isNot", "application")])),
        asset("select-silent", json!([selector("isNot", "audio")])),
        asset(
            "select-several",
            json!([selector("isNot", "application"), selector("is", "video")])
        ),
    ]);
    document("2.0", "Selectors", json!([camera(LVA)]), json!([]), sinks)
});

/// Parameters of all five types, with defaults in quotes and without, and several in one string.
static TYPES: LazyLock<String> = LazyLock::new(|| {
    let mut source = camera(LVA);
    source["endpoint"]["url"] = "${scheme}://${host}:${port}/${path}".into();
    let motion = json!({"@type": "#MediaGraph.ExtensionProcessor", "name": "motion",
        "extension": {"name": "motion-detector"}, "config": {"sensitivity": "High", "outputMotionRegion": "${boxes}"},
        "samplingOptions": {"skipSamplesWithoutAnnotation": "${skip}", "maximumSamplesPerSecond": "${rate}"},
        "inputs": [{"nodeName": "camera"}]});
    let mut sink = asset("${site}-${lane}-${System.GraphInstanceName}", json!([]));
    sink["name"] = "everything".into();
    sink["localMediaCacheMaximumSizeMiB"] = "${cache}".into();
    let hub = json!({"@type": format!("{LVA}IoTHubMessageSink"), "name": "hub", "hubOutputName": "${site}${lane}", "inputs": [{"nodeName": "motion"}]});
    json!({"@apiVersion": "2.0", "name": "Types", "properties": {
        "parameters": [
            {"name": "scheme", "type": "String", "default": "rtsp"},
            {"name": "host", "type": "String"},
            {"name": "port", "type": "Int"},
            {"name": "path", "type": "String"},
            {"name": "user", "type": "String"},
            {"name": "password", "type": "SecretString"},
            {"name": "boxes", "type": "Bool", "default": "true"},
            {"name": "skip", "type": "bool", "default": false},
            {"name": "rate", "type": "Double", "default": 2},
            {"name": "cache", "type": "Int", "default": 200},
            {"name": "site", "type": "String", "default": "mill"},
            {"name": "lane", "type": "Int", "default": "1"},
        ],
        "sources": [source], "processors": [motion], "sinks": [sink, hub],
    }})
    .to_string()
});

/// A clip when a message comes, as an asset and as a file.
static MESSAGE: LazyLock<String> = LazyLock::new(|| {
    let source = json!({"@type": format!("{LVA}IoTHubMessageSource"), "name": "trigger", "hubInputName": "recordingTrigger"});
    let gate = json!({"@type": format!("{LVA}SignalGateProcessor"), "name": "gate",
        "activationEvaluationWindow": "PT1S", "activationSignalOffset": "-PT2S",
        "minimumActivationTime": "PT3S", "maximumActivationTime": "PT3S",
        "inputs": [{"nodeName": "trigger"}, {"nodeName": "camera"}]});
    let mut sink = asset("asset", json!([]));
    sink["assetNamePattern"] = "message-${System.DateTime}".into();
    sink["inputs"][0]["nodeName"] = "gate".into();
    let file = json!({"@type": format!("{LVA}FileSink"), "name": "file", "baseDirectoryPath": MEDIA,
        "fileNamePattern": "message-${System.DateTime}", "maximumSizeMiB": 64, "inputs": [{"nodeName": "gate"}]});
    document(
        "2.0",
        "Message",
        json!([camera(LVA), source]),
        json!([gate]),
        json!([sink, file]),
    )
});

/// The words of Azure Video Analyzer for servers that look at frames.
static SERVERS: LazyLock<String> = LazyLock::new(|| {
    let extension = |kind: &str, name: &str, url: &str, more: Value| {
        let mut node = json!({"@type": format!("{AVA}{kind}"), "name": name,
            "endpoint": {"@type": format!("{AVA}UnsecuredEndpoint"), "url": url},
            "image": {"scale": {"mode": "pad", "width": "416", "height": 416}, "format": {"@type": format!("{AVA}ImageFormatJpeg"), "quality": "90"}},
            "samplingOptions": {"skipSamplesWithoutAnnotation": "false", "maximumSamplesPerSecond": 0.5},
            "inputs": [{"nodeName": "camera"}]});
        let members = node.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        node
    };
    let operation = json!({"@type": format!("{AVA}SpatialAnalysisPersonCountOperation"), "zones": [{"events": [{"threshold": "5"}],
        "zone": {"@type": format!("{AVA}NamedPolygonString"), "name": "door", "polygon": "[[0,0],[0,1],[1,1]]"}}]});
    let transfer = json!({"mode": "embedded"});
    let processors = json!([
        extension("HttpExtension", "http", "http://127.0.0.1:9/score", json!({})),
        extension(
            "GrpcExtension",
            "grpc",
            "tcp://127.0.0.1:9",
            json!({"dataTransfer": transfer, "extensionConfiguration": "{}"})
        ),
        extension(
            "CognitiveServicesVisionProcessor",
            "vision",
            "tcp://127.0.0.1:9",
            json!({"operation": operation})
        ),
    ]);
    let hub = json!({"@type": format!("{AVA}IotHubMessageSink"), "name": "hub", "hubOutputName": "out",
        "inputs": [{"nodeName": "http"}, {"nodeName": "grpc"}, {"nodeName": "vision"}]});
    document("1.0", "Servers", json!([camera(AVA)]), processors, json!([hub]))
});

/// The camera's address in parts: host, port, path.
fn parts(url: &str) -> (&str, &str, &str) {
    let (address, path) = url.trim_start_matches("rtsp://").split_once('/').unwrap();
    let (host, port) = address.split_once(':').unwrap();
    (host, port, path)
}

fn is_short(clips: &[Recording]) {
    for clip in clips {
        assert!(clip.seconds() < SHORT_SECONDS, "{} s", clip.seconds());
    }
}

/// Whether the one asset of this name has pictures, and sound.
fn tracks(state: &Path, name: &str) -> (bool, bool) {
    let recording = judge::judged(&state.join("assets").join(name));
    (!recording.video().is_empty(), !recording.audio().is_empty())
}

#[test]
fn topologies_in_every_spelling_that_lva_took_deliver_what_they_are_for() {
    let place = Place::new();
    let (host, port, path) = parts(&place.camera.url);
    let types = [
        ("host", host),
        ("port", port),
        ("path", path),
        ("user", USER),
        ("password", PASSWORD),
        ("boxes", "FALSE"),
        ("rate", "12.5"),
        ("lane", "7"),
    ];
    let analyzer = place.start(&VIDEO_ANALYZER, &place.camera());
    let old = place.start(&OLD, &place.camera());
    let casing = place.start(CASING, &place.camera());
    let selectors = place.start(&SELECTORS, &place.camera());
    let types = place.start(&TYPES, &types);
    let message = place.start(&MESSAGE, &place.camera());

    assert!(analyzer.inference("ava", "motion")["motion"]["box"].is_object());
    assert!(old.inference("old", "detector")["motion"]["box"].is_object());
    // Without regions, the whole picture.
    let whole = json!({"type": "motion", "motion": {"box": {"l": 0.0, "t": 0.0, "w": 1.0, "h": 1.0}}});
    assert_eq!(types.inference("mill7", "motion"), whole);

    // The gates have media now. A message is for whom it is meant for.
    assert_eq!(place.host.message("recordingTrigger", "?instance=old"), 0);
    assert_eq!(place.host.message("recordingTrigger", "?instance=message"), 1);
    assert_eq!(place.host.message("bell", ""), 1);
    for running in [&analyzer, &message] {
        running.wait("RecordingAvailable", 2);
        running.wait("RecordingStopped", 2);
    }
    old.wait("RecordingAvailable", 1);
    casing.received("everything", 100);
    selectors.received("select-several", 100);
    types.received("everything", 100);
    for running in [analyzer, old, casing, selectors, types, message] {
        running.end();
    }

    let state = place.state();
    assert_eq!(tracks(&state, "video-VideoAnalyzer-videoanalyzer"), (true, true));
    for (file, start) in [
        (true, "ava-"),
        (true, "old-old-"),
        (false, "message-"),
        (true, "message-"),
    ] {
        is_short(&place.clips(file, start));
    }
    assert_eq!(tracks(&state, "casing"), (true, true));
    assert_eq!(tracks(&state, "mill-7-types"), (true, true));
    for (name, sound) in [
        ("all", true),
        ("both", true),
        ("silent", false),
        ("several", false),
    ] {
        assert_eq!(tracks(&state, &format!("select-{name}")), (true, sound), "{name}");
    }
    place.stop();
}

#[test]
fn the_transport_through_http_is_stored_and_refused_when_it_is_to_run() {
    let place = Place::new();
    let mut source = camera(LVA);
    source["transport"] = "http".into();
    let topology = document(
        "2.0",
        "Tunnel",
        json!([source]),
        json!([]),
        json!([asset("tunnel", json!([]))]),
    );
    let running = place.set(&topology, &place.camera());
    let refused = running.ask("Activate");
    assert_eq!(
        (refused.status, refused.codes()),
        (400, vec!["ModuleValidationError", "NotYetAvailable"])
    );
    for detail in refused.payload["error"]["details"].as_array().unwrap() {
        assert_eq!(
            detail["target"], "$.Properties.Sources[0].Transport",
            "{detail:#}"
        );
        assert_eq!(detail["hint"], "use `Tcp`", "{detail:#}");
    }
    assert_eq!(place.host.state(&running.instance), "Inactive");
    running.end();
    place.stop();
}

#[test]
fn extensions_in_the_words_of_video_analyzer_run_and_say_that_their_servers_are_away() {
    let place = Place::new();
    let running = place.set(&SERVERS, &place.camera());
    assert_eq!(running.ask("Activate").status, 200);
    let told = running.wait("ExtensionDown", 3);
    let mut nodes: Vec<&str> = told.iter().map(|event| event.node()).collect();
    nodes.sort_unstable();
    assert_eq!(nodes, ["grpc", "http", "vision"]);
    assert!(
        told.iter().all(|event| event.text("code") == "connectionLost"),
        "{told:?}"
    );
    running.ask("Deactivate");
    running.end();
    place.stop();
}
