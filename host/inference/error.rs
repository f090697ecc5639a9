//! What can go wrong with a model: while it is loaded, and while it runs.

use std::io;

use super::limits::{LOAD_TIMEOUT, MAX_ERROR_BYTES, MAX_MODEL_BYTES};

/// A model cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[error("the model `{origin}` {problem}")]
pub struct ModelError {
    /// Its file.
    pub origin: String,
    /// What is wrong with it.
    pub problem: ModelProblem,
}

/// What is wrong with a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelProblem {
    /// It is not there, or not for us.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// More bytes than a model may have.
    #[error(
        "has {bytes} bytes, at most {MAX_MODEL_BYTES} are accepted\n\
         hint: a smaller variant of it, or one with numbers of 16 or 8 bits, is faster, too"
    )]
    TooBig {
        /// Its size.
        bytes: u64,
    },
    /// Something else.
    #[error("is not an ONNX model: {found}\nhint: most frameworks write one with their ONNX export")]
    NotOnnx {
        /// What it looks like.
        found: String,
    },
    /// It asks for another file.
    #[error(
        "keeps its weights in another file (`{location}`), which is not read\n\
         hint: save it as one file, as `onnx.save(model, FILE)` does without `save_as_external_data`"
    )]
    External {
        /// The file that it names.
        location: String,
    },
    /// The backend does not know what it does.
    #[error("uses {operators}, which {backend} does not know{hint}")]
    Operators {
        /// Each that is not known, as `domain.Name`.
        operators: String,
        /// What would run it.
        backend: String,
        /// What to do.
        hint: String,
    },
    /// Its shapes or types are not supported, or do not fit together.
    #[error("cannot be used with {backend}: {why}")]
    Unsupported {
        /// What would run it.
        backend: String,
        /// What is wrong.
        why: String,
    },
    /// It is still being loaded.
    #[error("is not loaded after {} s\nhint: try again later, or make it smaller", LOAD_TIMEOUT.as_secs())]
    TooSlow,
    /// Too much is being loaded.
    #[error(
        "cannot be loaded: other models have been loading for very long\nhint: restart the host if that does not end"
    )]
    Busy,
}

impl From<io::Error> for ModelProblem {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// A model did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// What it was given does not suit it.
    #[error("{0}")]
    Input(String),
    /// The backend gave up.
    #[error("the model failed: {0}")]
    Failed(String),
    /// Its answer is no number.
    #[error(
        "the output `{output}` of the model has numbers that are not finite\n\
         hint: its input may be prepared otherwise than it was trained with, or the model is damaged"
    )]
    Nonsense {
        /// Which.
        output: String,
    },
    /// Too many want it.
    #[error("{waiting} frames wait for the model already; this one is left out")]
    Busy {
        /// How many.
        waiting: usize,
    },
}

/// What a backend says, in one line and not too long.
pub(super) fn brief(error: &dyn std::fmt::Display) -> String {
    let text = format!("{error:#}");
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() <= MAX_ERROR_BYTES {
        return line;
    }
    let mut line = line;
    line.truncate(line.floor_char_boundary(MAX_ERROR_BYTES));
    line.push('…');
    line
}
