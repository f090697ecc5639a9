//! `mediagraph graph --plan`: what would be decoded and scaled, and for whom.
//!
//! Only a component knows what it wants, so those of the topology are started, and ended again. Nothing else runs, no camera
//! is asked, and the state directory is only looked at.

use std::fmt::Write as _;
use std::sync::Arc;
use std::thread::available_parallelism;

use super::super::failure::{Failure, Outcome};
use super::super::load;
use super::super::print;
use super::super::run::folder;
use super::super::table::clean;
use super::super::validate::NO_INSTANCE;
use super::GraphArgs;
use crate::events::fanout::Fanout;
use crate::extension::{EngineOptions, LazyEngine};
use crate::graph::components::Installed;
use crate::graph::demand::{DecodePlan, Decodes, ImagePlan, Look, SourcePlan};
use crate::graph::{Environment, Instance, Plan, Runtime, prepare};
use crate::media::{Clock, SystemClock};
use crate::nodes::analysis::AnalysisPool;
use crate::nodes::reach::Anywhere;
use crate::nodes::{Graph, TABLE};
use crate::state::StateDir;
use crate::topology::check;

/// What stands for the value of a parameter that has none: an address at which there never is a camera (RFC 2606).
const UNSET: &str = "rtsp://unset.invalid/";

/// Runs the command.
///
/// # Errors
/// Exit code 78 when the topology could not run, 1 when it cannot be read.
pub(super) async fn run(args: GraphArgs) -> Outcome {
    let (graph, unset) = resolved(&args)?;
    let plan = looked_ahead(graph, &args).await;
    let plan = plan.map_err(|failure| with_unset(failure, &unset))?;
    print::answer(&plan, args.json, |plan, _| text(plan))
}

/// The graph, and the parameters that have no value yet.
fn resolved(args: &GraphArgs) -> Result<(Graph, Vec<String>), Failure> {
    let mut bindings = args.parameters.bindings()?;
    let doc = load::topology(&args.topology).map_err(|error| error.into_failure(&args.topology))?;
    let unset = check(&doc, &bindings, NO_INSTANCE, TABLE).missing;
    for name in &unset {
        bindings.set(name, UNSET);
    }
    let checked = check(&doc, &bindings, NO_INSTANCE, TABLE);
    let file = args.topology.display().to_string();
    let told = checked.diagnostics.render(Some(&file));
    match checked.graph {
        Some(graph) => Ok((graph, unset)),
        None => Err(with_unset(Failure::bad_topology(told.trim_end()), &unset)),
    }
}

/// A placeholder may be what is wrong.
fn with_unset(failure: Failure, unset: &[String]) -> Failure {
    if unset.is_empty() {
        return failure;
    }
    let message = format!(
        "{}\nhint: these parameters have no value yet: {}; give them one with `-p NAME=VALUE`",
        failure.message,
        unset.join(", ")
    );
    Failure { message, ..failure }
}

async fn looked_ahead(graph: Graph, args: &GraphArgs) -> Result<DecodePlan, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let cores = available_parallelism().map_or(1, std::num::NonZero::get);
    let runtime = Runtime {
        clock: Arc::clone(&clock),
        events: Arc::new(Fanout(Vec::new())),
        pool: AnalysisPool::new(Arc::clone(&clock), cores),
        hub: Arc::default(),
        reach: Arc::new(Anywhere),
    };
    let environment = environment(args, clock);
    let loading = tokio::task::spawn_blocking(move || prepared(&graph, &environment));
    let plan = loading.await.map_err(Failure::failed)??;
    Instance::look_ahead(&plan, &runtime)
        .await
        .map_err(Failure::bad_topology)
}

