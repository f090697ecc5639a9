//! `mediagraph convert`: a topology with a server becomes one with a component. One node changes, every other letter stays.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::extension::model;
use super::failure::{Failure, Outcome};
use super::load;
use super::print;
use super::validate::NO_INSTANCE;
use crate::nodes::TABLE;
use crate::topology::{Bindings, TopologyDoc, check};

/// The type that is looked for, in each of its spellings.
const HTTP: &str = "#Microsoft.Media.MediaGraphHttpExtension";
const COMPONENT: &str = "#MediaGraph.ExtensionProcessor";
/// The component that comes with mediagraph and runs models.
const DETECTOR: &str = "object-detector";
/// What the new node keeps, in this order.
const KEPT: [&str; 3] = ["name", "samplingOptions", "inputs"];
const INDENT: &str = "  ";

/// Change a topology from one kind of node to another
#[derive(Debug, clap::Args)]
pub struct ConvertArgs {
    /// A topology file, or a folder with a `topology.json`
    #[arg(value_name = "TOPOLOGY")]
    topology: PathBuf,
    /// Put a component in the place of an HTTP extension
    #[arg(long, required = true, requires = "component")]
    http_to_extension: bool,
    /// The HTTP extension to replace; needed when there are several
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
    /// The component's name, built in or installed
    #[arg(long, value_name = "NAME", group = "component")]
    extension: Option<String>,
    /// The component's file
    #[arg(long, value_name = "FILE", group = "component")]
    extension_path: Option<String>,
    /// The component's configuration, as JSON
    #[arg(long, value_name = "JSON")]
    config: Option<String>,
    /// A model that the component may run, and the name that it asks for: an ONNX file. May be given several times
    #[arg(long = "model", value_name = "NAME=FILE", value_parser = model)]
    models: Vec<(String, PathBuf)>,
    /// Where to write the new topology; standard output without it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When there is no such node, or what came of it is no topology.
pub fn run(args: ConvertArgs) -> Outcome {
    let doc = load::topology(&args.topology).map_err(|error| error.into_failure(&args.topology))?;
    let pointer = node_to_replace(&doc, args.node.as_deref())?;
    let config = args.config.as_deref().map(configuration).transpose()?;
    let reference = match (&args.extension, &args.extension_path) {
        (Some(name), _) => json!({"name": name}),
        (None, path) => json!({"path": path}),
    };
    let model = |(name, path): &(String, PathBuf)| json!({"name": name, "path": path});
    let component = Component {
        reference,
        config,
        models: args.models.iter().map(model).collect(),
    };
    let text = converted(&doc, &pointer, &component)?;
    checked(&text, &args.topology)?;
    print::stderr(&notes(&doc, &pointer, &text));
    if args.extension.as_deref() == Some(DETECTOR) && args.models.is_empty() {
        print::stderr(
            "note: `object-detector` runs a model: give it with `--model objects=FILE`, or name the file under `[models.files]` of the configuration\n",
        );
    }
    match &args.output {
        None => print::stdout(&text),
        Some(path) => std::fs::write(path, text)
            .map_err(|error| Failure::failed(format!("cannot write `{}`: {error}", path.display()))),
    }
}

/// What comes in the place of a server.
struct Component {
    reference: Value,
    config: Option<Map<String, Value>>,
    models: Vec<Value>,
}

fn configuration(given: &str) -> Result<Map<String, Value>, Failure> {
    match serde_json::from_str(given) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Failure::usage(
            "`--config` is no JSON object\nhint: write `{\"labels\": [\"truck\"]}`",
        )),
        Err(error) => Err(Failure::usage(format!("`--config` is no JSON: {error}"))),
    }
}

