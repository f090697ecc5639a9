//! Says when something has appeared, and when it has not been seen for a while.

use std::cell::Cell;

use exports::mediagraph::extension::about::{Description, Guest as About};
use exports::mediagraph::extension::processing::{
    Cause, Guest, GuestProcessor, Observation, Outcome, Timestamp,
};
use mediagraph::extension::types::{Event, Finding, Inference, Property};

wit_bindgen::generate!({ path: "wit", world: "processor" });

/// Media time: ticks in a second.
const SECOND: u64 = 90_000;

struct Extension;

/// What a topology may say in `config`.
#[derive(serde::Deserialize)]
struct Config {
    /// It has gone when it was not seen for so many seconds.
    #[serde(default = "default_seconds")]
    seconds: u64,
}

fn default_seconds() -> u64 {
    2
}

const SCHEMA: &str = r#"{
    "type": "object",
    "properties": {"seconds": {"type": "integer", "minimum": 1, "maximum": 3600}},
    "additionalProperties": false
}"#;

impl About for Extension {
    fn describe() -> Description {
        Description {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Says when something appears and when it is gone".into(),
            config_schema: SCHEMA.into(),
        }
    }
}

impl Guest for Extension {
    type Processor = Processor;
}

struct Processor {
    config: Config,
    /// When it appeared and when it was last seen; none while there is nothing.
    seen: Cell<Option<(Timestamp, Timestamp)>>,
}

impl GuestProcessor for Processor {
    fn new(config: String) -> Result<Self, String> {
        let config = serde_json::from_str(&config).map_err(|error| error.to_string())?;
        Ok(Self {
            config,
            seen: Cell::new(None),
        })
    }

    fn process(&self, cause: Cause) -> Result<Outcome, String> {
        let (seen, said) = match (cause, self.seen.get()) {
            (Cause::Observed(now), None) => {
                let now = now.timestamp;
                (Some((now, now)), Some(event(now, "appeared", 0)))
            }
            (Cause::Observed(now), Some((first, _))) => (Some((first, now.timestamp)), None),
            (Cause::Elapsed(now), Some((first, last))) if now >= self.gone(last) => {
                (None, Some(event(now, "gone", (last - first) / SECOND)))
            }
            (Cause::Elapsed(_), seen) => (seen, None),
        };
        self.seen.set(seen);
        // Asks to be called again at the moment at which it would be gone.
        let wake = seen.map(|(_, last)| self.gone(last));
        Ok(Outcome {
            observations: said.into_iter().collect(),
            wake,
        })
    }
}

impl Processor {
    fn gone(&self, last: Timestamp) -> Timestamp {
        last + self.config.seconds * SECOND
    }
}

fn event(timestamp: Timestamp, name: &str, seconds: u64) -> Observation {
    let properties = vec![Property {
        name: "seconds".into(),
        value: seconds.to_string(),
    }];
    let finding = Finding::Event(Event {
        name: name.into(),
        properties,
        box_: None,
    });
    let inference = Inference {
        finding,
        subtype: None,
        inference_id: None,
        related_inferences: Vec::new(),
        sequence_id: None,
        extensions: Vec::new(),
    };
    Observation {
        timestamp,
        origin: env!("CARGO_PKG_NAME").into(),
        inferences: vec![inference],
    }
}

export!(Extension);