fn environment(args: &GraphArgs, clock: Arc<dyn Clock>) -> Environment {
    let state = Arc::new(StateDir::look(&args.state_dir));
    let installed = Installed::look(&state);
    let options = EngineOptions {
        // Not made for this: nothing is to be left behind.
        cache_dir: Some(state.components()).filter(|folder| folder.is_dir()),
        ..EngineOptions::default()
    };
    Environment {
        state,
        recordings: None,
        engine: LazyEngine::new(options),
        installed: Arc::new(installed),
        models: Arc::default(),
        clock,
        folder: folder(&args.topology).to_owned(),
    }
}

/// Loads the components: blocks.
fn prepared(graph: &Graph, environment: &Environment) -> Result<Plan, Failure> {
    prepare(graph, environment).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::bad_topology(lines.join("\n"))
    })
}

/// For people.
fn text(plan: &DecodePlan) -> String {
    let mut out = String::new();
    if plan.sources.is_empty() {
        out.push_str("there is no camera in this topology: nothing is decoded\n");
    }
    for (index, source) in plan.sources.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        describe(source, &mut out);
    }
    out
}

fn describe(source: &SourcePlan, out: &mut String) {
    let _ = writeln!(out, "{}", clean(&source.source));
    let _ = writeln!(out, "  decodes: {}", decodes(source));
    if !source.records.is_empty() {
        let _ = writeln!(out, "  records: {}, undecoded", clean(&source.records.join(", ")));
    }
    let looking: Vec<&Look> = source.looks.iter().collect();
    if looking.is_empty() {
        return;
    }
    out.push_str("  looks:\n");
    for look in looking {
        let _ = writeln!(out, "    {}", clean(&look_text(look)));
    }
    let scales = match source.images.len() {
        1 => "  scales: once for each picture that somebody looks at\n".to_owned(),
        count => format!("  scales: {count} times for each picture that all look at\n"),
    };
    out.push_str(&scales);
    for (index, image) in source.images.iter().enumerate() {
        let _ = writeln!(out, "    {}. {}", index + 1, clean(&image_text(image)));
    }
}

fn decodes(source: &SourcePlan) -> String {
    match (source.decodes, source.highest_rate) {
        (Decodes::Due, Some(rate)) => format!(
            "{} frames/s at most: keyframes alone while the camera sends one at least every {} s, else what is due \
             and what that refers to",
            number(rate),
            number(source.keyframes_suffice_up_to.unwrap_or_default())
        ),
        (Decodes::Everything, _) => "every picture, once".to_owned(),
        _ if source.looks.is_empty() => "nothing: nobody looks at its pictures".to_owned(),
        _ => "nothing: nobody would ever be given a picture".to_owned(),
    }
}

fn look_text(look: &Look) -> String {
    let mut text = format!("{} ({}): ", look.node, look.component);
    let annotated = if look.only_annotated {
        "annotated frames"
    } else {
        "frames"
    };
    match look.maximum_rate {
        _ if look.never => {
            text.push_str("never, since it wants annotated frames and no node before it says anything")
        }
        Some(rate) => {
            let _ = write!(text, "at most {} {annotated}/s", number(rate));
        }
        None => {
            let _ = write!(text, "all {annotated}");
        }
    }
    if !look.behind.is_empty() {
        let _ = write!(text, ", behind {}", look.behind.join(", "));
    }
    match look.image {
        Some(image) => {
            let _ = write!(text, ", image {image}");
        }
        None => text.push_str("; its component does not start, so nobody knows which image it wants"),
    }
    text
}

fn image_text(image: &ImagePlan) -> String {
    let size = match (image.width, image.height) {
        (Some(width), Some(height)) => format!("{width}x{height}"),
        _ => "the camera's size".to_owned(),
    };
    format!(
        "{size}, {}, {}: for {}",
        image.format,
        image.fit,
        image.nodes.join(", ")
    )
}

/// At most three digits behind the point, and none that say nothing.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, wanted) in [(0.5, "0.5"), (2.0, "2"), (10.0, "10"), (1.0 / 3.0, "0.333")] {
            assert_eq!(number(value), wanted);
        }
    }
}