/// The JSON pointer of the HTTP extension that is meant.
fn node_to_replace(doc: &TopologyDoc, wanted: Option<&str>) -> Result<String, Failure> {
    let nodes = doc
        .value()
        .pointer("/properties/processors")
        .and_then(Value::as_array);
    let nodes = nodes.into_iter().flatten().enumerate();
    let found: Vec<(String, &str)> = nodes
        .filter(|(_, node)| is_http(node))
        .map(|(index, node)| {
            let name = node.get("name").and_then(Value::as_str).unwrap_or_default();
            (format!("/properties/processors/{index}"), name)
        })
        .filter(|(_, name)| wanted.is_none_or(|wanted| wanted == *name))
        .collect();
    match (found.as_slice(), wanted) {
        ([(pointer, _)], _) => Ok(pointer.clone()),
        ([], Some(wanted)) => Err(Failure::failed(format!(
            "the topology has no HTTP extension `{wanted}`"
        ))),
        ([], None) => Err(Failure::failed("the topology has no HTTP extension")),
        (several, _) => {
            let names: Vec<String> = several.iter().map(|(_, name)| format!("`{name}`")).collect();
            let names = names.join(", ");
            Err(Failure::usage(format!(
                "the topology has several HTTP extensions: {names}\nhint: choose one with `--node`"
            )))
        }
    }
}

fn is_http(node: &Value) -> bool {
    let written = node.get("@type").and_then(Value::as_str).unwrap_or_default();
    let known = TABLE.iter().find(|one| one.name() == HTTP);
    known.is_some_and(|known| known.names.iter().any(|name| name.eq_ignore_ascii_case(written)))
}

/// The text with the node replaced; what the new one has of the old one is written as it was.
fn converted(doc: &TopologyDoc, pointer: &str, component: &Component) -> Result<String, Failure> {
    let lost = || Failure::failed("the place of the node in the text is not found");
    let range = doc.span(pointer).ok_or_else(lost)?;
    let indent = indentation(doc.text(), range.start);
    let mut members = vec![("@type", json!(COMPONENT).to_string())];
    for name in KEPT {
        if let Some(text) = doc
            .span(&format!("{pointer}/{name}"))
            .and_then(|range| doc.text().get(range))
        {
            members.push((name, text.to_owned()));
        }
    }
    let models = (!component.models.is_empty()).then(|| Value::from(component.models.clone()));
    let config = component.config.clone().map(Value::Object);
    let reference = Some(component.reference.clone());
    // Behind the name.
    let mut place = 2.min(members.len());
    for (name, value) in [("extension", reference), ("models", models), ("config", config)] {
        if let Some(value) = value {
            members.insert(place, (name, value.to_string()));
            place += 1;
        }
    }
    let mut node = "{".to_owned();
    for (index, (name, text)) in members.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(node, "{comma}\n{indent}{INDENT}\"{name}\": {text}");
    }
    let _ = write!(node, "\n{indent}}}");
    let mut text = doc.text().to_owned();
    text.replace_range(range, &node);
    Ok(text)
}

/// The blanks that the line of an offset begins with.
fn indentation(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.chars().take_while(|letter| letter.is_whitespace()).collect()
}

fn checked(text: &str, path: &Path) -> Outcome {
    let file = path.display().to_string();
    let wrong = |found: crate::topology::Diagnostics| {
        Failure::bad_topology(format!(
            "{}the new topology would be wrong",
            found.render(Some(&file))
        ))
    };
    let doc = TopologyDoc::parse(text.as_bytes()).map_err(wrong)?;
    let found = check(&doc, &Bindings::default(), NO_INSTANCE, TABLE).diagnostics;
    if found.has_errors() {
        return Err(wrong(found));
    }
    Ok(())
}

