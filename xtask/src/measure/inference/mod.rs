//! Models: how fast they run, and whether what is found is what others find, with Microsoft's onnxruntime in Python.

mod agreement;
mod peer;
mod speed;

pub(super) use agreement::{GOAL as AGREEMENT_GOAL, run as agreement};
pub(super) use speed::{GOAL as SPEED_GOAL, run as speed};

/// Of the corpus: YOLOX-Nano, 80 classes of COCO.
const MODEL: &str = "models/yolox_nano.onnx";
/// Of the corpus: a street with cars and a pick-up.
const CLIP: &str = "media/street-traffic.mp4";
