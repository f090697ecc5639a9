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
            context.error(&error);
            let message = format!("{error}; it is restarted, the rest of the graph goes on");
            tell_down(context, extension, "restarting", &message);
        }
        Some(Change::GivenUp(error)) => {
            context.error(&format!("{error}; it is given up: {WAY_OUT}"));
            let message = format!("{error}; it is given up, the rest of the graph goes on\nhint: {WAY_OUT}");
            tell_down(context, extension, "failed", &message);
        }
        Some(Change::Back) => {
            tracing::info!(extension, "The component answers again");
            tell_back(context, extension);
        }
    }
}

fn tell_down(context: &NodeContext, extension: &str, state: &'static str, message: &str) {
    context.state(state);
    let data = json!({"extension": extension, "state": state, "message": message});
    context.emit(DOWN, data);
}

fn tell_back(context: &NodeContext, extension: &str) {
    context.state("running");
    context.emit(BACK, json!({"extension": extension, "state": "running"}));
}

/// So many frames, or moments, are refused one after the other before that is told.
const REFUSALS: u32 = 5;
/// Of one that is now so and now otherwise it is told ever more seldom: at most this many are waited for.
const MAX_REFUSALS: u32 = 5_000;

/// Whether a component refuses all that it is asked about: it runs, and yet nothing comes of it.
#[derive(Debug)]
pub struct Refusals {
    /// One after the other; of answers, while it is told to refuse.
    count: u32,
    /// So many of them change what is told.
    enough: u32,
    told: bool,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            count: 0,
            enough: REFUSALS,
            told: false,
        }
    }
}

impl Refusals {
    /// It gave an answer.
    pub fn answered(&mut self, context: &NodeContext, extension: &str) {
        if !self.told {
            self.count = 0;
        } else if self.enough() {
            tell_back(context, extension);
        }
    }

    /// It gave none; this counts, and logs, why.
    pub fn unanswered(&mut self, context: &NodeContext, extension: &str, unanswered: &Unanswered) {
        note_unanswered(context, unanswered);
        let Unanswered::Refused(why) = unanswered else {
            return;
        };
        if self.told {
            self.count = 0;
        } else if self.enough() {
            let message = format!(
                "the component refuses what it is asked about: {why}; nothing comes of it, the rest of the graph goes on"
            );
            tell_down(context, extension, "refusing", &message);
        }
    }

    fn enough(&mut self) -> bool {
        self.count += 1;
        if self.count < self.enough {
            return false;
        }
        self.enough = self.enough.saturating_mul(2).min(MAX_REFUSALS);
        self.told = !self.told;
        self.count = 0;
        true
    }
}

/// Counts, and logs, why there is no answer.
fn note_unanswered(context: &NodeContext, unanswered: &Unanswered) {
    context.skipped(1);
    match unanswered {
        Unanswered::Refused(text) => context.error(&format!("the component refused a frame: {text}")),
        Unanswered::Failed(error) => {
            tracing::debug!(%error, "A call of the component failed")
        }
        Unanswered::Down => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::media::ManualClock;
    use crate::nodes::testing::{Told, context};

    fn node() -> (NodeContext, Arc<Told>, Refusals) {
        let clock = ManualClock::new("2026-01-02T03:04:05Z".parse().unwrap());
        let (context, told) = context(Arc::new(clock));
        (context, told, Refusals::default())
    }

    #[test]
    fn a_component_that_refuses_everything_is_told_once_and_again_when_it_answers() {
        let (context, told, mut refusals) = node();
        let no = Unanswered::Refused("no label `lorry`".into());
        // Now and then is no matter.
        for _ in 0..20 {
            refusals.unanswered(&context, "look", &no);
            refusals.answered(&context, "look");
        }
        assert!(told.events().is_empty());
        for _ in 0..100 {
            refusals.unanswered(&context, "look", &no);
        }
        for _ in 0..100 {
            refusals.answered(&context, "look");
        }
        let events = told.events();
        let states: Vec<_> = events.iter().map(|event| event.data["state"].clone()).collect();
        assert_eq!(states, ["refusing", "running"]);
        assert!(
            events[0].data["message"]
                .as_str()
                .unwrap()
                .contains("no label `lorry`")
        );
    }

    #[test]
    fn one_that_is_now_so_and_now_otherwise_is_told_of_ever_more_seldom() {
        let (context, told, mut refusals) = node();
        let no = Unanswered::Refused("no".into());
        for round in 0..1_000 {
            for _ in 0..REFUSALS {
                if round % 2 == 0 {
                    refusals.unanswered(&context, "look", &no);
                } else {
                    refusals.answered(&context, "look");
                }
            }
        }
        assert_eq!(told.events().len(), 1, "ten in a row never came");
    }
}
