//! `mediagraph extension inspect`: what a component is, what it may reach, and what it wants.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use super::component::{ComponentArgs, Loaded};
use crate::cli::failure::Outcome;
use crate::cli::print;
use crate::extension::{
    Detector, Gate, Import, Inspection, Limits, NodeContext, RequestedInput, TracingLog, World,
};
use crate::media::{SystemClock, TICKS_PER_SECOND};

/// Say what a component is, what it may reach, and what it wants
///
/// A component can reach only what it imports, so its imports are its list of permissions. What is inert is there, since
/// languages start with it, and leads nowhere: there are no files, no network and no environment.
///
/// Exit codes: 0 for a component that this host can run, 1 for anything else, 2 for a wrong command line, 78 for a
/// configuration that the component's schema does not allow.
#[derive(Debug, clap::Args)]
pub(super) struct InspectArgs {
    #[command(flatten)]
    component: ComponentArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What a component answers once it is constructed.
enum Wants {
    Input(RequestedInput),
    /// Ticks of media that the host is to hold.
    History(i64),
    /// A processor wants nothing but to be told.
    Nothing,
    /// It could not be constructed, for this reason.
    Refused(String),
}

pub(super) async fn run(args: &InspectArgs) -> Outcome {
    let loaded = args.component.load().await?;
    let (inspection, wants) = (loaded.extension.inspect(), wants(&loaded).await);
    print::stdout(&if args.json {
        format!("{:#}\n", as_json(&inspection, &wants)?)
    } else {
        as_text(&inspection, &wants)
    })
}

async fn wants(loaded: &Loaded) -> Wants {
    let context = NodeContext {
        node: "inspect".into(),
        log: Arc::new(TracingLog),
        clock: Arc::new(SystemClock::new()),
        seed: 0,
        models: loaded.models.clone(),
    };
    let Loaded {
        extension, config, ..
    } = loaded;
    let limits = Limits::default();
    let answered = match extension.world {
        World::Detector => Detector::new(extension, &context, config, limits)
            .await
            .map(|detector| Wants::Input(*detector.input())),
        World::Gate => Gate::new(extension, &context, config, limits)
            .await
            .map(|gate| Wants::History(gate.history().0)),
        World::Processor => Ok(Wants::Nothing),
    };
    answered.unwrap_or_else(|error| Wants::Refused(error.to_string()))
}

fn as_json(inspection: &Inspection, wants: &Wants) -> Result<Value, crate::cli::Failure> {
    let mut all = serde_json::to_value(inspection).map_err(crate::cli::Failure::failed)?;
    let (name, wants) = match wants {
        Wants::Input(input) => ("input", input_json(input)),
        Wants::History(ticks) => ("historySeconds", json!(seconds(*ticks))),
        Wants::Nothing => return Ok(all),
        Wants::Refused(why) => ("refused", json!(why)),
    };
    if let Some(members) = all.as_object_mut() {
        members.insert(name.to_owned(), wants);
    }
    Ok(all)
}

fn input_json(input: &RequestedInput) -> Value {
    let image = &input.image;
    json!({
        "format": image.format.name(),
        "width": image.size.map(|size| size.width),
        "height": image.size.map(|size| size.height),
        "fit": image.fit.name(),
        "fill": image.fill,
        "maxRate": input.max_rate,
    })
}

fn as_text(inspection: &Inspection, wants: &Wants) -> String {
    let Inspection {
        name,
        version,
        summary,
        world,
        bytes,
        sha256,
        imports,
        config_schema,
    } = inspection;
    let mut text = format!("{name} {version}: {summary}\n");
    let mut line = |what: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {what:8} {value}");
    };
    line("world", &world.to_string());
    line("size", &format!("{bytes} bytes"));
    line("SHA-256", sha256);
    line("wants", &wants_text(wants));
    let (reached, inert): (Vec<&Import>, Vec<&Import>) = imports.iter().partition(|import| !import.inert);
    if imports.is_empty() {
        line("reaches", "nothing");
    }
    for (n, import) in reached.iter().enumerate() {
        let what = if n == 0 { "reaches" } else { "" };
        line(what, &format!("{:36} {}", import.name, purpose(&import.name)));
    }
    for (n, import) in inert.iter().enumerate() {
        line(if n == 0 { "inert" } else { "" }, &import.name);
    }
    if config_schema.is_null() {
        line("config", "none");
        return text;
    }
    line("config", "as this JSON Schema says");
    for schema_line in format!("{config_schema:#}").lines() {
        line("", schema_line);
    }
    text
}

/// What comes of an import that is not inert.
fn purpose(import: &str) -> &'static str {
    let interface = import.split('@').next().unwrap_or_default();
    match interface.rsplit('/').next().unwrap_or_default() {
        "types" => "names of types, nothing else",
        "frames" => "the frame that it is shown",
        "logging" => "lines in the node's log",
        "inference" => "models that the node or the host names",
        _ => "",
    }
}

fn wants_text(wants: &Wants) -> String {
    match wants {
        Wants::Input(input) => input_text(input),
        Wants::History(0) => "observations, and no media from before them".to_owned(),
        Wants::History(ticks) => format!(
            "observations, and {} s of media from before them",
            seconds(*ticks)
        ),
        Wants::Nothing => "observations".to_owned(),
        Wants::Refused(why) => format!("unknown: {why}"),
    }
}

fn input_text(input: &RequestedInput) -> String {
    let image = &input.image;
    let size = image.size.map_or_else(
        || "frames of whatever size".to_owned(),
        |size| format!("frames of {}x{}", size.width, size.height),
    );
    let rate = input.max_rate.map_or_else(
        || "as many as come".to_owned(),
        |rate| format!("at most {rate} a second"),
    );
    format!("{size} as {} ({}), {rate}", image.format.name(), image.fit.name())
}

fn seconds(ticks: i64) -> f64 {
    ticks as f64 / TICKS_PER_SECOND as f64
}
