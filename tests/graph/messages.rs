//! Messages from outside that start recordings: in this process, since `run` takes none.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mediagraph::events::hub::{EVENT_TIME, HubInputs, HubMessage};
use mediagraph::events::{Event, EventSink};
use mediagraph::extension::{EngineOptions, LazyEngine};
use mediagraph::graph::{Environment, Instance, Recordings, Runtime, prepare};
use mediagraph::media::{Clock, MediaTime, SystemClock, Ticks};
use mediagraph::nodes::TABLE;
use mediagraph::nodes::analysis::AnalysisPool;
use mediagraph::nodes::context::NodeStatus;
use mediagraph::state::StateDir;
use mediagraph::topology::{Bindings, TopologyDoc, resolve};
use serde_json::{Value, json};

use crate::common::camera::Camera;
use crate::common::clip::yard;
use crate::common::graph::{SOON, START, assets};
use crate::common::judge;
use crate::common::process::POLL;
use crate::common::topology;

/// Media that a gate has seen before anything happens.
const SEEN: Ticks = Ticks::from_secs(6);
/// Between keyframes of the clip.
const INTERVAL: f64 = 2.0;

/// Remembers events and notes.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<Event>>);

impl EventSink for Told {
    fn publish(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }

    fn note(&self, event: Event) {
        self.publish(event);
    }
}

impl Told {
    fn of(&self, instance: &str, name: &str) -> Vec<Event> {
        let all = self.0.lock().unwrap();
        let wanted = |event: &&Event| event.instance() == Some(instance) && event.event_type.ends_with(name);
        all.iter().filter(wanted).cloned().collect()
    }
}

/// Looks at a condition until it holds.
async fn until<T>(what: &str, limit: Duration, mut found: impl FnMut() -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(value) = found() {
                return value;
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let waited = tokio::time::timeout(limit, waiting).await;
    waited.unwrap_or_else(|_| panic!("not within {limit:?}: {what}"))
}

/// A host with one camera.
struct Host {
    camera: Camera,
    folder: tempfile::TempDir,
    state: Arc<StateDir>,
    recordings: Arc<Recordings>,
    told: Arc<Told>,
    clock: Arc<SystemClock>,
    runtime: Runtime,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (told, clock) = (Arc::new(Told::default()), Arc::new(SystemClock::new()));
        let runtime = Runtime {
            clock: Arc::clone(&clock) as _,
            events: Arc::clone(&told) as _,
            pool: AnalysisPool::new(Arc::clone(&clock) as _, 2),
            hub: Arc::new(HubInputs::default()),
            reach: Arc::new(mediagraph::nodes::reach::Anywhere),
        };
        let state = Arc::new(StateDir::open(folder.path()).unwrap());
        let recordings = Recordings::open_with_events(
            &state,
            crate::room::recordings(),
            Arc::clone(&runtime.clock),
            Arc::clone(&runtime.events),
        );
        Self {
            camera: Camera::ours(&yard(), &[]),
            recordings: recordings.unwrap(),
            state,
            folder,
            told,
            clock,
            runtime,
        }
    }

    async fn start(&self, document: &Value, instance: &str) -> Instance {
        let doc = TopologyDoc::parse(document.to_string().as_bytes()).unwrap();
        let mut bindings = Bindings::default();
        bindings.set("rtspUrl", &self.camera.url);
        let graph = resolve(&doc, &bindings, instance, TABLE).unwrap_or_else(|errors| panic!("{errors}"));
        let environment = Environment {
            state: Arc::clone(&self.state),
            recordings: Some(Arc::clone(&self.recordings)),
            engine: LazyEngine::new(EngineOptions::default()),
            installed: Arc::default(),
            models: Arc::default(),
            clock: Arc::clone(&self.clock) as _,
            folder: self.folder.path().to_owned(),
        };
        let plan = tokio::task::spawn_blocking(move || prepare(&graph, &environment).unwrap());
        Instance::start(plan.await.unwrap(), &self.runtime).await.unwrap()
    }

    fn message(&self, age: Duration) -> (HubMessage, MediaTime) {
        let time = self.clock.media().offset(Ticks(-Ticks::from_duration(age).0));
        let properties = [(EVENT_TIME.to_owned(), time.iso())];
        let message = HubMessage {
            body: "{\"door\": \"open\"}".into(),
            properties: properties.into_iter().collect(),
        };
        (message, time)
    }
}

fn node(instance: &Instance, name: &str) -> NodeStatus {
    let all = instance.watch().status();
    all.into_iter().find(|status| status.node == name).unwrap()
}

/// Waits until the gate has seen enough.
async fn seen(instance: &Instance) {
    let reached = || node(instance, "gate").last_unit?.parse::<jiff::Timestamp>().ok();
    let first = MediaTime::from_timestamp(until("media at the gate", START, reached).await);
    until("more media at the gate", SOON, || {
        (MediaTime::from_timestamp(reached()?).since(first) >= SEEN).then_some(())
    })
    .await;
}