/// What whoever reads the new topology should know.
fn notes(doc: &TopologyDoc, pointer: &str, text: &str) -> String {
    let mut notes = String::new();
    if doc.span(&format!("{pointer}/image")).is_some() {
        notes.push_str("note: `image` is left out: a component says itself what its frames should be\n");
    }
    let declared = doc
        .value()
        .pointer("/properties/parameters")
        .and_then(Value::as_array);
    for parameter in declared.into_iter().flatten() {
        let Some(name) = parameter.get("name").and_then(Value::as_str) else {
            continue;
        };
        let used = format!("${{{name}}}");
        if doc.text().contains(&used) && !text.contains(&used) {
            let needed = if parameter.get("default").is_some() {
                ""
            } else {
                ", though an instance must still give it a value"
            };
            // Writing to a string does not fail.
            let _ = writeln!(notes, "note: the parameter `{name}` is not used any more{needed}");
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPOLOGY: &str = r##"{
  "@apiVersion": "2.0",
  "name": "Trucks",
  "properties": {
    "parameters": [{"name": "rtspUrl", "type": "String"}, {"name": "url", "type": "String", "default": "http://yolo/score"}],
    "sources": [{"@type": "#Microsoft.Media.MediaGraphRtspSource", "name": "camera",
      "endpoint": {"@type": "#Microsoft.Media.MediaGraphUnsecuredEndpoint", "url": "${rtspUrl}"}}],
    "processors": [
      {
        "@type": "#Microsoft.VideoAnalyzer.httpExtension",
        "name": "yolo",
        "endpoint": {"@type": "#Microsoft.Media.MediaGraphUnsecuredEndpoint", "url": "${url}"},
        "image": {"format": {"@type": "#Microsoft.Media.MediaGraphImageFormatBmp"}},
        "samplingOptions": {"maximumSamplesPerSecond":  "5"},
        "inputs": [ {"nodeName": "camera"} ]
      }
    ],
    "sinks": [{"@type": "#Microsoft.Media.MediaGraphIoTHubMessageSink", "name": "hub", "hubOutputName": "out", "inputs": [{"nodeName": "yolo"}]}]
  }
}
"##;

    fn doc(text: &str) -> TopologyDoc {
        TopologyDoc::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn one_node_changes_and_every_other_letter_stays() {
        let doc = doc(TOPOLOGY);
        let pointer = node_to_replace(&doc, None).unwrap();
        let config = configuration(r#"{"labels": ["truck"]}"#).unwrap();
        let component = Component {
            reference: json!({"name": "object-detector"}),
            config: Some(config),
            models: vec![json!({"name": "objects", "path": "m.onnx"})],
        };
        let text = converted(&doc, &pointer, &component).unwrap();
        let (before, rest) = TOPOLOGY
            .split_once("      {\n        \"@type\": \"#Microsoft.VideoAnalyzer")
            .unwrap();
        let (_, after) = rest.split_once("\n      }").unwrap();
        let node = r##"      {
        "@type": "#MediaGraph.ExtensionProcessor",
        "name": "yolo",
        "extension": {"name":"object-detector"},
        "models": [{"name":"objects","path":"m.onnx"}],
        "config": {"labels":["truck"]},
        "samplingOptions": {"maximumSamplesPerSecond":  "5"},
        "inputs": [ {"nodeName": "camera"} ]
      }"##;
        assert_eq!(text, format!("{before}{node}{after}"));
        assert!(checked(&text, Path::new("t.json")).is_ok());
        let told = notes(&doc, &pointer, &text);
        assert!(
            told.contains("`image` is left out") && told.contains("parameter `url` is not used"),
            "{told}"
        );
        assert!(
            !told.contains("rtspUrl") && !told.contains("must still"),
            "{told}"
        );
    }

    #[test]
    fn it_is_said_which_node_is_meant_when_that_is_not_clear() {
        let doc = doc(TOPOLOGY);
        assert!(node_to_replace(&doc, Some("yolo")).is_ok());
        assert!(
            node_to_replace(&doc, Some("hub"))
                .unwrap_err()
                .message
                .contains("no HTTP extension `hub`")
        );
        let mut two: Value = serde_json::from_str(TOPOLOGY).unwrap();
        let mut second = two["properties"]["processors"][0].clone();
        second["name"] = "second".into();
        two["properties"]["processors"]
            .as_array_mut()
            .unwrap()
            .push(second);
        let two = self::doc(&two.to_string());
        assert!(
            node_to_replace(&two, None)
                .unwrap_err()
                .message
                .contains("`yolo`, `second`")
        );
        assert_eq!(
            node_to_replace(&two, Some("second")).unwrap(),
            "/properties/processors/1"
        );
        let none =
            self::doc(&TOPOLOGY.replace("VideoAnalyzer.httpExtension", "Media.MediaGraphGrpcExtension"));
        assert!(node_to_replace(&none, None).is_err());
        assert!(configuration("[1]").is_err() && configuration("{").is_err());
    }
}
