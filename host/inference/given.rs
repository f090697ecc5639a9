//! What a run of a model is given.

use super::prepare::PreparedInput;
use super::tensor::{Kind, Tensor};

/// The inputs of one run.
#[derive(Debug)]
pub enum Given {
    /// One for each input of the model, by name.
    Tensors(Vec<Tensor>),
    /// For a model with one input. Its numbers are made by the thread that runs the model.
    Picture(PreparedInput),
}

impl From<Vec<Tensor>> for Given {
    fn from(tensors: Vec<Tensor>) -> Self {
        Self::Tensors(tensors)
    }
}

impl From<PreparedInput> for Given {
    fn from(input: PreparedInput) -> Self {
        Self::Picture(input)
    }
}

impl Given {
    /// Its size in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Tensors(tensors) => tensors.iter().map(Tensor::bytes).sum(),
            Self::Picture(input) => input.bytes(),
        }
    }

    /// What the inputs are, and their dimensions.
    pub(super) fn kinds(&self) -> Vec<Kind<'_>> {
        match self {
            Self::Tensors(tensors) => tensors.iter().map(Tensor::kind).collect(),
            Self::Picture(input) => vec![(input.element(), input.shape())],
        }
    }

    /// Its numbers. Computes.
    pub(super) fn into_tensors(self) -> Vec<Tensor> {
        match self {
            Self::Tensors(tensors) => tensors,
            Self::Picture(input) => vec![input.tensor()],
        }
    }
}
