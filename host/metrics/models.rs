//! How the models of the host are.

use prometheus_client::registry::Registry;

use super::{Counters, FloatGauges, Gauges, Labels, label};
use crate::inference::ModelStats;

/// Of seconds.
const MICROS: f64 = 1e6;

pub(super) fn register(registry: &mut Registry, models: &[ModelStats]) {
    let (runs, failed, dropped) = (Counters::default(), Counters::default(), Counters::default());
    let (waiting, busy) = (Gauges::default(), FloatGauges::default());
    for model in models {
        let labels: Labels = vec![label("model", &model.path), label("backend", &model.backend)];
        runs.get_or_create(&labels).inc_by(model.runs);
        failed.get_or_create(&labels).inc_by(model.failed);
        dropped.get_or_create(&labels).inc_by(model.dropped);
        let waits = i64::try_from(model.waiting).unwrap_or(i64::MAX);
        waiting.get_or_create(&labels).inc_by(waits);
        let gauge = busy.get_or_create(&labels);
        gauge.inc_by(model.busy_micros as f64 / MICROS);
    }
    for (name, help, family) in [
        ("mediagraph_model_runs", "Frames that a model answered", runs),
        (
            "mediagraph_model_failed_runs",
            "Frames that a model failed at",
            failed,
        ),
        (
            "mediagraph_model_dropped_runs",
            "Frames that were left out because too many waited for a model",
            dropped,
        ),
    ] {
        registry.register(name, help, family);
    }
    registry.register(
        "mediagraph_model_waiting",
        "Frames that wait for a model",
        waiting,
    );
    registry.register(
        "mediagraph_model_busy_seconds",
        "Time for which a model has run, in all threads",
        busy,
    );
}
