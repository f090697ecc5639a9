//! Models: how fast they run, whether what is found is what others find, and what it saves to find it inside the process;
//! against Microsoft's onnxruntime in Python.

mod agreement;
mod extension;
mod handover;
mod peer;
mod speed;

pub(super) use agreement::{GOAL as AGREEMENT_GOAL, run as agreement};
pub(super) use extension::{GOAL as EXTENSION_GOAL, run as extension};
pub(super) use speed::{GOAL as SPEED_GOAL, run as speed};

/// Of the corpus: YOLOX-Nano, 80 classes of COCO.
const MODEL: &str = "models/yolox_nano.onnx";
/// Of the corpus: a street with cars and a pick-up.
const CLIP: &str = "media/street-traffic.mp4";
/// How likely an object must be, and how much two boxes of a class may overlap: the same on all sides.
const THRESHOLD: f64 = 0.3;
const IOU: f64 = 0.45;
