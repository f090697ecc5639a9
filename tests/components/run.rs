//! Runs a built-in component as a node does, without a graph around it.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use mediagraph::extension::{
    Action, Cause, Detector, Engine, EngineOptions, Extension, Gate, Limits, NodeContext, Processor,
    TracingLog, builtin,
};
use mediagraph::media::image::FrameView;
use mediagraph::media::inference::Observation;
use mediagraph::media::{MediaTime, SystemClock};
use serde_json::Value;

use crate::clip::{BEGIN, PICTURES, SPEC, nothing};

/// What was said of a moment.
pub(crate) type Said = Observation;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(EngineOptions::default()).unwrap());

fn limits() -> Limits {
    Limits {
        // This machine may have other work.
        call_timeout: Duration::from_secs(20),
        ..Limits::default()
    }
}

fn load(name: &str, config: &Value) -> (Arc<Extension>, NodeContext) {
    let extension = ENGINE
        .load_builtin(builtin::find(name).unwrap().bytes, name)
        .unwrap();
    assert_eq!(extension.name, name);
    extension.config_schema.check(config).unwrap();
    let context = NodeContext {
        node: "test".into(),
        log: Arc::new(TracingLog),
        clock: Arc::new(SystemClock::new()),
        seed: 1,
        models: mediagraph::inference::Bound::default(),
    };
    (extension, context)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

/// Seconds of the clip.
pub(crate) fn seconds(time: MediaTime) -> f64 {
    (time.ticks() - BEGIN) as f64 / 90_000.0
}

/// What the motion detector says of the clip without any settings.
pub(crate) static MOTION: LazyLock<Vec<Said>> = LazyLock::new(|| motion(&serde_json::json!({})));

/// What the motion detector says of the clip.
pub(crate) fn motion(config: &Value) -> Vec<Said> {
    let (extension, context) = load("motion-detector", config);
    let source = nothing();
    wait(async {
        let mut detector = Detector::new(&extension, &context, config, limits())
            .await
            .unwrap();
        assert_eq!(detector.input().image, SPEC);
        let mut said = Vec::new();
        for (sequence, shown) in PICTURES.iter().enumerate() {
            let view = FrameView {
                sequence: sequence as u64,
                time: shown.time,
                source_size: shown.size,
                prepared: shown.prepared.clone(),
                source: Arc::clone(&source) as _,
                annotations: Arc::new([]),
            };
            let inferences = detector.detect(&view).await.unwrap();
            if !inferences.is_empty() {
                said.push(Observation {
                    time: shown.time,
                    origin: "motion".into(),
                    inferences,
                });
            }
        }
        said
    })
}

/// Observations with the wakes between them, as `next` asks for them; the end wakes it once more.
async fn tell<T>(said: &[Said], mut call: impl AsyncFnMut(Cause) -> (Option<MediaTime>, T)) -> Vec<T> {
    let (mut answers, mut wake) = (Vec::new(), None);
    let end = [None];
    for observation in said.iter().map(Some).chain(end) {
        while let Some(at) = wake.filter(|at| observation.is_none_or(|next: &Observation| next.time > *at)) {
            let (next, answer) = call(Cause::Elapsed(at)).await;
            wake = next;
            answers.push(answer);
        }
        if let Some(observation) = observation {
            let (next, answer) = call(Cause::Observed(observation.clone())).await;
            wake = next;
            answers.push(answer);
        }
    }
    answers
}

/// What a processor makes of what was said.
pub(crate) fn processor(name: &str, config: &Value, said: &[Said]) -> Vec<Said> {
    let (extension, context) = load(name, config);
    wait(async {
        let mut processor = Processor::new(&extension, &context, config, limits())
            .await
            .unwrap();
        let answers = tell(said, async |cause| {
            let outcome = processor.process(&cause).await.unwrap();
            (outcome.wake, outcome.observations)
        })
        .await;
        let told = answers.into_iter().flatten();
        told.filter(|said| !said.inferences.is_empty()).collect()
    })
}

/// From when to when a gate lets media through, in seconds of the clip.
pub(crate) fn gate(name: &str, config: &Value, said: &[Said]) -> Vec<(f64, f64)> {
    let (extension, context) = load(name, config);
    let answers = wait(async {
        let mut gate = Gate::new(&extension, &context, config, limits()).await.unwrap();
        tell(said, async |cause| {
            let decision = gate.consider(&cause).await.unwrap();
            (decision.wake, decision.actions)
        })
        .await
    });
    let mut spans = std::collections::BTreeMap::new();
    for action in answers.into_iter().flatten() {
        match action {
            Action::Open(open) => {
                spans.insert(open.id, (open.span.start, open.span.end));
            }
            Action::Close { id, at } => {
                if let Some(span) = spans.get_mut(&id) {
                    span.1 = at;
                }
            }
        }
    }
    spans
        .into_values()
        .map(|(start, end)| (seconds(start), seconds(end)))
        .collect()
}
