//! What the benches share: time that a noisy neighbour does not falsify, and a component in the real host.

use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use mediagraph::extension::{Detector, Engine, EngineOptions, Limits, NodeContext, TracingLog};
use mediagraph::media::image::{CropSource, FrameView, PixelFormat, Prepared, Size};
use mediagraph::media::inference::Rect;
use mediagraph::media::{MediaTime, SystemClock};
use rustix::time::{ClockId, clock_gettime};

/// Time that the benchmarking thread has spent on a core. Everything measured here happens on that thread; what
/// other processes take of the machine does not count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ThreadTime;

static WALL: WallTime = WallTime;

impl ThreadTime {
    fn now() -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        // Neither is ever negative.
        Duration::new(
            u64::try_from(time.tv_sec).unwrap_or(0),
            u32::try_from(time.tv_nsec).unwrap_or(0),
        )
    }
}

impl Measurement for ThreadTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        Self::now()
    }

    fn end(&self, start: Duration) -> Duration {
        Self::now().saturating_sub(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WALL.formatter()
    }
}

/// Criterion with the thread's own time, and short enough that a measure can run it several times.
#[must_use]
pub(crate) fn criterion() -> Criterion<ThreadTime> {
    Criterion::default()
        .with_measurement(ThreadTime)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .sample_size(50)
}

/// A runtime as the host's, but on this thread alone.
///
/// # Errors
/// When the operating system refuses.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
}

/// A component as a detector in the real host: all limits, deadlines and checks in force.
///
/// # Errors
/// What is wrong with the component.
pub(crate) fn detector(
    runtime: &tokio::runtime::Runtime,
    bytes: &[u8],
) -> Result<Detector, Box<dyn std::error::Error>> {
    let extension = Engine::new(EngineOptions::default())?.load(bytes, "bench")?;
    let context = NodeContext {
        node: "bench".into(),
        log: Arc::new(TracingLog),
        clock: Arc::new(SystemClock::new()),
        seed: 0,
        models: mediagraph::inference::Bound::default(),
    };
    let started = Detector::new(&extension, &context, &serde_json::Value::Null, Limits::default());
    Ok(runtime.block_on(started)?)
}

#[derive(Debug)]
struct NoCrops;

impl CropSource for NoCrops {
    fn crop(&self, _: Rect, _: Size, _: PixelFormat) -> Result<Arc<[u8]>, String> {
        Err("not measured".into())
    }
}

/// A frame that shows the whole source.
#[must_use]
pub(crate) fn frame(number: u64, ticks: u64, size: Size, format: PixelFormat, pixels: Vec<u8>) -> FrameView {
    FrameView {
        sequence: number,
        time: MediaTime::from_ticks(ticks),
        source_size: size,
        prepared: Prepared {
            format,
            size,
            content: Rect {
                l: 0.0,
                t: 0.0,
                w: 1.0,
                h: 1.0,
            },
            pixels: pixels.into(),
        },
        source: Arc::new(NoCrops),
        annotations: Arc::new([]),
    }
}
