//! The demo of trucks: a street, a graph that records a clip of each truck and of nothing else, and how well it did.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::{Value, json};

use super::asset::ClipJson;
use super::passages::{Catch, compare};
use super::score::{LATE_S, passes};
use super::{Arguments, Clip, Event, Plan, Shown, output, report, sheet, start, verdict};
use crate::project;
use crate::street::bodies::Class;
use crate::street::clip;
use crate::street::truth::StreetTruth;

/// Watched beyond one pass of the clip, so that the last recording is closed by its gate.
const MARGIN_S: f64 = 2.0;
const TOPOLOGY: &str = "topologies/evr-trucks-only/topology.json";
const MODEL: &str = "extensions/object-detector/street/street.onnx";

/// How sure the project's model must be of a truck, as the topology wants it and as a number; and for how long it must be. On the streets
/// of three seeds that are neither in the training nor in the measure, from 0.62 on nothing but trucks passed for one for so long, and at 0.7
/// the first trucks were missed.
pub(crate) const SURE: (&str, f64) = ("0.65", 0.65);
const LONG: &str = "PT0.3S";

/// For the project's model, and clips as long as a truck takes to pass.
const PARAMETERS: [(&str, &str); 8] = [
    ("modelFamily", "yolov8"),
    // What is less sure belongs to the track of something, and is not recorded for itself.
    ("threshold", "0.5"),
    ("minimumConfidence", SURE.0),
    ("minimumDwell", LONG),
    ("framesPerSecond", "6"),
    ("preRoll", "-PT2S"),
    ("minimumClip", "PT3S"),
    ("maximumClip", "PT1M"),
];

#[derive(Serialize)]
struct Report<'a> {
    clips: Vec<ClipJson<'a>>,
    events: Vec<&'a Value>,
    trucks: &'a Catch,
    missed: usize,
    #[serde(rename = "false")]
    false_clips: usize,
    sheet: Option<PathBuf>,
}

/// Runs the demo and prints what came of it.
///
/// # Errors
/// When something did not run, a clip is broken or there is none.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let truth = StreetTruth::read(&clip::truth_file())?;
    let output = output(arguments);
    if !arguments.json {
        introduce(&truth);
    }
    let shown = start(arguments, !arguments.json, |host, state| {
        let topology = output.join("topology.json");
        write_topology(&topology)?;
        Ok(Plan {
            host,
            clip: clip::file(),
            topology,
            parameters: arguments.parameters(&parameters()),
            state,
            seconds: arguments.seconds.map_or(truth.seconds + MARGIN_S, f64::from),
        })
    })?;
    let catch = judge(&truth, &shown);
    let drawn = sheet::draw(&shown.clips, &shown.events, &output);
    if arguments.json {
        let report = Report {
            clips: shown.clips.iter().map(Clip::json).collect(),
            events: shown.events.iter().map(Event::json).collect(),
            missed: catch.missed().count(),
            false_clips: catch.false_clips.len(),
            trucks: &catch,
            sheet: drawn.as_ref().ok().map(|sheet| sheet.picture.clone()),
        };
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("\n{}", report::table(&shown.clips));
        println!("{}", sentences(&truth, &catch, &shown.clips));
        println!("{}", places(drawn.as_ref().ok(), &output));
    }
    verdict(&shown.clips)?;
    drawn.map(|_| ())
}

fn introduce(truth: &StreetTruth) {
    println!(
        "A camera shows a drawn street: in {1:.0} s, {0} trucks pass among {2}.\n\
         The graph looks at 6 frames a second with a small model, and records a clip of each truck and of nothing else.\n",
        truth.of(Class::Truck).count(),
        truth.seconds,
        listing(truth)
    );
}

/// `12 cars, 9 vans and 3 bicycles`
fn listing(truth: &StreetTruth) -> String {
    let mut counts = BTreeMap::new();
    for seen in truth.passages.iter().filter(|seen| seen.class != Class::Truck) {
        *counts.entry(seen.class).or_insert(0_usize) += 1;
    }
    let all = counts.iter().map(|(class, count)| match class {
        Class::Person => format!("{count} people"),
        Class::Bus => format!("{count} buses"),
        other => format!("{count} {}s", other.name()),
    });
    let all: Vec<String> = all.collect();
    match all.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => all.concat(),
    }
}

/// What the topology is run with: the project's model, and values that suit a drawn street.
pub(crate) fn parameters() -> Vec<(&'static str, &'static str)> {
    PARAMETERS.to_vec()
}

