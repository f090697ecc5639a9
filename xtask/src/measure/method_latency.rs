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
/// Rounds, since disks have moods.
const ROUNDS: usize = 5;
/// Calls of each method in a round.
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
    let mut rounds = Vec::new();
    for number in 1..=ROUNDS {
        eprintln!("GraphTopologySet and GraphInstanceSet, round {number} of {ROUNDS}");
        // Each call stores something new: what is stored already would not be written.
        let topologies = sample(&host, "GraphTopologySet", &bare, |call| {
            described(&topology, number * CALLS * 2 + call)
        })?;
        let instances = sample(&host, "GraphInstanceSet", &bare, |call| {
            instance("measured", &name, number * CALLS * 2 + call)
        })?;
        rounds.push((topologies, instances));
    }
    reading(&rounds)
}

/// The worse of both methods in each round; of these the median.
fn reading(rounds: &[(Samples, Samples)]) -> Result<Reading> {
    let mut ratios = Vec::new();
    let mut told = Vec::new();
    for (topologies, instances) in rounds {
        ratios.push(topologies.ratio()?.max(instances.ratio()?));
        told.push(format!(
            "{}; {}",
            topologies.describe("GraphTopologySet")?,
            instances.describe("GraphInstanceSet")?
        ));
    }
    let value = median(&ratios)?;
    let nearest = ratios.iter().zip(&told).min_by(|(a, _), (b, _)| {
        let distance = |ratio: &f64| (ratio - value).abs();
        distance(a).total_cmp(&distance(b))
    });
    Ok(Reading {
        value,
        against: format!(
            "one fsync of the same bytes, medians of {CALLS} in {ROUNDS} rounds; the middle one: {}",
            nearest.map_or("", |(_, told)| told)
        ),
        samples: ratios,
        besides: Vec::new(),
    })
}

fn described(topology: &Value, call: usize) -> Value {
    let mut topology = topology.clone();
    if let Some(members) = topology.as_object_mut() {
        members.insert("name".into(), "measured".into());
    }
    if let Some(properties) = topology.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("description".into(), format!("call {call}").into());
    }
    topology
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_the_median_of_the_worse_method_of_each_round() {
        let samples = |ratio: f64| Samples {
            method: vec![ratio; 3],
            fsync: vec![1.0; 3],
        };
        let rounds = [(2.0, 1.0), (1.0, 3.0), (9.0, 1.0)].map(|(a, b)| (samples(a), samples(b)));
        let reading = reading(&rounds).unwrap();
        assert_eq!((reading.value, reading.samples), (3.0, vec![2.0, 3.0, 9.0]));
        assert!(
            reading.against.contains("GraphInstanceSet 3.00 ms"),
            "{}",
            reading.against
        );
    }
}