/// A clip from one second before a message until two seconds after it.
fn on_message(hub_input: Option<&str>) -> Value {
    let mut source = json!({"@type": "#Microsoft.Media.MediaGraphIoTHubMessageSource", "name": "door"});
    if let Some(input) = hub_input {
        source["hubInputName"] = input.into();
    }
    let gate = json!({
        "@type": "#Microsoft.Media.MediaGraphSignalGateProcessor", "name": "gate",
        "inputs": [{"nodeName": "door"}, {"nodeName": "camera"}],
        "activationEvaluationWindow": "PT1S", "activationSignalOffset": "-PT1S",
        "minimumActivationTime": "PT2S", "maximumActivationTime": "PT2S",
    });
    let mut document = topology::document("2.0", &[gate], &[topology::asset_sink("gate")]);
    document["properties"]["sources"]
        .as_array_mut()
        .unwrap()
        .push(source);
    document
}

fn seconds(of: &Path) -> (f64, f64) {
    let recording = judge::judged(of);
    let times: Vec<u64> = recording.video().iter().map(|sample| sample.time).collect();
    let at = |time: Option<&u64>| *time.unwrap() as f64 / 90_000.0;
    (at(times.iter().min()), at(times.iter().max()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_about_the_past_records_what_led_up_to_it_in_the_instance_that_it_is_for() {
    let host = Host::new();
    let document = on_message(Some("recordingTrigger"));
    let front = host.start(&document, "front").await;
    let back = host.start(&document, "back").await;
    seen(&front).await;
    seen(&back).await;
    let (message, time) = host.message(Duration::from_millis(1_500));
    let delivered = host
        .runtime
        .hub
        .deliver("recordingTrigger", Some("front"), message);
    assert_eq!((delivered.taken, delivered.full), (1, 0));
    until("the end of the clip", SOON, || {
        (!host.told.of("front", ".RecordingStopped").is_empty()).then_some(())
    })
    .await;

    let decisions = host.told.of("front", ".GateDecision");
    let opened = decisions
        .iter()
        .find(|note| note.data["decision"] == "open")
        .unwrap();
    assert_eq!(opened.node(), Some("gate"));
    until("a closed gate", SOON, || {
        (node(&front, "gate").gate == Some("closed")).then_some(())
    })
    .await;
    let door = node(&front, "door");
    assert_eq!((door.received, door.sent, door.state), (1, 1, "listening"));
    assert_eq!(door.node_type, "#Microsoft.Media.MediaGraphIoTHubMessageSource");
    assert_eq!(node(&back, "door").received, 0);
    front.stop().await.unwrap();
    back.stop().await.unwrap();
    host.recordings.flush(None, SOON).await;
    assert!(host.told.of("back", ".RecordingStarted").is_empty());
    assert_eq!(host.told.of("front", ".GraphInstanceStopped").len(), 1);
    assert!(host.runtime.hub.inputs().is_empty());

    let recorded = assets(host.folder.path());
    assert_eq!(recorded.len(), 1, "{recorded:?}");
    let (first, last) = seconds(&recorded[0]);
    let (start, end) = (
        time.ticks() as f64 / 90_000.0 - 1.0,
        time.ticks() as f64 / 90_000.0 + 2.0,
    );
    assert!(
        first <= start && first > start - INTERVAL - 0.1,
        "{first} {start}"
    );
    assert!(last < end && last > end - 0.1, "{last} {end}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_name_messages_come_on_the_input_with_the_name_of_the_node_and_count_from_their_receipt() {
    let host = Host::new();
    let instance = host.start(&on_message(None), "front").await;
    assert_eq!(host.runtime.hub.inputs(), ["door"]);
    seen(&instance).await;
    let before = host.clock.media().ticks() as f64 / 90_000.0;
    assert_eq!(
        host.runtime
            .hub
            .deliver("door", None, HubMessage::default())
            .taken,
        1
    );
    until("a recording sink", SOON, || {
        (node(&instance, "assets").state == "recording").then_some(())
    })
    .await;
    let sink = node(&instance, "assets");
    assert_eq!(sink.writing.as_deref(), Some("asset-front"));
    assert!(sink.last_output.is_some() && sink.segment_length == Some(30.0) && sink.bytes > 0);
    let camera = node(&instance, "camera");
    assert_eq!((camera.state, camera.reconnects), ("playing", 0));
    let interval = camera.keyframe_interval.unwrap();
    assert!((interval - INTERVAL).abs() < 0.2, "{interval}");
    let rate = camera.frame_rate.unwrap();
    assert!(
        (20.0..30.0).contains(&rate) && camera.bit_rate.unwrap() > 10_000,
        "{rate}"
    );
    until("the end of the clip", SOON, || {
        (!host.told.of("front", ".RecordingStopped").is_empty()).then_some(())
    })
    .await;
    assert_eq!(node(&instance, "assets").state, "idle");
    instance.stop().await.unwrap();
    host.recordings.flush(None, SOON).await;
    let notes = host.told.of("front", ".Frames");
    assert!(
        notes
            .iter()
            .any(|note| note.node() == Some("camera") && note.data["received"].as_u64().unwrap() >= 100)
    );
    let (first, last) = seconds(&assets(host.folder.path())[0]);
    assert!(
        first <= before - 1.0 + 0.5 && last > before + 1.5,
        "{first} {before} {last}"
    );
}
