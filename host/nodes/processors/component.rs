//! What nodes that run a component have in common: telling the world how the component is.

use serde_json::json;

use crate::extension::{Change, Unanswered};
use crate::nodes::context::NodeContext;

const DOWN: &str = "MediaGraph.Diagnostics.ExtensionDown";
const BACK: &str = "MediaGraph.Diagnostics.ExtensionBack";

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
            context.error(&error);
            let message = format!("{error}; it is given up, the rest of the graph goes on");
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
