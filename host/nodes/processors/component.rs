//! What nodes that run a component have in common: telling the world how the component is.

use serde_json::json;

use crate::extension::{Change, Extension, Swapped, Unanswered};
use crate::nodes::context::NodeContext;

const LOADED: &str = "MediaGraph.Operational.ExtensionLoaded";
const REFUSED: &str = "MediaGraph.Diagnostics.ExtensionRefused";
const DOWN: &str = "MediaGraph.Diagnostics.ExtensionDown";
const BACK: &str = "MediaGraph.Diagnostics.ExtensionBack";

/// What gets a component that was given up to run again.
const WAY_OUT: &str = "put another version in with `mediagraph extension set`, or deactivate the instance and activate it again";

/// Publishes what a node runs from its start on.
pub fn tell_loaded(context: &NodeContext, extension: &Extension) {
    let Extension {
        name,
        version,
        sha256,
        ..
    } = extension;
    tracing::info!(extension = name, version, sha256, "The component is loaded");
    let data = json!({"extension": name, "version": version, "sha256": sha256});
    context.emit(LOADED, data);
}

/// Publishes that a node has taken over another version.
pub fn tell_swapped(context: &NodeContext, swapped: &Swapped) {
    let Extension {
        name,
        version,
        sha256,
        ..
    } = &*swapped.extension;
    context.state("running");
    tracing::info!(
        extension = name,
        version,
        sha256,
        previous = swapped.previous,
        "Another version of the component runs"
    );
    let data = json!({
        "extension": name,
        "version": version,
        "sha256": sha256,
        "previous": swapped.previous,
    });
    context.emit(LOADED, data);
}

/// Publishes that another version, of this file or name, is not put in.
pub fn tell_refused(context: &NodeContext, origin: &str, sha256: Option<&str>, running: &str, why: &str) {
    let message = format!("{why}; the version before goes on");
    context.error(&format!("another version of `{origin}` is not put in: {why}"));
    let mut data = json!({"extension": origin, "running": running, "message": message});
    if let (Some(sha256), Some(data)) = (sha256, data.as_object_mut()) {
        data.insert("sha256".into(), sha256.into());
    }
    context.emit(REFUSED, data);
}

/// Publishes what a call changed.
pub fn tell_change(context: &NodeContext, extension: &str, change: Option<Change>) {
    match change {
        None => {}
        Some(Change::Down(error)) => {
            context.state("restarting");
            context.error(&error);
            let message = format!("{error}; it is restarted, the rest of the graph goes on");
            context.emit(
                DOWN,
                json!({"extension": extension, "state": "restarting", "message": message}),
            );
        }
        Some(Change::GivenUp(error)) => {
            context.state("failed");
            context.error(&format!("{error}; it is given up: {WAY_OUT}"));
            let message = format!("{error}; it is given up, the rest of the graph goes on\nhint: {WAY_OUT}");
            context.emit(
                DOWN,
                json!({"extension": extension, "state": "failed", "message": message}),
            );
        }
        Some(Change::Back) => {
            context.state("running");
            tracing::info!(extension, "The component answers again");
            context.emit(BACK, json!({"extension": extension, "state": "running"}));
        }
    }
}

/// Counts, and logs, why there is no answer.
pub fn note_unanswered(context: &NodeContext, unanswered: &Unanswered) {
    context.skipped(1);
    match unanswered {
        Unanswered::Refused(text) => context.error(&format!("the component refused a frame: {text}")),
        Unanswered::Failed(error) => {
            tracing::debug!(%error, "A call of the component failed")
        }
        Unanswered::Down => {}
    }
}
