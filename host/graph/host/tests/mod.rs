//! The host as a control plane sees it. Cameras are away: an instance is active all the same.

mod components;
mod many;
mod model;
mod secrets;
mod states;
mod updates;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::config::KeepFree;
use crate::events::{Event, EventSink};
use crate::extension::{EngineOptions, LazyEngine};
use crate::graph::RecordingsOptions;
use crate::media::SystemClock;
use crate::nodes::analysis::AnalysisPool;
use crate::state::StateDir;

/// Longer than anything here takes on a machine that does other things, too.
const PATIENCE: Duration = Duration::from_secs(60);

/// A test is no reason to keep gigabytes of a disk free.
const NOTHING: KeepFree = KeepFree {
    percent: None,
    bytes: None,
};

/// Keeps what is published.
#[derive(Debug, Default)]
struct Kept(Mutex<Vec<Event>>);

impl EventSink for Kept {
    fn publish(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// The surroundings of a host, which outlive it.
struct Place {
    state: Arc<StateDir>,
    events: Arc<Kept>,
    limits: HostLimits,
    policy: Arc<dyn Policy>,
    load_roots: Vec<PathBuf>,
    _dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            state: Arc::new(StateDir::open(dir.path()).unwrap()),
            events: Arc::default(),
            limits: HostLimits::default(),
            policy: Arc::new(AllowAll),
            load_roots: Vec::new(),
            _dir: dir,
        }
    }

    fn open(&self) -> GraphHost {
        let clock = Arc::new(SystemClock::new());
        let runtime = Runtime {
            pool: AnalysisPool::new(Arc::clone(&clock) as _, 1),
            events: Arc::clone(&self.events) as _,
            hub: Arc::default(),
            reach: Arc::new(crate::nodes::reach::Anywhere),
            clock,
        };
        let recordings = Recordings::open_with_events(
            &self.state,
            RecordingsOptions {
                keep_free: NOTHING,
                ..RecordingsOptions::default()
            },
            Arc::clone(&runtime.clock),
            Arc::clone(&runtime.events),
        );
        GraphHost::open(HostOptions {
            state: Arc::clone(&self.state),
            recordings: recordings.unwrap(),
            runtime,
            engine: LazyEngine::new(EngineOptions {
                cache_dir: Some(self.state.components()),
                ..EngineOptions::default()
            }),
            models: Arc::default(),
            load_roots: self.load_roots.clone(),
            limits: self.limits.clone(),
            policy: Arc::clone(&self.policy),
            secrets: Secrets::default(),
        })
        .unwrap()
    }

    fn event_types(&self, subject: &str) -> Vec<String> {
        let events = self.events.0.lock().unwrap();
        let mine = events.iter().filter(|event| event.subject == subject);
        mine.map(|event| event.event_type.clone()).collect()
    }
}

/// A topology that records a camera; `parameters` is its list of declarations.
fn recording(name: &str, parameters: &Value) -> Vec<u8> {
    json!({"@apiVersion": "2.0", "name": name, "properties": {
        "parameters": parameters,
        "sources": [{"@type": "#Microsoft.Media.MediaGraphRtspSource", "name": "camera", "endpoint": {
            "@type": "#Microsoft.Media.MediaGraphUnsecuredEndpoint", "url": "rtsp://127.0.0.1:9/x"}}],
        "sinks": [{"@type": "#Microsoft.Media.MediaGraphAssetSink", "name": "sink", "inputs": [{"nodeName": "camera"}],
            "assetNamePattern": "a-${System.GraphInstanceName}", "segmentLength": "PT30S",
            "localMediaCachePath": "/var/lib/cache", "localMediaCacheMaximumSizeMiB": "2048"}]}})
    .to_string()
    .into_bytes()
}

fn instance(name: &str, topology: &str, parameters: &Value) -> Vec<u8> {
    json!({"@apiVersion": "2.0", "name": name, "properties": {"topologyName": topology, "parameters": parameters}})
        .to_string()
        .into_bytes()
}

fn no_parameters() -> Value {
    json!([])
}

/// A host with the topology `t` and the instance `i`.
async fn with_instance(place: &Place) -> GraphHost {
    let host = place.open();
    assert!(
        host.topology_set(&recording("t", &no_parameters()))
            .await
            .unwrap()
            .created
    );
    assert!(
        host.instance_set(&instance("i", "t", &no_parameters()))
            .await
            .unwrap()
            .created
    );
    host
}

async fn state(host: &GraphHost, name: &str) -> InstanceState {
    host.instance_status(name).await.unwrap().state
}

/// Waits until something holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, waiting).await.is_ok(),
        "never: {what}"
    );
}

/// Status, outer code and detail codes of a refusal.
fn codes(error: &ControlError) -> (u16, &str, Vec<&str>) {
    let details = error.details.iter().map(|detail| detail.code.as_str());
    (error.kind.status(), error.code, details.collect())
}

fn files_below(path: &Path) -> usize {
    std::fs::read_dir(path).map_or(0, |entries| entries.flatten().count())
}
