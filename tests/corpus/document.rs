//! What a file of a topology says by itself: read from the file alone, so that the host is compared with something that
//! it had no part in.

use std::path::Path;

use serde_json::{Map, Value, json};

const LISTS: [&str; 3] = ["sources", "processors", "sinks"];
const PREFIX: &str = "#Microsoft.Media.MediaGraph";

/// A topology, as Microsoft wrote it.
#[derive(Debug)]
pub(crate) struct Document {
    /// Its bytes.
    pub(crate) text: String,
    pub(crate) value: Value,
    /// Of the instance that is made of it.
    pub(crate) instance: String,
}

/// What a sink at the end of a topology is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Artefact {
    /// Everything, in an asset.
    Continuous { name: String },
    /// A clip for each opening of the gate, in an asset or a file; `name` is what stands before its date.
    Clips { name: String, file: bool, seconds: f64 },
    /// Inferences of a node, at an output.
    Inferences { output: String, node: String },
}

/// A name with `${System.DateTime}` at its end, without that.
fn before_date(pattern: &str) -> String {
    pattern.strip_suffix("${System.DateTime}").unwrap().to_owned()
}

/// The gates here let through whole seconds, from so many seconds on: `PT30S`, `-PT5S`.
fn seconds(duration: &str) -> f64 {
    let length = duration
        .trim_start_matches('-')
        .trim_start_matches("PT")
        .trim_end_matches('S');
    let length: f64 = length.parse().unwrap();
    if duration.starts_with('-') {
        -length
    } else {
        length
    }
}

impl Document {
    pub(crate) fn read(path: &Path, version: &str) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        Self {
            value: serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}")),
            text,
            instance: format!("{stem}-{}", version.replace('.', "-")),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.value["name"].as_str().unwrap()
    }

    fn nodes(&self) -> impl Iterator<Item = (&'static str, usize, &Value)> {
        LISTS.into_iter().flat_map(|list| {
            let all = self.value["properties"][list].as_array().into_iter().flatten();
            all.enumerate().map(move |(index, node)| (list, index, node))
        })
    }

    /// The parameters of these that it declares, with their values.
    pub(crate) fn values(&self, known: &[(&str, &str)]) -> Vec<(String, String)> {
        let declared: Vec<&str> = self
            .parameters()
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        let wanted = known.iter().filter(|(name, _)| declared.contains(name));
        wanted
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn parameters(&self) -> impl Iterator<Item = &Value> {
        self.value["properties"]["parameters"]
            .as_array()
            .into_iter()
            .flatten()
    }

    /// Whether something outside must say when to record.
    pub(crate) fn waits_for_messages(&self) -> bool {
        self.nodes()
            .any(|(_, _, node)| kind(node) == "IoTHubMessageSource")
    }

    fn node(&self, name: &str) -> &Value {
        self.nodes().find(|(_, _, node)| node["name"] == name).unwrap().2
    }

    /// What each of its sinks is for, with these values.
    pub(crate) fn artefacts(&self, values: &[(String, String)]) -> Vec<Artefact> {
        let put_in = |text: &Value| {
            let mut text = text.as_str().unwrap().to_owned();
            for (name, value) in values {
                text = text.replace(&format!("${{{name}}}"), value);
            }
            text.replace("${System.GraphTopologyName}", self.name())
                .replace("${System.GraphInstanceName}", &self.instance)
        };
        let sinks = self.value["properties"]["sinks"].as_array().unwrap();
        let artefact = |sink: &Value| {
            let node = sink["inputs"][0]["nodeName"].as_str().unwrap();
            if kind(sink) == "IoTHubMessageSink" {
                let (output, node) = (put_in(&sink["hubOutputName"]), node.to_owned());
                return Artefact::Inferences { output, node };
            }
            let file = kind(sink) == "FileSink";
            let named = ["assetNamePattern", "filePathPattern", "fileNamePattern"];
            let pattern = put_in(
                named
                    .iter()
                    .map(|name| &sink[*name])
                    .find(|one| !one.is_null())
                    .unwrap(),
            );
            let gate = self.node(node);
            let Some(longest) = gate["maximumActivationTime"].as_str() else {
                return Artefact::Continuous { name: pattern };
            };
            // The offset is reckoned from the event, and so is the time that the gate stays open.
            let seconds = seconds(longest) - gate["activationSignalOffset"].as_str().map_or(0.0, seconds);
            let path = before_date(&pattern);
            let name = path.rsplit('/').next().unwrap().to_owned();
            Artefact::Clips { name, file, seconds }
        };
        sinks.iter().map(artefact).collect()
    }

    /// Whether sound gets to the sink that records: nothing on the way asks for video alone.
    pub(crate) fn has_sound(&self) -> bool {
        let sinks = self.value["properties"]["sinks"].as_array().unwrap();
        let mut node = sinks
            .iter()
            .find(|sink| kind(sink) != "IoTHubMessageSink")
            .unwrap();
        while let Some(inputs) = node["inputs"].as_array() {
            // Of a gate, the one that brings media.
            let media = |input: &&Value| {
                let kind = kind(self.node(input["nodeName"].as_str().unwrap()));
                let says = ["MotionDetectionProcessor", "Extension", "IoTHubMessageSource"];
                !says.iter().any(|end| kind.ends_with(end))
            };
            let input = inputs.iter().find(media).unwrap();
            if input["outputSelectors"]
                .as_array()
                .into_iter()
                .flatten()
                .any(is_video)
            {
                return false;
            }
            node = self.node(input["nodeName"].as_str().unwrap());
        }
        true
    }

    /// As Get shows it, but for `systemData`: the normal form of LVA's published replies, and no secrets.
    pub(crate) fn echoed(&self) -> Value {
        let mut properties = self.value["properties"].clone();
        let mut secret = Vec::new();
        without_passwords(&mut properties, &mut secret);
        let all = properties.as_object_mut().unwrap();
        all.entry("processors").or_insert_with(|| json!([]));
        for parameter in all["parameters"].as_array_mut().into_iter().flatten() {
            if secret.contains(&format!("${{{}}}", parameter["name"].as_str().unwrap())) {
                parameter.as_object_mut().unwrap().remove("default");
            }
        }
        for list in LISTS {
            let nodes = all[list].as_array_mut().unwrap();
            nodes
                .iter_mut()
                .for_each(|node| filled_in(node.as_object_mut().unwrap()));
        }
        json!({"name": self.value["name"], "properties": properties})
    }
}

/// The last word of a node's type.
pub(crate) fn kind(node: &Value) -> &str {
    node["@type"].as_str().unwrap().strip_prefix(PREFIX).unwrap()
}

fn is_video(selector: &Value) -> bool {
    selector["operator"] == "is" && selector["value"] == "video"
}

fn without_passwords(value: &mut Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| without_passwords(item, found)),
        Value::Object(members) => {
            if let Some(Value::String(password)) = members.remove("password") {
                found.push(password);
            }
            members
                .values_mut()
                .for_each(|inner| without_passwords(inner, found));
        }
        _ => {}
    }
}

fn filled_in(node: &mut Map<String, Value>) {
    if node["@type"] == format!("{PREFIX}RtspSource") {
        node.entry("transport").or_insert_with(|| "Tcp".into());
    }
    for input in node
        .get_mut("inputs")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let input = input.as_object_mut().unwrap();
        input.entry("outputSelectors").or_insert_with(|| json!([]));
    }
}
