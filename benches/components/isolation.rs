//! What isolation costs when something goes wrong, or begins.
//!
//! `trap-recovery`: from a call that traps to a new instance that can be called. `cold-start`: from the bytes of a
//! component whose compiled code is on the disk to a detector that can be called. Both are waited for, so it is the
//! clock that counts and not the time of a core.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{fixture, support};
use criterion::{Criterion, criterion_group};
use mediagraph::extension::{
    CRASH_FORGOTTEN, Detector, Engine, EngineOptions, Limits, NodeContext, Supervised, TracingLog, builtin,
};
use mediagraph::media::image::{FrameView, PixelFormat, Size};
use mediagraph::media::{Clock, ManualClock, SystemClock};
use serde_json::Value;

/// Answers the first call of an instance and traps in the second.
const MOODY: &str = "(if (i32.load (i32.const 4096)) (then unreachable))
    (i32.store (i32.const 4096) (i32.const 1))
    (i32.store (i32.const 2440) (i32.const 0)) (call $drop-frame (local.get $frame)) (i32.const 2432)";

fn view() -> FrameView {
    let size = Size {
        width: 320,
        height: 180,
    };
    support::frame(1, 0, size, PixelFormat::Gray8, vec![7; 320 * 180])
}

fn context(clock: Arc<dyn Clock>) -> NodeContext {
    NodeContext {
        node: "bench".into(),
        log: Arc::new(TracingLog),
        clock,
        seed: 0,
        models: mediagraph::inference::Bound::default(),
    }
}

#[expect(clippy::unwrap_used, reason = "a bench that cannot start has nothing to say")]
#[expect(clippy::disallowed_methods, reason = "what is measured is real time")]
fn trap_recovery(criterion: &mut Criterion) {
    let mut moody = fixture::detector();
    moody.act = MOODY.to_owned();
    let runtime = support::runtime().unwrap();
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let extension = engine.load(&moody.bytes(), "bench").unwrap();
    let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
    let context = context(clock.clone());
    let frame = view();
    criterion.bench_function("trap-recovery", |bencher| {
        bencher.iter_custom(|times| {
            runtime.block_on(async {
                let started =
                    Supervised::<Detector>::start(&extension, &context, &Value::Null, Limits::default());
                let (mut detector, _) = started.await.unwrap();
                let mut sum = Duration::ZERO;
                for _ in 0..times {
                    assert!(detector.detect(&frame).await.answer.is_ok());
                    // So seldom that each is forgiven: what is measured is a trap, not the patience with many.
                    clock.advance(2 * CRASH_FORGOTTEN);
                    let begin = Instant::now();
                    assert!(detector.detect(&frame).await.answer.is_err());
                    assert!(detector.revive().await.is_none() && detector.instance().is_some());
                    sum += begin.elapsed();
                }
                sum
            })
        });
    });
}

#[expect(clippy::unwrap_used, reason = "a bench that cannot start has nothing to say")]
fn cold_start(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let options = EngineOptions {
        cache_dir: Some(folder.path().join("components")),
        ..EngineOptions::default()
    };
    let runtime = support::runtime().unwrap();
    let engine = Engine::new(options).unwrap();
    let bytes = builtin::find("motion-detector").unwrap().bytes;
    let context = context(Arc::new(SystemClock::new()));
    let config = serde_json::json!({});
    // Compiles it; that it is not used any more makes the engine forget it, but for the file.
    drop(engine.load(bytes, "bench").unwrap());
    criterion.bench_function("cold-start", |bencher| {
        bencher.iter(|| {
            let extension = engine.load(bytes, "bench").unwrap();
            let started = Detector::new(&extension, &context, &config, Limits::default());
            runtime.block_on(started).unwrap()
        });
    });
}

fn wall() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .sample_size(50)
}

criterion_group! {
    name = benches;
    config = wall();
    targets = trap_recovery, cold_start
}