/// The topology for real cameras, with the classes and the path of the project's model.
///
/// # Errors
/// When it cannot be read or written.
pub(crate) fn write_topology(path: &Path) -> Result<()> {
    let from = project::root().join(TOPOLOGY);
    let text = std::fs::read_to_string(&from).with_context(|| format!("cannot read {}", from.display()))?;
    let mut topology: Value = serde_json::from_str(&text)?;
    with_model(&mut topology, &project::root().join(MODEL))?;
    let mut text = serde_json::to_string_pretty(&topology)?;
    text.push('\n');
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn with_model(topology: &mut Value, model: &Path) -> Result<()> {
    for processor in list(topology, "processors")? {
        if processor.pointer("/extension/name") == Some(&json!("object-detector")) {
            let config = processor.get_mut("config").and_then(Value::as_object_mut);
            let config = config.context("the detector has no configuration")?;
            config.insert("classes".to_owned(), json!(Class::ALL.map(Class::name)));
        }
    }
    for parameter in list(topology, "parameters")? {
        if parameter.get("name") == Some(&json!("modelPath"))
            && let Some(parameter) = parameter.as_object_mut()
        {
            parameter.insert("default".to_owned(), json!(model));
        }
    }
    Ok(())
}

fn list<'a>(topology: &'a mut Value, name: &str) -> Result<&'a mut Vec<Value>> {
    let list = topology.pointer_mut(&format!("/properties/{name}"));
    let list = list.and_then(Value::as_array_mut);
    list.with_context(|| format!("the topology has no {name}"))
}

fn judge(truth: &StreetTruth, shown: &Shown) -> Catch {
    let sessions: Vec<f64> = shown.events.iter().filter_map(Event::session_start).collect();
    let passes = passes(truth.seconds, &sessions, shown.end);
    let trucks: Vec<_> = truth.of(Class::Truck).collect();
    let wanted = passes
        .iter()
        .flat_map(|(offset, _)| trucks.iter().map(move |truck| (*truck, *offset)));
    let clips: Vec<(f64, f64)> = shown.clips.iter().map(Clip::span).collect();
    compare(wanted, &clips, shown.end - LATE_S)
}

fn sentences(truth: &StreetTruth, catch: &Catch, clips: &[Clip]) -> String {
    let mut text = format!(
        "{} trucks passed, {} clips were recorded: {} trucks caught, {} missed, {} false clips\n",
        catch.passed,
        catch.clips,
        catch.caught,
        catch.missed().count(),
        catch.false_clips.len()
    );
    for one in catch.missed() {
        text.push_str(&format!(
            "missed: {} at {}\n",
            one.what,
            crate::time::clock(one.start)
        ));
    }
    for clip in catch.false_clips.iter().filter_map(|place| clips.get(*place)) {
        text.push_str(&format!("false: {} shows no truck\n", clip.name));
    }
    // Who watched less has not seen them all.
    let all = catch.passed >= truth.of(Class::Truck).count();
    if all && catch.false_clips.is_empty() {
        text.push_str(&format!("none of the {} had a clip of its own\n", listing(truth)));
    }
    text
}

fn places(sheet: Option<&sheet::Sheet>, output: &Path) -> String {
    let mut text = String::new();
    if let Some(sheet) = sheet {
        text.push_str(&format!(
            "what was seen, with boxes:  {}\n",
            sheet.picture.display()
        ));
        if let Some(film) = &sheet.film {
            text.push_str(&format!("the first clip, to play:    {}\n", film.display()));
        }
    }
    let assets = output.join("state/assets");
    text.push_str(&format!(
        "all clips, each a folder with an index.m3u8:  {}\n",
        assets.display()
    ));
    text.push_str("\nThis model knows drawn streets only. A real camera wants a real one:\n  ");
    text.push_str("mediagraph run topologies/evr-trucks-only -p rtspUrl=URL -p modelPath=yolox_nano.onnx\n");
    text.push_str("topologies/evr-trucks-only/README.md says which models it may be.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topology_is_the_one_for_real_cameras_with_the_projects_model() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("topology.json");
        write_topology(&path).unwrap();
        let topology: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let detector = topology["properties"]["processors"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["name"] == "detector")
            .unwrap();
        assert_eq!(detector["config"]["classes"][3], "truck");
        assert_eq!(detector["config"]["labels"], json!(["${label}"]));
        let parameters = topology["properties"]["parameters"].as_array().unwrap();
        let names: Vec<&str> = parameters.iter().filter_map(|one| one["name"].as_str()).collect();
        assert!(
            PARAMETERS.iter().all(|(name, _)| names.contains(name)),
            "{names:?}"
        );
        let model = parameters.iter().find(|one| one["name"] == "modelPath").unwrap();
        assert!(Path::new(model["default"].as_str().unwrap()).is_file());
    }

    #[test]
    fn a_false_clip_is_named() {
        let truth = StreetTruth::read(&clip::truth_file()).unwrap();
        let text =
            r#"{"name":"truck-1","start":"1970-01-01T00:01:40Z","duration":8,"bytes":1,"problems":[]}"#;
        let clips = [Clip::parse(text).unwrap()];
        let catch = Catch {
            clips: 1,
            false_clips: vec![0],
            ..Catch::default()
        };
        let text = sentences(&truth, &catch, &clips);
        assert!(
            text.contains("1 false clips") && text.contains("false: truck-1"),
            "{text}"
        );
        assert!(!text.contains("none of"), "{text}");
    }
}
