//! Figures for Prometheus: the three names of Live Video Analytics, and ours, which begin with `mediagraph_`.
//!
//! Made anew from the status of everything each time somebody asks, so there is a series for what exists and for nothing
//! else. Labels are names from topologies: control characters are taken out of them.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::alarms::{Alarm, Kind};
use crate::events::journal::JournalCounts;
use crate::graph::host::{InstanceState, InstanceStatus};
use crate::inference::ModelStats;
use crate::nodes::context::NodeStatus;
use crate::recording::upload::{UploadState, UploadStatus};

mod models;
mod process;

pub use process::Usage;

/// The `Content-Type` of [`render`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The letters of a label's value; names are shorter, but not all are checked by us.
pub const MAX_LABEL_CHARS: usize = 256;

type Labels = Vec<(&'static str, String)>;
type Counters = Family<Labels, Counter<u64>>;
type Gauges = Family<Labels, Gauge>;
type FloatGauges = Family<Labels, Gauge<f64, AtomicU64>>;

/// The labels by which Live Video Analytics told one module from another. Empty ones are left empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The hub; there may be none.
    pub iothub: String,
    /// The machine.
    pub edge_device: String,
    /// The module.
    pub module_name: String,
}

/// What figures are made of.
#[derive(Debug)]
pub struct Figures<'a> {
    /// Which host it is.
    pub identity: &'a Identity,
    /// All graph instances.
    pub instances: &'a [InstanceStatus],
    /// What the journal does.
    pub journal: JournalCounts,
    /// How the uploads to all stores are.
    pub uploads: &'a [UploadStatus],
    /// What is raised.
    pub alarms: &'a [Alarm],
    /// How the models are that are loaded.
    pub models: &'a [ModelStats],
    /// What the process takes; none when the operating system does not say.
    pub usage: Option<Usage>,
}

/// The figures as OpenMetrics text.
#[must_use]
pub fn render(figures: &Figures<'_>) -> String {
    let mut registry = Registry::default();
    instances(&mut registry, figures);
    nodes(&mut registry, figures);
    journal(&mut registry, figures.journal);
    uploads(&mut registry, figures.uploads);
    alarms(&mut registry, figures.alarms);
    models::register(&mut registry, figures.models);
    process::register(&mut registry, figures.usage);
    let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("mediagraph_build", "The version of mediagraph", version);
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = encode(&mut text, &registry);
    text
}

/// A label's value as it may be shown.
fn label(name: &'static str, value: &str) -> (&'static str, String) {
    let clean = value.chars().filter(|character| !character.is_control());
    (name, clean.take(MAX_LABEL_CHARS).collect())
}

fn of_host(identity: &Identity) -> Labels {
    vec![
        label("iothub", &identity.iothub),
        label("edge_device", &identity.edge_device),
        label("module_name", &identity.module_name),
    ]
}

fn instances(registry: &mut Registry, figures: &Figures<'_>) {
    let (active, states) = (Gauges::default(), Gauges::default());
    for instance in figures.instances {
        let mut labels = of_host(figures.identity);
        labels.push(label("graph_topology", &instance.topology_name));
        let gauge = active.get_or_create(&labels);
        if instance.state == InstanceState::Active {
            gauge.inc();
        }
        let state = instance.state.name().to_ascii_lowercase();
        states.get_or_create(&vec![label("state", &state)]).inc();
    }
    registry.register(
        "lva_active_graph_instances",
        "Active graph instances of a topology",
        active,
    );
    registry.register("mediagraph_graph_instances", "Graph instances in a state", states);
}

/// A counter of nodes: its name, what it says, and its value at a node if it has one.
type NodeCounter = (&'static str, &'static str, fn(&NodeStatus) -> Option<u64>);
type NodeGauge = (&'static str, &'static str, fn(&NodeStatus) -> Option<f64>);

