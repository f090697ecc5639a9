//! What it costs to hand a frame to a component.
//!
//! Only an optimised build tells anything: wasmtime copies lists with a loop that LLVM makes a `memcpy`, and that
//! loop is instantiated in this crate, so at `opt-level = 1` it goes byte by byte (1 GB/s).
//!
//! `frame-handover`: a `detect` call that asks for the pixels, beside one copy of the same bytes. Target: at most
//! 1.2 times the copy from 1 MB on. `guest-call`: a `detect` call that asks for nothing.

#[path = "../tests/common/component.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "written for tests; a bench needs only a part"
)]
mod fixture;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mediagraph::extension::{Detector, Engine, EngineOptions, Limits, NodeContext, TracingLog};
use mediagraph::media::image::{CropSource, FrameView, PixelFormat, Prepared, Size};
use mediagraph::media::inference::Rect;
use mediagraph::media::{MediaTime, SystemClock};

#[derive(Debug)]
struct NoCrops;

impl CropSource for NoCrops {
    fn crop(&self, _: Rect, _: Size, _: PixelFormat) -> Result<Arc<[u8]>, String> {
        Err("not measured".into())
    }
}

/// A grey frame.
fn frame(width: u32, height: u32) -> FrameView {
    let size = Size { width, height };
    FrameView {
        sequence: 1,
        time: MediaTime::MIN,
        source_size: size,
        prepared: Prepared {
            format: PixelFormat::Gray8,
            size,
            content: Rect {
                l: 0.0,
                t: 0.0,
                w: 1.0,
                h: 1.0,
            },
            pixels: vec![128; (width * height) as usize].into(),
        },
        source: Arc::new(NoCrops),
        annotations: Arc::new([]),
    }
}

fn detector(runtime: &tokio::runtime::Runtime, act: &str) -> Result<Detector, Box<dyn std::error::Error>> {
    let mut fixture = fixture::detector();
    fixture.act = act.to_owned();
    let engine = Engine::new(EngineOptions::default())?;
    let extension = engine.load(&fixture.bytes(), "bench")?;
    let context = NodeContext {
        node: "bench".into(),
        log: Arc::new(TracingLog::new("bench")),
        clock: Arc::new(SystemClock::new()),
        seed: 0,
    };
    let started = Detector::new(&extension, &context, &serde_json::Value::Null, Limits::default());
    Ok(runtime.block_on(started)?)
}

/// Asks for the pixels, into the same memory each time, and says nothing.
const LOOK: &str = "(global.set $heap (i32.const 0x11000))
    (call $pixels (local.get $frame) (i32.const 4096))
    (i32.store (i32.const 2440) (i32.const 0)) (call $drop-frame (local.get $frame)) (i32.const 2432)";
/// Says nothing.
const IGNORE: &str = "(i32.store (i32.const 2440) (i32.const 0))
    (call $drop-frame (local.get $frame)) (i32.const 2432)";

#[expect(clippy::unwrap_used, reason = "a bench that cannot start has nothing to say")]
fn handover(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut detector = detector(&runtime, LOOK).unwrap();
    let mut group = criterion.benchmark_group("frame-handover");
    for (width, height) in [(320, 180), (1280, 720), (1920, 1080)] {
        let frame = frame(width, height);
        group.throughput(Throughput::Bytes(frame.prepared.pixels.len() as u64));
        let mut target = vec![0; frame.prepared.pixels.len()];
        group.bench_function(format!("copy-{width}x{height}"), |bencher| {
            bencher.iter(|| black_box(&mut target).copy_from_slice(black_box(&frame.prepared.pixels)));
        });
        group.bench_function(format!("component-{width}x{height}"), |bencher| {
            bencher.iter(|| runtime.block_on(detector.detect(&frame)).unwrap());
        });
    }
    group.finish();
}

#[expect(clippy::unwrap_used, reason = "a bench that cannot start has nothing to say")]
fn guest_call(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut detector = detector(&runtime, IGNORE).unwrap();
    let frame = frame(320, 180);
    criterion.bench_function("guest-call", |bencher| {
        bencher.iter(|| runtime.block_on(detector.detect(&frame)).unwrap());
    });
}

criterion_group!(benches, handover, guest_call);
criterion_main!(benches);
