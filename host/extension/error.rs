//! What can go wrong with an extension: while it is loaded, and while it is called.

use std::time::Duration;

use super::limits::{MAX_COMPONENT_BYTES, MAX_ERROR_BYTES, shorten};

/// An extension cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[error("extension `{origin}`: {problem}")]
pub struct ExtensionError {
    /// Where its bytes came from.
    pub origin: String,
    /// What is wrong with it.
    pub problem: LoadProblem,
}

/// What is wrong with an extension's bytes.
#[derive(Debug, thiserror::Error)]
pub enum LoadProblem {
    /// More bytes than a component may have.
    #[error("has {bytes} bytes, at most {MAX_COMPONENT_BYTES} are accepted\nhint: strip debug information")]
    TooBig {
        /// Its size.
        bytes: usize,
    },
    /// Not binary WebAssembly at all.
    #[error("expected a WebAssembly component, found {found}")]
    NotWasm {
        /// What it looks like.
        found: &'static str,
    },
    /// A module without an interface.
    #[error("expected a component, found a core module\nhint: build for wasm32-wasip2")]
    CoreModule,
    /// Damaged, or uses what the engine does not offer.
    #[error("is not a valid component: {0}")]
    Invalid(String),
    /// A part of it is bigger than the compiler is given.
    #[error("{0}")]
    TooComplex(String),
    /// It is still being compiled.
    #[error(
        "is not compiled after {seconds} s\nhint: it is compiled to the end and kept: try again later, or make it smaller"
    )]
    TooSlow {
        /// How long was waited.
        seconds: u64,
    },
    /// Too much is being compiled.
    #[error(
        "cannot be compiled: other components have been compiled for very long\nhint: restart the host if that does not end"
    )]
    Busy,
    /// Exports none of the worlds.
    #[error("exports none of {expected}; it exports {found}")]
    NoWorld {
        /// The interfaces that make a world.
        expected: String,
        /// What it has instead.
        found: String,
    },
    /// Exports more than one.
    #[error("exports {found}; an extension is one of detector, gate and processor")]
    ManyWorlds {
        /// What it has.
        found: String,
    },
    /// Built against another version of the interface.
    #[error(
        "exports `{interface}@{found}`, this host speaks {expected}\nhint: rebuild it against the `wit` of this host"
    )]
    WrongVersion {
        /// The interface.
        interface: String,
        /// Its version in the component.
        found: String,
        /// What would do.
        expected: &'static str,
    },
    /// Wants what is not offered.
    #[error("imports {refused}, which is not offered\nhint: offered are {offered}")]
    ForbiddenImports {
        /// Each of them.
        refused: String,
        /// What there is.
        offered: String,
    },
    /// Its imports or exports have other types than those of the interface.
    #[error("does not fit the interface: {0}")]
    Mismatch(String),
    /// `describe` did not answer.
    #[error("`describe` failed: {0}")]
    Describe(#[source] CallError),
    /// `describe` answered nonsense.
    #[error("`describe` says {what}: {problem}")]
    BadDescription {
        /// Which member.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The host's own fault.
    #[error("{0}")]
    Host(String),
}

/// The engine cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Wasmtime refused its configuration.
    #[error("the WebAssembly engine does not start: {0}")]
    Start(String),
    /// The operating system refused a thread.
    #[error("the epoch ticker does not start: {0}")]
    Ticker(#[source] std::io::Error),
    /// The compile cache may not be used.
    #[error("compile cache `{path}`: {problem}")]
    Cache {
        /// The directory.
        path: String,
        /// Why not.
        problem: String,
    },
}

/// A call into an extension did not give a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The extension itself said no: skip this frame, keep the instance.
    #[error("the extension refused: {0}")]
    Refused(String),
    /// It crashed.
    #[error("the extension crashed: {0}")]
    Trap(String),
    /// It computed or slept for too long.
    #[error("the extension gave no answer within {after:?}")]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// It answered what cannot be accepted.
    #[error("the extension gave a bad answer: {0}")]
    BadResult(String),
    /// It crashed after it had been refused more memory or table space.
    #[error(
        "the extension ran out of memory (limit {limit_mib} MiB): {trap}\nhint: raise the node's memory limit"
    )]
    OutOfMemory {
        /// The limit.
        limit_mib: u32,
        /// How it crashed.
        trap: String,
    },
    /// It crashed after it had been refused more memory because all components together have too much.
    #[error(
        "the extension was refused more memory: those of all extensions together may come to {limit_mib} MiB: {trap}\n\
         hint: deactivate another instance, or raise `max_guest_memory_mib` under `[policy]` of the configuration"
    )]
    HostOutOfMemory {
        /// The limit of all components together.
        limit_mib: u64,
        /// How it crashed.
        trap: String,
    },
    /// It asked too much of the host.
    #[error("the extension asked too much of the host within one call: {0}")]
    OverBudget(String),
}

impl CallError {
    /// The instance is finished and must be replaced before the next call.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }

    pub(super) fn refused(text: String) -> Self {
        Self::Refused(shorten(text, MAX_ERROR_BYTES))
    }
}
