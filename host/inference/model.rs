//! One model, as all who use it share it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Serialize;

use super::backend::Network;
use super::error::RunError;
use super::given::Given;
use super::prepare::{Preparation, PreparedInput};
use super::queue::{Queue, checked};
use super::tensor::{Port, Tensor, shape_text};
use crate::media::Clock;
use crate::media::image::CropSource;
use crate::media::inference::Rect;

/// A model that is loaded.
#[derive(Debug)]
pub struct Model {
    origin: String,
    sha256: String,
    bytes: usize,
    backend: String,
    queue: Queue,
}

/// How a model is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelStats {
    /// Its file.
    pub path: String,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
    /// What runs it.
    pub backend: String,
    /// Runs that gave an answer.
    pub runs: u64,
    /// Runs that gave none.
    pub failed: u64,
    /// Runs that were refused because too many waited.
    pub dropped: u64,
    /// Runs that wait now.
    pub waiting: usize,
    /// Time in which it ran, in all threads, in microseconds.
    pub busy_micros: u64,
}

impl Model {
    pub(super) fn new(
        (origin, sha256, bytes): (String, String, usize),
        backend: &str,
        network: Box<dyn Network>,
        clock: Arc<dyn Clock>,
        workers: usize,
    ) -> Self {
        Self {
            origin,
            sha256,
            bytes,
            backend: backend.to_owned(),
            queue: Queue::new(network, clock, workers),
        }
    }

    /// Its file.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Of its bytes, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The size of its file.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What runs it.
    #[must_use]
    pub fn backend(&self) -> &str {
        &self.backend
    }

    /// What goes in.
    #[must_use]
    pub fn inputs(&self) -> &[Port] {
        self.queue.network().inputs()
    }

    /// What comes out.
    #[must_use]
    pub fn outputs(&self) -> &[Port] {
        self.queue.network().outputs()
    }

    /// How it is.
    #[must_use]
    pub fn stats(&self) -> ModelStats {
        let counters = self.queue.counters();
        ModelStats {
            path: self.origin.clone(),
            sha256: self.sha256.clone(),
            backend: self.backend.clone(),
            runs: counters.runs.load(Ordering::Relaxed),
            failed: counters.failed.load(Ordering::Relaxed),
            dropped: counters.dropped.load(Ordering::Relaxed),
            waiting: self.queue.waiting(),
            busy_micros: counters.busy_micros.load(Ordering::Relaxed),
        }
    }

    /// Runs it, when its turn has come. Whoever stops waiting has no run. A picture must have been prepared by this model.
    ///
    /// # Errors
    /// When the inputs do not suit it, too many wait, or it gives no answer.
    pub async fn run(&self, given: impl Into<Given>) -> Result<Vec<Tensor>, RunError> {
        let given = match given.into() {
            Given::Tensors(tensors) => Given::Tensors(self.ordered(tensors)?),
            // `prepare` has seen to it that it suits.
            picture @ Given::Picture(_) => picture,
        };
        let answer = self.queue.submit(given)?;
        let ended = || RunError::Failed("the thread that ran it has ended".to_owned());
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Runs it at once, on this thread, beside all who wait. For measuring and for trying a model out.
    ///
    /// # Errors
    /// As [`Model::run`].
    pub fn run_here(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, RunError> {
        checked(self.queue.network().run(&self.ordered(inputs)?))
    }

    /// Its input, made of an area of a picture, for [`Model::run`]. Computes.
    ///
    /// # Errors
    /// When the model has several inputs, or one that a picture does not suit.
    pub fn prepare(
        &self,
        preparation: &Preparation,
        picture: &dyn CropSource,
        area: Rect,
    ) -> Result<PreparedInput, RunError> {
        let [port] = self.inputs() else {
            return Err(RunError::Input(format!(
                "the model has {} inputs; of a frame only one can be made",
                self.inputs().len()
            )));
        };
        preparation.apply(port, picture, area)
    }

    /// The inputs in the order of the model; each must be there, once, and fit.
    fn ordered(&self, mut given: Vec<Tensor>) -> Result<Vec<Tensor>, RunError> {
        let ports = self.inputs();
        if ports.len() != given.len() {
            return Err(RunError::Input(format!(
                "{} inputs are given; the model takes {}",
                given.len(),
                ports.len()
            )));
        }
        let take = |port: &Port| {
            let place = given.iter().position(|tensor| tensor.name == port.name);
            let tensor = place.map(|place| given.swap_remove(place));
            let tensor =
                tensor.ok_or_else(|| format!("the input `{}` of the model is missing", port.name))?;
            if port.takes(&tensor.shape) && port.element == tensor.values.element() {
                return Ok(tensor);
            }
            Err(format!(
                "the input `{}` of the model is {} of {}; given is {} of {}",
                port.name,
                port.shape_text(),
                port.element.name(),
                shape_text(&tensor.shape),
                tensor.values.element().name()
            ))
        };
        let ordered: Result<Vec<Tensor>, String> = ports.iter().map(take).collect();
        ordered.map_err(RunError::Input)
    }
}