const COUNTERS: [NodeCounter; 8] = [
    (
        "mediagraph_units",
        "Units of media, frames or signals that reached a node",
        |node| Some(node.received),
    ),
    (
        "mediagraph_units_sent",
        "Units of media, frames or signals that left a node",
        |node| Some(node.sent),
    ),
    (
        "mediagraph_frames",
        "Pictures decoded behind a source; frames that a detector answered",
        |node| (is_source(node) || node.processed > 0).then_some(node.processed),
    ),
    (
        "mediagraph_frames_skipped",
        "Pictures of a source that nobody needed and that were not decoded; frames that a detector did not want",
        |node| (is_source(node) || node.skipped > 0).then_some(node.skipped),
    ),
    (
        "mediagraph_node_errors",
        "Things that went wrong at a node",
        |node| Some(node.errors),
    ),
    (
        "mediagraph_rtsp_reconnects",
        "How often a source connected to its camera again",
        |node| is_source(node).then_some(node.reconnects),
    ),
    (
        "mediagraph_stored_bytes",
        "Bytes of media that a sink wrote",
        |node| is_sink(node).then_some(node.bytes),
    ),
    (
        "lva_received_bytes",
        "Bytes of media received from a camera",
        |node| is_source(node).then_some(node.bytes),
    ),
];

const GAUGES: [NodeGauge; 5] = [
    (
        "mediagraph_last_frame_timestamp_seconds",
        "Media time of the newest unit at a node, since the Unix epoch",
        |node| {
            let at: jiff::Timestamp = node.last_unit.as_deref()?.parse().ok()?;
            Some(at.as_millisecond() as f64 / 1e3)
        },
    ),
    (
        "mediagraph_camera_connected",
        "1 while a source has its camera",
        |node| is_source(node).then(|| as_number(node.state == "playing")),
    ),
    (
        "mediagraph_keyframe_interval_seconds",
        "Time between the two newest keyframes of a camera",
        |node| node.keyframe_interval,
    ),
    (
        "mediagraph_gate_open",
        "1 while a gate lets media through",
        |node| node.gate.map(|gate| as_number(gate == "open")),
    ),
    ("mediagraph_sink_recording", "1 while a sink records", |node| {
        is_sink(node).then(|| as_number(node.state == "recording"))
    }),
];

fn is_source(node: &NodeStatus) -> bool {
    node.node_type.ends_with("RtspSource")
}

fn is_sink(node: &NodeStatus) -> bool {
    node.node_type.ends_with("Sink") && !node.node_type.ends_with("MessageSink")
}

fn as_number(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

fn nodes(registry: &mut Registry, figures: &Figures<'_>) {
    let counters = COUNTERS.map(|_| Counters::default());
    let gauges = GAUGES.map(|_| FloatGauges::default());
    let dropped = Counters::default();
    let all = (figures.instances.iter())
        .flat_map(|instance| instance.nodes.iter().map(move |node| (instance, node)));
    for (instance, node) in all {
        let mut labels = of_host(figures.identity);
        labels.push(label("graph_topology", &instance.topology_name));
        labels.push(label("graph_instance", &instance.name));
        labels.push(label("graph_node", &node.node));
        for (family, (_, _, value)) in counters.iter().zip(COUNTERS) {
            if let Some(value) = value(node) {
                family.get_or_create(&labels).inc_by(value);
            }
        }
        for (family, (_, _, value)) in gauges.iter().zip(GAUGES) {
            if let Some(value) = value(node) {
                family.get_or_create(&labels).set(value);
            }
        }
        let kinds = node.dropped_by_kind;
        for (kind, count) in [
            ("media", kinds.media),
            ("frames", kinds.frames),
            ("messages", kinds.messages),
        ] {
            if count > 0 {
                let mut labels = labels.clone();
                labels.push(label("data_kind", kind));
                dropped.get_or_create(&labels).inc_by(count);
            }
        }
    }
    for (family, (name, help, _)) in counters.into_iter().zip(COUNTERS) {
        registry.register(name, help, family);
    }
    for (family, (name, help, _)) in gauges.into_iter().zip(GAUGES) {
        registry.register(name, help, family);
    }
    registry.register(
        "lva_data_dropped",
        "What a node was too slow for, or could not store",
        dropped,
    );
}

fn counter(value: u64) -> Counter<u64> {
    let counter = Counter::default();
    counter.inc_by(value);
    counter
}

fn gauge(value: u64) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    gauge
}

