//! The WebAssembly side: components decide, the host does the rest.
//!
//! [`Engine`] loads a component into an [`Extension`], which any number of nodes share. Each node makes an
//! instance of its own, a [`Detector`], [`Gate`] or [`Processor`], and keeps it alive with [`Supervised`].
//! Nothing a component does may harm anything but its own node: its memory, time, words and answers are bounded
//! ([`limits`]), and whatever it returns is checked (`convert`).
//!
//! | file | what it is for |
//! |---|---|
//! | `engine` | one per process: loads and checks |
//! | `size`, `compiler` | what is too big to be compiled; compiling, away from everything else |
//! | `ticker` | the epoch, which ends calls that compute for too long |
//! | `lazy` | starts it when the first component is loaded |
//! | `component` | what a loaded component is and may import |
//! | `cache` | compiled components on disk |
//! | `guest` | what a component finds around it |
//! | `models` | the models that it may run, if it asks for any |
//! | `session` | one instance; calls under deadlines |
//! | `detector`, `gate`, `processor` | one file per world |
//! | `convert` | between `wit/` and `media` |
//! | `supervisor` | replaces instances that crashed |
//! | `swap` | puts another version into a node that runs |

mod bindings;
pub mod builtin;
mod cache;
mod compiler;
mod component;
mod config;
mod convert;
mod detector;
mod engine;
mod error;
mod gate;
mod guest;
mod lazy;
pub mod limits;
mod log;
mod models;
mod processor;
mod session;
mod size;
mod supervisor;
mod swap;
mod ticker;

pub use component::{Extension, Import, Inspection, World, is_name};
pub use config::{ConfigProblem, ConfigSchema};
pub use detector::{Detector, RequestedInput};
pub use engine::{Engine, EngineOptions, sha256};
pub use error::{CallError, EngineError, ExtensionError, LoadProblem};
pub use gate::{Action, Activation, Cause, Decision, Gate, Span};
pub use guest::NodeContext;
pub use lazy::LazyEngine;
pub use limits::{Limits, MemoryCeiling};
pub use log::{LogLevel, LogSink, TracingLog};
pub use processor::{Outcome, Processor};
pub use supervisor::{
    CRASH_FORGOTTEN, Called, Change, FIRST_BACK_OFF, MAX_BACK_OFF, MAX_CONSECUTIVE_FAILURES, MAX_CRASHES,
    State, Supervised, Unanswered,
};
pub use swap::{HandOver, Swap, SwapError, Swapped};
