//! Files of models, pictures, and a detector with a model.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use mediagraph::extension::{
    CallError, Detector, Engine, EngineOptions, Limits, NodeContext, TracingLog, builtin,
};
use mediagraph::inference::{Bound, Model, Models};
use mediagraph::media::h264::Colour;
use mediagraph::media::image::{CropSource, FrameView, Size};
use mediagraph::media::inference::Inference;
use mediagraph::media::picture::Picture;
use mediagraph::media::{MediaTime, SystemClock};
use serde_json::Value;

use crate::onnx::Graph;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(EngineOptions::default()).unwrap());

/// A file that goes with the value.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    _folder: tempfile::TempDir,
}

pub(crate) fn file(bytes: &[u8]) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, bytes).unwrap();
    File {
        path,
        _folder: folder,
    }
}

pub(crate) fn load(graph: &Graph) -> Arc<Model> {
    loaded(&graph.file()).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn loaded(bytes: &[u8]) -> Result<Arc<Model>, String> {
    let file = file(bytes);
    Models::default()
        .load(&file.path, || {})
        .map_err(|error| error.to_string())
}

/// A picture of one colour: luma, and no colour.
pub(crate) fn plain(width: u32, height: u32, luma: u8) -> Arc<Picture> {
    let size = Size { width, height };
    let (all, part) = ((width * height) as usize, width.div_ceil(2) * height.div_ceil(2));
    let planes = [
        vec![luma; all],
        vec![128; part as usize],
        vec![128; part as usize],
    ];
    let time = MediaTime::from_ticks(143_039_375_044_290);
    Arc::new(Picture::from_planes(1, time, size, planes, Colour::assumed(height)).unwrap())
}

/// Waits long enough for any machine.
pub(crate) fn limits() -> Limits {
    Limits {
        call_timeout: Duration::from_secs(60),
        ..Limits::default()
    }
}

pub(crate) fn context(models: Bound) -> NodeContext {
    NodeContext {
        node: "test".into(),
        log: Arc::new(TracingLog),
        clock: Arc::new(SystemClock::new()),
        seed: 1,
        models,
    }
}

pub(crate) fn bound(model: Arc<Model>) -> Bound {
    Bound::new([("objects".to_owned(), model)].into())
}

/// The object detector that is part of the program, with a model by the name of `objects`.
pub(crate) async fn detector(
    model: Arc<Model>,
    config: &Value,
    limits: Limits,
) -> Result<Detector, CallError> {
    let bytes = builtin::find("object-detector").unwrap().bytes;
    let extension = ENGINE.load_builtin(bytes, "object-detector").unwrap();
    extension.config_schema.check(config).unwrap();
    Detector::new(&extension, &context(bound(model)), config, limits).await
}

/// As a node shows it.
pub(crate) async fn shown(
    detector: &mut Detector,
    picture: &Arc<Picture>,
) -> Result<Vec<Inference>, CallError> {
    let prepared = picture.prepare(&detector.input().image).unwrap();
    let view = FrameView {
        sequence: picture.sequence(),
        time: picture.time(),
        source_size: picture.size(),
        prepared,
        source: Arc::clone(picture) as Arc<dyn CropSource>,
        annotations: Arc::new([]),
    };
    detector.detect(&view).await
}