fn journal(registry: &mut Registry, counts: JournalCounts) {
    for (name, help, value) in [
        (
            "mediagraph_journal_entries",
            "Entries that the journal keeps",
            counts.rows,
        ),
        (
            "mediagraph_journal_size_bytes",
            "What the journal takes on the disk",
            counts.bytes,
        ),
        (
            "mediagraph_journal_waiting_events",
            "Events that wait to be stored",
            counts.waiting,
        ),
    ] {
        registry.register(name, help, gauge(value));
    }
    for (name, help, value) in [
        (
            "mediagraph_journal_stored_events",
            "Events and notes that were stored",
            counts.stored,
        ),
        (
            "mediagraph_journal_lost_events",
            "Events that nobody saw, because more came than could be taken",
            counts.lost,
        ),
        (
            "mediagraph_journal_unstored_events",
            "Events that streams had and the journal has not",
            counts.unstored,
        ),
    ] {
        registry.register(name, help, counter(value));
    }
}

/// A figure of a store: its name, what it says, and its value.
type StoreGauge = (&'static str, &'static str, fn(&UploadStatus) -> f64);
type StoreCounter = (&'static str, &'static str, fn(&UploadStatus) -> u64);

const STORE_GAUGES: [StoreGauge; 5] = [
    (
        "mediagraph_upload_backlog_segments",
        "Segments in the cache that a store does not have yet",
        |store| store.backlog.segments as f64,
    ),
    ("mediagraph_upload_backlog_bytes", "Their bytes", |store| {
        store.backlog.bytes as f64
    }),
    (
        "mediagraph_upload_lag_seconds",
        "How long ago the oldest moment was that a store does not have yet",
        |store| store.lag.seconds(),
    ),
    (
        "mediagraph_store_paused",
        "1 while a store takes nothing",
        |store| as_number(store.state == UploadState::Paused),
    ),
    (
        "mediagraph_upload_blocked_assets",
        "Recordings that a store does not take",
        |store| store.blocked.len() as f64,
    ),
];

const STORE_COUNTERS: [StoreCounter; 4] = [
    (
        "mediagraph_segments_uploaded",
        "Segments that a store has taken",
        |store| store.uploaded_segments,
    ),
    ("mediagraph_uploaded_bytes", "Their bytes", |store| {
        store.uploaded_bytes
    }),
    (
        "mediagraph_playlists_uploaded",
        "Playlists that a store has taken",
        |store| store.playlists,
    ),
    (
        "mediagraph_upload_errors",
        "Tries that a store did not take",
        |store| store.failures,
    ),
];

fn uploads(registry: &mut Registry, stores: &[UploadStatus]) {
    let labels = |store: &UploadStatus| vec![label("store", &store.store)];
    for (name, help, value) in STORE_GAUGES {
        let family = FloatGauges::default();
        for store in stores {
            family.get_or_create(&labels(store)).set(value(store));
        }
        registry.register(name, help, family);
    }
    for (name, help, value) in STORE_COUNTERS {
        let family = Counters::default();
        for store in stores {
            family.get_or_create(&labels(store)).inc_by(value(store));
        }
        registry.register(name, help, family);
    }
}

fn alarms(registry: &mut Registry, raised: &[Alarm]) {
    let family = Gauges::default();
    for kind in Kind::ALL {
        let count = raised.iter().filter(|alarm| alarm.kind == kind).count();
        family
            .get_or_create(&vec![label("alarm", kind.name())])
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    registry.register("mediagraph_alarms", "Alarms that are raised", family);
}

#[cfg(test)]
mod tests;
