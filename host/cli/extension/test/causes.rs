//! Tells observations to a gate or a processor, and lets time pass between them as a running graph does: it is woken when
//! the moment that it asked for has passed and all that was observed up to it has been told.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::clip::seconds;
use super::golden::{self, Golden};
use super::{Bench, START};
use crate::cli::failure::Failure;
use crate::extension::{Action, CallError, Cause, Gate, Processor, World};
use crate::media::inference::{Finding, Inference, Observation};
use crate::media::{MediaTime, TICKS_PER_SECOND, Ticks};
use crate::nodes::processors::wakes::Wakes;

/// Whose observations they are, where the file does not say.
const DEFAULT_ORIGIN: &str = "detector";

/// One of the two worlds that are told things.
#[derive(Debug)]
enum Told {
    Gate(Gate),
    Processor(Processor),
}

/// What it did, if anything, and when it wants to be called again.
type Answer = (Option<Value>, Option<MediaTime>);

impl Told {
    async fn start(bench: &Bench<'_>) -> Result<Self, CallError> {
        let (extension, config, context) = (&bench.loaded.extension, &bench.loaded.config, bench.context());
        Ok(match extension.world {
            World::Gate => Self::Gate(Gate::new(extension, &context, config, bench.limits).await?),
            _ => Self::Processor(Processor::new(extension, &context, config, bench.limits).await?),
        })
    }

    async fn tell(&mut self, cause: &Cause) -> Result<Answer, CallError> {
        match self {
            Self::Gate(gate) => {
                let decision = gate.consider(cause).await?;
                let actions: Vec<Value> = decision.actions.iter().map(action).collect();
                let did = (!actions.is_empty()).then(|| json!({"actions": actions}));
                Ok((did, decision.wake))
            }
            Self::Processor(processor) => {
                let outcome = processor.process(cause).await?;
                let said: Vec<Value> = outcome.observations.iter().map(observation).collect();
                let did = (!said.is_empty()).then(|| json!({"observations": said}));
                Ok((did, outcome.wake))
            }
        }
    }
}

fn action(action: &Action) -> Value {
    match action {
        Action::Open(activation) => json!({"open": {
            "id": activation.id,
            "start": shown(activation.span.start),
            // Until further notice.
            "end": (activation.span.end < MediaTime::MAX).then(|| shown(activation.span.end)),
        }}),
        Action::Close { id, at } => json!({"close": {"id": id, "at": shown(*at)}}),
    }
}

fn observation(said: &Observation) -> Value {
    json!({"seconds": shown(said.time), "origin": &*said.origin, "inferences": said.inferences})
}

fn shown(time: MediaTime) -> f64 {
    golden::rounded(seconds(time))
}

/// Tells everything in the file, and takes down what comes of it.
///
/// # Errors
/// When the file holds no observations, or the component crashes.
pub(super) async fn run(bench: &mut Bench<'_>, path: &Path) -> Result<Golden, Failure> {
    let input = Input::read(path)?;
    let mut told = Told::start(bench)
        .await
        .map_err(|error| Failure::failed(format!("the component cannot be constructed: {error}")))?;
    let mut golden = Golden::new(bench.loaded.extension.world);
    golden.seconds = input.seconds;
    let end = at(input.seconds);
    let mut wake: Option<MediaTime> = None;
    let mut observations = input.observations.into_iter().peekable();
    let mut wakes = Wakes::default();
    loop {
        let next = observations.peek().map(|next| next.time);
        // Strictly: what was observed at that very moment is told first.
        let elapsed = wake.filter(|wake| *wake < next.unwrap_or(end));
        let cause = match elapsed {
            Some(moment) => Cause::Elapsed(moment),
            None => match observations.next() {
                Some(observation) => Cause::Observed(observation),
                None => return Ok(golden),
            },
        };
        golden.shown += 1;
        bench.reach(cause.time());
        wake = tell(bench, &mut told, &cause, &mut golden).await?;
        if wakes.too_often(&cause) {
            wake = None;
        }
    }
}

async fn tell(
    bench: &mut Bench<'_>,
    told: &mut Told,
    cause: &Cause,
    golden: &mut Golden,
) -> Result<Option<MediaTime>, Failure> {
    let now = seconds(cause.time());
    let because = match cause {
        Cause::Observed(_) => "observed",
        Cause::Elapsed(_) => "elapsed",
    };
    match bench.timed(told.tell(cause)).await {
        Ok((did, wake)) => {
            if let Some(mut did) = did {
                golden::insert(&mut did, "cause", because.into());
                golden.add(now, did)?;
            }
            Ok(wake)
        }
        Err(CallError::Refused(why)) => {
            golden.add(now, json!({"cause": because, "refused": why}))?;
            Ok(None)
        }
        Err(error) => Err(Failure::failed(format!(
            "{error}, when it was told what was {because} at {now:.3} s"
        ))),
    }
}

/// What is told.
#[derive(Debug)]
struct Input {
    /// Where the media ends.
    seconds: f64,
    /// In the order of their times.
    observations: Vec<Observation>,
}

/// As the file says it: what [`Golden`] keeps of a detector or of a processor.
#[derive(Debug, Deserialize)]
struct Document {
    seconds: Option<f64>,
    said: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    seconds: f64,
    origin: Option<String>,
    #[serde(default)]
    inferences: Vec<Said>,
    #[serde(default)]
    observations: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    subtype: Option<String>,
    inference_id: Option<String>,
    #[serde(default)]
    related_inferences: Vec<String>,
    sequence_id: Option<String>,
    #[serde(default)]
    extensions: std::collections::BTreeMap<String, String>,
    #[serde(flatten)]
    finding: Finding,
}

impl From<Said> for Inference {
    fn from(said: Said) -> Self {
        let mut inference = Self::new(said.finding);
        inference.subtype = said.subtype;
        inference.inference_id = said.inference_id;
        inference.related_inferences = said.related_inferences;
        inference.sequence_id = said.sequence_id;
        inference.extensions = said.extensions;
        inference
    }
}

impl Input {
    fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = golden::read(path)?;
        let document: Document = serde_json::from_slice(&bytes).map_err(|error| {
            Failure::failed(format!(
                "`{}` holds no observations: {error}\n\
                 hint: gates and processors are told observations, such as `mediagraph extension test` prints of a \
                 detector: {{\"seconds\": 10, \"said\": [{{\"seconds\": 1.5, \"inferences\": [...]}}]}}",
                path.display()
            ))
        })?;
        let mut observations = Vec::new();
        for entry in document.said {
            entry.into_observations(&mut observations);
        }
        observations.sort_by_key(|observation| observation.time);
        let last = observations.last().map_or(0.0, |last| seconds(last.time));
        Ok(Self {
            seconds: document.seconds.unwrap_or(last).max(last),
            observations,
        })
    }
}

impl Entry {
    fn into_observations(self, all: &mut Vec<Observation>) {
        for nested in self.observations {
            nested.into_observations(all);
        }
        // A frame in which nothing was found is no observation.
        if self.inferences.is_empty() {
            return;
        }
        all.push(Observation {
            time: at(self.seconds),
            origin: self.origin.as_deref().unwrap_or(DEFAULT_ORIGIN).into(),
            inferences: self.inferences.into_iter().map(Inference::from).collect(),
        });
    }
}

fn at(seconds: f64) -> MediaTime {
    // A number out of range becomes the nearest one in it.
    START.offset(Ticks((seconds * TICKS_PER_SECOND as f64).round() as i64))
}
