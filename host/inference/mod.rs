//! Models: read from files, checked, and run for components.
//!
//! A component names a model and says what is to become of a frame before the model sees it and what the answer means. All
//! in between is here. A model is data from outside: its file, its graph and its answers are bounded ([`limits`]) and
//! checked. It is run in this process, though, so only whoever may name files to the host may name one.
//!
//! Nothing is here until a graph has a component that asks for a model.
//!
//! | file | what it is for |
//! |---|---|
//! | `models` | all of the host: loads, and shares those that are the same |
//! | `wire` | what stands in the file |
//! | `backend`, `tract`, `onnxruntime` | what runs models: what is built in, and what is faster |
//! | `model`, `queue`, `batch` | one model, those who wait for it, the threads that run it, several frames at once |
//! | `prepare` | from a frame to the numbers that a model wants |
//! | `given`, `tensor` | what goes in and comes out |

pub mod backend;
mod batch;
mod error;
mod given;
pub mod limits;
mod model;
mod models;
pub mod onnxruntime;
mod prepare;
mod queue;
mod tensor;
mod tract;
mod wire;

pub use error::{ModelError, ModelProblem, RunError};
pub use given::Given;
pub use model::{Model, ModelStats};
pub use models::{Bound, Models, ModelsOptions};
pub use prepare::{ChannelOrder, Layout, Preparation, PreparedInput};
pub use tensor::{Element, Port, Tensor, Values, elements, shape_text};
pub use wire::{Proto, read};
