//! What the sandbox costs the motion detector: the component in the real host beside the same crate built natively.
//!
//! Both get the same noisy frames, both begin with a copy of the frame (the component because the frame must come
//! into its memory, the native side because what it compares with is a detector that keeps to itself), both end with
//! the regions to report. Before anything is measured they are checked to find the same in every frame.

use std::hint::black_box;

use super::support::{self, ThreadTime};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group};
use mediagraph::extension::Detector;
use mediagraph::extension::builtin;
use mediagraph::media::image::{FrameView, PixelFormat, Size};
use mediagraph::media::inference::{Finding, Inference};
use motion_core::{Aggregator, MotionDetector, Region, Sensitivity};
use tokio::runtime::Runtime;

const SIZE: Size = Size {
    width: 320,
    height: 180,
};
const WIDTH: usize = SIZE.width as usize;
const HEIGHT: usize = SIZE.height as usize;
const FRAMES_PER_SECOND: u64 = 30;
const TICKS_PER_FRAME: u64 = motion_core::TICKS_PER_SECOND / FRAMES_PER_SECOND;
/// Ten seconds, again and again: in half of them something crosses the picture.
const FRAMES: usize = 300;
const PASSING: std::ops::Range<usize> = 120..270;
/// Of the thing that passes, in pixels.
const THING: (usize, usize) = (24, 36);

/// Numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Nearly normal, with a deviation of 2.2 grey levels: the sum of four numbers of 0 to 3.
    fn noise(&mut self) -> i32 {
        let bits = self.bits();
        let digits = (0..4).map(|n| ((bits >> (16 * n)) & 3) as i32);
        digits.sum::<i32>() - 6
    }
}

/// A yard with texture, edges and a gradient.
fn yard() -> Vec<i32> {
    let mut random = Random(7);
    let at = |x: usize, y: usize, grain: i32| {
        let base = if y < 50 { 180 } else { 95 + (y / 5) as i32 };
        let window = (40..120).contains(&x) && (20..90).contains(&y);
        let frame = if (x / 10).is_multiple_of(2) && (y / 14).is_multiple_of(2) {
            55
        } else {
            140
        };
        if window { frame } else { base + grain }
    };
    let pixels = (0..WIDTH * HEIGHT).map(|n| at(n % WIDTH, n / WIDTH, (random.bits() % 13) as i32 - 6));
    pixels.collect()
}

fn picture(yard: &[i32], number: usize, random: &mut Random) -> Vec<u8> {
    let passing = PASSING.contains(&number);
    let left = number.saturating_sub(PASSING.start) * 2;
    let covers =
        |x: usize, y: usize| (left..left + THING.0).contains(&x) && (110..110 + THING.1).contains(&y);
    let pixels = yard.iter().enumerate().map(|(at, background)| {
        let thing = passing && covers(at % WIDTH, at / WIDTH);
        let value = if thing { 40 + (at % 5) as i32 } else { *background };
        (value + random.noise()).clamp(0, 255) as u8
    });
    pixels.collect()
}

/// Shows the same ten seconds for ever, on a time that goes on.
struct Camera {
    frames: Vec<FrameView>,
    next: usize,
}

impl Camera {
    fn new() -> Self {
        let (yard, mut random) = (yard(), Random(11));
        let frames = (0..FRAMES).map(|number| {
            let pixels = picture(&yard, number, &mut random);
            support::frame(0, 0, SIZE, PixelFormat::Gray8, pixels)
        });
        Self {
            frames: frames.collect(),
            next: 0,
        }
    }

    /// The next frame, with its time in ticks.
    #[expect(clippy::indexing_slicing, reason = "a remainder is less than its divisor")]
    fn shoot(&mut self) -> (&FrameView, u64) {
        let (at, number) = (self.next % FRAMES, self.next as u64);
        self.next += 1;
        let time = number * TICKS_PER_FRAME;
        let frame = &mut self.frames[at];
        (frame.sequence, frame.time) = (number, mediagraph::media::MediaTime::from_ticks(time));
        (frame, time)
    }
}

/// The detector as a program without a sandbox would run it.
struct Native {
    motion: MotionDetector,
    aggregator: Aggregator,
    pixels: Vec<u8>,
}

impl Native {
    #[expect(clippy::unwrap_used, reason = "the size is one of those it takes")]
    fn new() -> Self {
        Self {
            motion: MotionDetector::new(WIDTH, HEIGHT, Sensitivity::Medium).unwrap(),
            aggregator: Aggregator::new(0),
            pixels: vec![0; WIDTH * HEIGHT],
        }
    }

    #[expect(clippy::unwrap_used, reason = "the length is that of the size")]
    fn detect(&mut self, frame: &FrameView, time: u64) -> Vec<Region> {
        self.pixels.copy_from_slice(&frame.prepared.pixels);
        let regions = self.motion.detect(time, black_box(&self.pixels)).unwrap();
        self.aggregator.report(time, regions)
    }
}

#[expect(clippy::unwrap_used, reason = "a bench that cannot start has nothing to say")]
fn component() -> (Runtime, Detector) {
    let runtime = support::runtime().unwrap();
    let bytes = builtin::find("motion-detector").unwrap().bytes;
    let detector = support::detector(&runtime, bytes).unwrap();
    (runtime, detector)
}

/// Left edges, which differ as soon as anything does.
fn edges(inferences: &[Inference]) -> Vec<f32> {
    let edge = |inference: &Inference| match inference.finding {
        Finding::Motion { area } => Some(area.l),
        _ => None,
    };
    inferences.iter().filter_map(edge).collect()
}

/// A figure of two detectors that find different things, or nothing, would say nothing.
#[expect(clippy::unwrap_used, reason = "a component that fails must end the bench")]
fn check() {
    let (mut camera, mut native) = (Camera::new(), Native::new());
    let (runtime, mut detector) = component();
    let mut seen = 0;
    for number in 0..2 * FRAMES {
        let (frame, time) = camera.shoot();
        let expected: Vec<f32> = native
            .detect(frame, time)
            .iter()
            .map(|region| region.left)
            .collect();
        let found = edges(&runtime.block_on(detector.detect(frame)).unwrap());
        assert_eq!(found, expected, "frame {number}");
        seen += usize::from(!found.is_empty());
    }
    let moving = 2 * PASSING.len();
    assert!(
        (moving / 2..=moving + moving / 5).contains(&seen),
        "motion in {seen} of {} frames; something passes in {moving}",
        2 * FRAMES
    );
}

#[expect(clippy::unwrap_used, reason = "a component that fails must end the bench")]
fn motion(criterion: &mut Criterion<ThreadTime>) {
    check();
    let mut group = criterion.benchmark_group("motion");
    group
        .throughput(Throughput::Elements(1))
        .sampling_mode(SamplingMode::Flat);
    let id = |side| BenchmarkId::new(side, "320x180");
    let (mut camera, mut native) = (Camera::new(), Native::new());
    group.bench_function(id("native"), |bencher| {
        bencher.iter(|| {
            let (frame, time) = camera.shoot();
            native.detect(frame, time)
        });
    });
    let (mut camera, (runtime, mut detector)) = (Camera::new(), component());
    group.bench_function(id("component"), |bencher| {
        bencher.iter(|| {
            let (frame, _) = camera.shoot();
            runtime.block_on(detector.detect(frame)).unwrap()
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = motion
}
