//! How big a model may be and how much may wait for it. Every bound of this module has its name here.

use std::time::Duration;

/// The biggest model file. Detectors of cameras have 1 to 150 MiB.
pub const MAX_MODEL_BYTES: u64 = 256 << 20;
/// Nodes of a model's graph, those of its branches and loops among them.
pub const MAX_MODEL_NODES: usize = 100_000;
/// Branches and loops within each other.
pub(super) const MAX_GRAPH_DEPTH: u32 = 16;
/// Inputs, and outputs, of a model.
pub const MAX_PORTS: usize = 64;
/// Dimensions of a tensor.
pub const MAX_RANK: usize = 8;
/// Numbers in one tensor. An image of 2048x2048 in three channels has 12 million.
pub const MAX_TENSOR_ELEMENTS: usize = 16 << 20;
/// Pixels in one dimension of a model's input.
pub const MAX_INPUT_SIDE: u32 = 4_096;
/// Bytes that are shown of a name in a model.
pub(super) const MAX_NAME_BYTES: usize = 128;
/// Operators that an error names; there may be more.
pub(super) const MAX_NAMED_OPERATORS: usize = 10;
/// Bytes kept of what a backend says is wrong.
pub(super) const MAX_ERROR_BYTES: usize = 600;

/// How long loading a model may take before its node is told that it cannot be had for now.
pub const LOAD_TIMEOUT: Duration = Duration::from_secs(120);
/// Models that may go on loading after [`LOAD_TIMEOUT`]; then no other is loaded until one has ended.
pub(super) const MAX_OVERDUE: usize = 2;
/// Shapes of inputs for which a model of open shape is kept ready.
pub(super) const MAX_SHAPES: usize = 4;
/// Names for models on one host, or at one node.
pub const MAX_NAMES: usize = 64;

/// Runs that may wait for one model; beyond, a run is refused, and its frame counts as dropped.
pub const MAX_WAITING: usize = 64;
/// Threads that run one model at the same time, if there are as many cores.
pub(super) const MAX_WORKERS: usize = 8;
/// Frames that a model is given at once, if it takes several.
pub const MAX_BATCH: usize = 8;
/// A thread that has had nothing to run for so long ends.
pub(super) const WORKER_RESTS: Duration = Duration::from_secs(10);
