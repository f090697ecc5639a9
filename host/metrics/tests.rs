//! The text is read back by a strict reader of OpenMetrics, written here after its specification.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::graph::host::Wanted;
use crate::inference::ModelStats;
use crate::media::{MediaTime, Ticks};
use crate::nodes::context::NodeStats;
use crate::nodes::stats::Dropped;

/// A series: its name and labels.
type Series = (String, BTreeMap<String, String>);

/// Reads all samples; panics on whatever the specification does not allow.
fn parse(text: &str) -> BTreeMap<Series, f64> {
    let mut types: BTreeMap<String, String> = BTreeMap::new();
    let mut helped = BTreeSet::new();
    let mut samples = BTreeMap::new();
    let body = text.strip_suffix("# EOF\n").expect("it ends with `# EOF`");
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(helped.insert(name.to_owned()), "{name} is described twice");
            assert!(!help.is_empty());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "info"].contains(&kind), "{line}");
            assert!(
                types.insert(name.to_owned(), kind.to_owned()).is_none(),
                "{name} has two types"
            );
        } else {
            let (series, value) = sample(line);
            let family = types.iter().find(|(name, kind)| match kind.as_str() {
                "counter" => series.0 == format!("{name}_total"),
                "info" => series.0 == format!("{name}_info"),
                _ => series.0 == **name,
            });
            assert!(family.is_some(), "{} has no type", series.0);
            assert!(
                samples.insert(series, value).is_none(),
                "a series stands there twice: {line}"
            );
        }
    }
    samples
}

fn sample(line: &str) -> (Series, f64) {
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    assert!(
        name.chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
        "{name}"
    );
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap();
            let (value, after) = quoted(after);
            assert!(
                labels.insert(label.to_owned(), value).is_none(),
                "{label} stands there twice"
            );
            match after.split_at(1) {
                (",", after) => rest = after,
                ("}", after) => {
                    rest = after;
                    break;
                }
                _ => panic!("after a label: {line}"),
            }
        }
    }
    let value = rest.strip_prefix(' ').unwrap().parse().unwrap();
    ((name.to_owned(), labels), value)
}

fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (value, &text[index + 1..]),
            '\\' => value.push(match characters.next().unwrap().1 {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                other => panic!("`\\{other}` is no escape"),
            }),
            '\n' => panic!("a line ends in a label"),
            other => value.push(other),
        }
    }
    panic!("a label does not end");
}

fn instance(name: &str, state: InstanceState) -> InstanceStatus {
    let camera = NodeStats::of("#Microsoft.Media.MediaGraphRtspSource", "playing");
    let now = std::time::Duration::from_secs(1);
    camera.came(MediaTime::from_ticks(90_000 * 1_000), now);
    camera.keyframe(
        MediaTime::from_ticks(90_000 * 1_000),
        now,
        Some(Ticks::from_secs(2)),
    );
    NodeStats::add(&camera.bytes, 5_000);
    NodeStats::add(&camera.reconnects, 3);
    camera.count_dropped(Dropped::Media, 7);
    let gate = NodeStats::of("#MediaGraph.GateProcessor", "running");
    gate.set_gate_open(true);
    let sink = NodeStats::of("#Microsoft.Media.MediaGraphAssetSink", "recording");
    NodeStats::add(&sink.bytes, 4_000);
    InstanceStatus {
        name: name.to_owned(),
        topology_name: "to\"po\\logy\n".to_owned(),
        state,
        wanted: Wanted::Active,
        since: String::new(),
        nodes: vec![
            camera.status("camera", now),
            gate.status("gate", now),
            sink.status("sink", now),
        ],
        last_error: None,
    }
}

fn figures() -> BTreeMap<Series, f64> {
    let identity = Identity {
        edge_device: "box".to_owned(),
        module_name: "mediagraph".to_owned(),
        ..Identity::default()
    };
    let instances = [
        instance("yard", InstanceState::Active),
        instance("ga\u{1b}[31mte", InstanceState::Active),
        InstanceStatus {
            nodes: Vec::new(),
            ..instance("off", InstanceState::Inactive)
        },
    ];
    let journal = JournalCounts {
        stored: 10,
        lost: 2,
        unstored: 1,
        waiting: 5,
        rows: 8,
        bytes: 4096,
    };
    parse(&render(&Figures {
        models: &[ModelStats {
            path: "/srv/a\nb.onnx".to_owned(),
            sha256: String::new(),
            backend: "tract".to_owned(),
            runs: 5,
            failed: 1,
            dropped: 2,
            waiting: 3,
            busy_micros: 1_500_000,
        }],
        identity: &identity,
        instances: &instances,
        journal,
        uploads: &[],
        alarms: &[],
        usage: Usage::now(),
    }))
}

