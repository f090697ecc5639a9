//! From the resolved graph to a running instance.
//!
//! [`plan`] decides what runs: it loads components, finds out who wants media, frames or signals from whom, and puts
//! one decode stage behind each source that somebody looks at. [`demand`] says which frames all of them want.
//! [`instance`] makes the queues, starts the tasks and, to stop, ends the sources and waits until everything has drained.
//! [`swap`] puts other versions of components into it meanwhile.

pub mod components;
pub mod demand;
pub mod host;
pub mod instance;
pub mod logging;
pub mod plan;
pub mod prepare;
mod recorded;
pub mod recordings;
pub mod registry;
pub mod replay;
pub mod swap;
mod wiring;
mod witnesses;

pub use instance::{Instance, Runtime};
pub use plan::{Plan, PlannedInput, PlannedKind, PlannedNode};
pub use prepare::{Environment, Problem, prepare, prepare_and_tell};
pub use recordings::{Recordings, RecordingsOptions};
