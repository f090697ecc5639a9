//! What it costs to hand a frame to a component.
//!
//! `frame-handover`: a `detect` call that asks for the pixels and looks at none, beside one copy of the same bytes,
//! for frames so large that the copy decides. `frame-handover-small`: the same for the frame that the motion detector
//! asks for, where the call itself is a good part. `guest-call`: a `detect` call that asks for nothing.
//!
//! The guest puts every frame at the same place, as an allocator does that reuses what was freed: a frame costs no
//! page faults after the first.
//!
//! Only an optimised build tells anything: wasmtime copies lists with a loop that LLVM makes a `memcpy`, and that
//! loop is instantiated in this crate.

use std::hint::black_box;

use super::fixture;
use super::support::{self, ThreadTime};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use mediagraph::extension::Detector;
use mediagraph::media::image::{FrameView, PixelFormat, Size};
use tokio::runtime::Runtime;

/// Name, width, height, format and bytes for two pixels.
pub(crate) type Shape = (&'static str, u32, u32, PixelFormat, u32);

/// What a detector of objects might want.
pub(crate) const RGB_640: Shape = ("640x640-rgb", 640, 640, PixelFormat::Rgb24, 6);
/// Frames of which the copy costs far more than the call.
const LARGE: [Shape; 3] = [
    ("1920x1080-luma", 1920, 1080, PixelFormat::Gray8, 2),
    ("1920x1080-i420", 1920, 1080, PixelFormat::I420, 3),
    RGB_640,
];
const SMALL: [Shape; 1] = [("320x180-luma", 320, 180, PixelFormat::Gray8, 2)];

/// Asks for the pixels, into the same memory each time, and says nothing.
const LOOK: &str = "(global.set $heap (i32.const 0x11000))
    (call $pixels (local.get $frame) (i32.const 4096))
    (i32.store (i32.const 2440) (i32.const 0)) (call $drop-frame (local.get $frame)) (i32.const 2432)";
/// Says nothing.
const IGNORE: &str = "(i32.store (i32.const 2440) (i32.const 0))
    (call $drop-frame (local.get $frame)) (i32.const 2432)";

pub(crate) fn view((_, width, height, format, bytes): Shape) -> FrameView {
    let length = width * height * bytes / 2;
    let pixels = (0..length).map(|at| (at % 251) as u8).collect();
    support::frame(1, 0, Size { width, height }, format, pixels)
}

#[expect(clippy::unwrap_used, reason = "a bench that cannot start has nothing to say")]
fn start(act: &str) -> (Runtime, Detector) {
    let mut fixture = fixture::detector();
    fixture.act = act.to_owned();
    let runtime = support::runtime().unwrap();
    let detector = support::detector(&runtime, &fixture.bytes()).unwrap();
    (runtime, detector)
}

/// A detector that asks for the pixels.
pub(crate) fn looking() -> (Runtime, Detector) {
    start(LOOK)
}

#[expect(clippy::unwrap_used, reason = "a component that fails must end the bench")]
fn group(criterion: &mut Criterion<ThreadTime>, name: &str, shapes: &[Shape]) {
    let (runtime, mut detector) = looking();
    let mut group = criterion.benchmark_group(name);
    for shape in shapes {
        let frame = view(*shape);
        let pixels = &frame.prepared.pixels;
        group.throughput(Throughput::Bytes(pixels.len() as u64));
        let mut target = vec![0; pixels.len()];
        group.bench_function(BenchmarkId::new("memcpy", shape.0), |bencher| {
            bencher.iter(|| black_box(target.as_mut_slice()).copy_from_slice(black_box(pixels)));
        });
        group.bench_function(BenchmarkId::new("component", shape.0), |bencher| {
            bencher.iter(|| runtime.block_on(detector.detect(&frame)).unwrap());
        });
    }
    group.finish();
}

fn handover(criterion: &mut Criterion<ThreadTime>) {
    group(criterion, "frame-handover", &LARGE);
    group(criterion, "frame-handover-small", &SMALL);
}

#[expect(clippy::unwrap_used, reason = "a component that fails must end the bench")]
fn guest_call(criterion: &mut Criterion<ThreadTime>) {
    let (runtime, mut detector) = start(IGNORE);
    let frame = view(SMALL[0]);
    criterion.bench_function("guest-call", |bencher| {
        bencher.iter(|| runtime.block_on(detector.detect(&frame)).unwrap());
    });
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = handover, guest_call
}