fn values(figures: &BTreeMap<Series, f64>, name: &str, label: (&str, &str)) -> Vec<f64> {
    let wanted =
        |(of, labels): &&Series| of == name && labels.get(label.0).is_some_and(|value| value == label.1);
    figures
        .keys()
        .filter(wanted)
        .map(|series| figures[series])
        .collect()
}

#[test]
fn the_names_and_labels_of_live_video_analytics_are_kept() {
    let figures = figures();
    let host = |name: &str, more: &[(&str, &str)]| -> Series {
        let mut labels: BTreeMap<String, String> = [
            ("iothub", ""),
            ("edge_device", "box"),
            ("module_name", "mediagraph"),
            ("graph_topology", "to\"po\\logy"),
        ]
        .iter()
        .chain(more)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
        labels.retain(|name, _| !name.is_empty());
        (name.to_owned(), labels)
    };
    assert_eq!(figures[&host("lva_active_graph_instances", &[])], 2.0);
    let node = [("graph_instance", "yard"), ("graph_node", "camera")];
    assert_eq!(figures[&host("lva_received_bytes_total", &node)], 5_000.0);
    let dropped = [node[0], node[1], ("data_kind", "media")];
    assert_eq!(figures[&host("lva_data_dropped_total", &dropped)], 7.0);
}

#[test]
fn there_is_a_series_for_what_exists_and_for_nothing_else() {
    let figures = figures();
    assert_eq!(
        values(
            &figures,
            "mediagraph_camera_connected",
            ("graph_instance", "yard")
        ),
        [1.0]
    );
    assert_eq!(
        values(&figures, "mediagraph_gate_open", ("graph_instance", "yard")),
        [1.0]
    );
    assert_eq!(
        values(&figures, "mediagraph_sink_recording", ("graph_instance", "yard")),
        [1.0]
    );
    assert_eq!(
        values(
            &figures,
            "mediagraph_stored_bytes_total",
            ("graph_instance", "yard")
        ),
        [4_000.0]
    );
    assert_eq!(
        values(
            &figures,
            "mediagraph_rtsp_reconnects_total",
            ("graph_instance", "yard")
        ),
        [3.0]
    );
    assert_eq!(
        values(
            &figures,
            "mediagraph_last_frame_timestamp_seconds",
            ("graph_node", "camera")
        ),
        [1_000.0, 1_000.0]
    );
    assert!(
        figures
            .keys()
            .all(|(_, labels)| labels.get("graph_instance").is_none_or(|name| name != "off"))
    );
    assert_eq!(
        values(&figures, "mediagraph_graph_instances", ("state", "inactive")),
        [1.0]
    );
    assert_eq!(
        values(&figures, "mediagraph_alarms", ("alarm", "cameraSilent")),
        [0.0]
    );
    assert_eq!(
        figures[&("mediagraph_journal_lost_events_total".to_owned(), BTreeMap::new())],
        2.0
    );
}

#[test]
fn labels_hold_no_control_characters() {
    let figures = figures();
    assert_eq!(
        values(&figures, "mediagraph_gate_open", ("graph_instance", "ga[31mte")),
        [1.0]
    );
    for (_, labels) in figures.keys() {
        assert!(
            labels.values().all(|value| !value.chars().any(char::is_control)),
            "{labels:?}"
        );
    }
}

#[test]
fn what_the_process_takes_is_known() {
    let usage = Usage::now().expect("Linux tells it");
    assert!(usage.resident_bytes > 1 << 20, "{usage:?}");
    assert!(usage.open_files >= 3, "{usage:?}");
    let figures = figures();
    assert!(figures[&("process_resident_memory_bytes".to_owned(), BTreeMap::new())] > 1e6);
    assert!(figures.contains_key(&("process_cpu_seconds_total".to_owned(), BTreeMap::new())));
}
