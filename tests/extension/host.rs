//! The host's side of a test: one engine, a node to run for, and a frame to show.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use mediagraph::extension::{
    CallError, Detector, Engine, EngineOptions, Extension, Limits, LogLevel, LogSink, NodeContext,
};
use mediagraph::media::image::{CropSource, FrameView, PixelFormat, Prepared, Size};
use mediagraph::media::inference::{Inference, Rect};
use mediagraph::media::{ManualClock, MediaTime};
use serde_json::Value;

use crate::fixture::{self, Fixture};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    Engine::new(EngineOptions {
        limits: limits(),
        ..EngineOptions::default()
    })
    .unwrap()
});

/// The one engine of this process.
pub(crate) fn engine() -> &'static Engine {
    &ENGINE
}

/// Time-outs short enough to wait for, long enough for a busy machine.
pub(crate) fn limits() -> Limits {
    Limits {
        memory_mib: 16,
        call_timeout: Duration::from_millis(500),
        construct_timeout: Duration::from_millis(2_000),
    }
}

pub(crate) fn load(fixture: &Fixture) -> Arc<Extension> {
    engine().load(&fixture.bytes(), "test.wasm").unwrap()
}

/// Why it cannot be loaded.
pub(crate) fn refusal(bytes: &[u8]) -> String {
    engine().load(bytes, "test.wasm").unwrap_err().to_string()
}

/// Keeps all log lines.
#[derive(Debug, Default)]
pub(crate) struct Lines(pub(crate) Mutex<Vec<(LogLevel, String)>>);

impl LogSink for Lines {
    fn line(&self, level: LogLevel, text: &str) {
        self.0.lock().unwrap().push((level, text.to_owned()));
    }
}

pub(crate) struct Node {
    pub(crate) context: NodeContext,
    pub(crate) lines: Arc<Lines>,
    pub(crate) clock: Arc<ManualClock>,
}

pub(crate) fn node() -> Node {
    let lines = Arc::new(Lines::default());
    let clock = Arc::new(ManualClock::new(jiff::Timestamp::UNIX_EPOCH));
    let context = NodeContext {
        node: "test".into(),
        log: lines.clone(),
        clock: clock.clone(),
        seed: 7,
        models: mediagraph::inference::Bound::default(),
    };
    Node {
        context,
        lines,
        clock,
    }
}

pub(crate) async fn start(fixture: &Fixture) -> Result<Detector, CallError> {
    Detector::new(&load(fixture), &node().context, &Value::Null, limits()).await
}

/// What the first frame comes to.
pub(crate) async fn detect(fixture: &Fixture) -> Result<Vec<Inference>, CallError> {
    start(fixture).await?.detect(&frame()).await
}

/// The engine has taken no harm: a good component loads and answers.
pub(crate) async fn still_works() {
    let said = detect(&fixture::detector()).await.unwrap();
    assert_eq!(said.len(), 1);
}

#[derive(Debug)]
struct Grey;

impl CropSource for Grey {
    fn crop(&self, _area: Rect, size: Size, _format: PixelFormat) -> Result<Arc<[u8]>, String> {
        Ok(vec![128; (size.width * size.height) as usize].into())
    }
}

/// Four by four pixels of luma, numbered.
pub(crate) fn frame() -> FrameView {
    let size = Size { width: 4, height: 4 };
    FrameView {
        sequence: 1,
        time: MediaTime::from_ticks(143_039_375_044_290),
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
            pixels: (0..16).collect::<Vec<u8>>().into(),
        },
        source: Arc::new(Grey),
        annotations: Arc::new([]),
    }
}
