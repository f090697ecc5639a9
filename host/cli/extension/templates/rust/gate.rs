//! Lets media through while something is seen, from a little before until a little after.

use std::cell::RefCell;

use exports::mediagraph::extension::about::{Description, Guest as About};
use exports::mediagraph::extension::gating::{
    Action, Activation, Cause, Decision, Guest, GuestGate, Span, Timestamp,
};
use mediagraph::extension::types::{Finding, Inference};

wit_bindgen::generate!({ path: "wit", world: "gate" });

/// Media time: ticks in a second.
const SECOND: u64 = 90_000;

struct Extension;

/// What a topology may say in `config`.
#[derive(serde::Deserialize)]
struct Config {
    /// Opens for entities of this class only; without it, for whatever is found.
    class: Option<String>,
    /// Seconds before the first one.
    #[serde(default = "default_seconds")]
    before: u64,
    /// Seconds after the last one.
    #[serde(default = "default_seconds")]
    after: u64,
}

fn default_seconds() -> u64 {
    2
}

const SCHEMA: &str = r#"{
    "type": "object",
    "properties": {
        "class": {"type": "string", "minLength": 1},
        "before": {"type": "integer", "minimum": 0, "maximum": 30},
        "after": {"type": "integer", "minimum": 1, "maximum": 600}
    },
    "additionalProperties": false
}"#;

impl About for Extension {
    fn describe() -> Description {
        Description {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Lets media through while something is seen".into(),
            config_schema: SCHEMA.into(),
        }
    }
}

impl Guest for Extension {
    type Gate = Gate;
}

struct Gate {
    config: Config,
    /// The newest activation. Another id is another recording.
    newest: RefCell<Activation>,
}

impl GuestGate for Gate {
    fn new(config: String) -> Result<Self, String> {
        let config = serde_json::from_str(&config).map_err(|error| error.to_string())?;
        let newest = Activation {
            id: 0,
            span: Span { start: 0, end: 0 },
        };
        Ok(Self {
            config,
            newest: RefCell::new(newest),
        })
    }

    /// The host holds this much media, so that a recording can begin before its cause.
    fn history(&self) -> Timestamp {
        self.config.before * SECOND
    }

    fn consider(&self, cause: Cause) -> Decision {
        let mut actions = Vec::new();
        if let Cause::Observed(observation) = cause
            && observation
                .inferences
                .iter()
                .any(|inference| self.wanted(inference))
        {
            let now = observation.timestamp;
            let mut newest = self.newest.borrow_mut();
            if now > newest.span.end {
                newest.id += 1;
                newest.span.start = now.saturating_sub(self.config.before * SECOND);
            }
            newest.span.end = now + self.config.after * SECOND;
            actions.push(Action::Open(*newest));
        }
        // Nothing is to happen when time has passed: an activation ends by itself.
        Decision {
            actions,
            wake: None,
        }
    }
}

impl Gate {
    fn wanted(&self, inference: &Inference) -> bool {
        match (&self.config.class, &inference.finding) {
            (None, _) => true,
            (Some(class), Finding::Entity(entity)) => entity.tag.value == *class,
            (Some(_), _) => false,
        }
    }
}

export!(Extension);
