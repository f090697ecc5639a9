//! How long the methods that store something take, compared with putting the same bytes on the same disk and nothing
//! else. Over HTTP, on a connection that stays open as that of any client library, to a host that keeps a thousand instances
//! already.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::serve::Host;
use super::{Context, Reading, median};
use crate::project;

/// Instances that are there while it is measured.
const INSTANCES: usize = 1000;
/// Calls of each method.
const CALLS: usize = 200;
/// Calls before anything is measured.
const WARM_UP: usize = 10;
/// A graph of every kind of node: camera, detector, gate, sink.
const TOPOLOGY: &str = "topologies/evr-motion-assets/topology.json";

/// Milliseconds of each call.
#[derive(Default)]
struct Samples {
    method: Vec<f64>,
    fsync: Vec<f64>,
}

impl Samples {
    fn ratio(&self) -> Result<f64> {
        Ok(median(&self.method)? / median(&self.fsync)?)
    }

    fn describe(&self, name: &str) -> Result<String> {
        let (method, fsync) = (median(&self.method)?, median(&self.fsync)?);
        Ok(format!(
            "{name} {method:.2} ms to {fsync:.2} ms ({:.2})",
            method / fsync
        ))
    }
}

/// The worse of both methods.
///
/// # Errors
/// When the host refuses something.
pub(super) fn run(context: &Context) -> Result<Reading> {
    let folder = super::fresh_folder("method-latency")?;
    let host = Host::start(&context.host()?, &folder.join("state"))?;
    let text = std::fs::read(project::root().join(TOPOLOGY))?;
    let topology: Value = serde_json::from_slice(&text)?;
    let name = host.set_topology(TOPOLOGY)?;
    eprintln!("storing {INSTANCES} instances");
    for number in 0..INSTANCES {
        host.method(
            "GraphInstanceSet",
            &instance(&format!("stored-{number}"), &name, 0),
        )?;
    }
    let bare = folder.join("bare");
    eprintln!("GraphTopologySet");
    // Each call stores something new: what is stored already would not be written.
    let topologies = sample(&host, "GraphTopologySet", &bare, |call| {
        let mut topology = topology.clone();
        if let Some(members) = topology.as_object_mut() {
            members.insert("name".into(), "measured".into());
        }
        if let Some(properties) = topology.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("description".into(), format!("call {call}").into());
        }
        topology
    })?;
    eprintln!("GraphInstanceSet");
    let instances = sample(&host, "GraphInstanceSet", &bare, |call| {
        instance("measured", &name, call)
    })?;
    let (of_topologies, of_instances) = (topologies.ratio()?, instances.ratio()?);
    let worse = if of_topologies > of_instances {
        &topologies
    } else {
        &instances
    };
    let ratios = worse
        .method
        .iter()
        .zip(&worse.fsync)
        .map(|(method, fsync)| method / fsync);
    Ok(Reading {
        value: of_topologies.max(of_instances),
        against: format!(
            "one fsync of the same bytes, medians of {CALLS}: {}; {}",
            topologies.describe("GraphTopologySet")?,
            instances.describe("GraphInstanceSet")?
        ),
        samples: ratios.collect(),
        besides: Vec::new(),
    })
}

fn instance(name: &str, topology: &str, call: usize) -> Value {
    let parameters = json!([{"name": "rtspUrl", "value": "rtsp://127.0.0.1:9/camera"}]);
    let properties =
        json!({"topologyName": topology, "description": format!("call {call}"), "parameters": parameters});
    json!({"@apiVersion": "2.0", "name": name, "properties": properties})
}

/// A call and a bare write in turns, so that what slows the disk down for a while slows both.
fn sample(host: &Host, method: &str, bare: &Path, payload: impl Fn(usize) -> Value) -> Result<Samples> {
    let mut samples = Samples::default();
    let mut connection = host.connect()?;
    for call in 0..WARM_UP + CALLS {
        let payload = payload(call).to_string();
        let begin = Instant::now();
        connection.method(method, &payload)?;
        let ours = begin.elapsed();
        let begin = Instant::now();
        write_durably(bare, payload.as_bytes())?;
        let theirs = begin.elapsed();
        if call >= WARM_UP {
            samples.method.push(ours.as_secs_f64() * 1e3);
            samples.fsync.push(theirs.as_secs_f64() * 1e3);
        }
    }
    if samples.fsync.contains(&0.0) {
        bail!("the disk took no time");
    }
    Ok(samples)
}

/// Appends to a file and waits until it is on the disk.
fn write_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
        .with_context(|| format!("cannot sync {}", path.display()))
}
