//! Whom a log line is about: the spans in which everything that works for a graph runs.
//!
//! Invariant: they are there at each level of the log, also when it was changed since, for their target is
//! [`TARGET`], which the filter of the log lets through.

use tracing::{Span, error_span};

/// The target of the spans.
pub const TARGET: &str = "mediagraph::about";

/// Of a graph instance as a whole.
#[must_use]
pub fn instance(name: &str) -> Span {
    error_span!(target: TARGET, parent: None, "graph", instance = name)
}

/// Of one of its nodes.
#[must_use]
pub fn node(instance: &str, name: &str) -> Span {
    error_span!(target: TARGET, parent: None, "graph", instance, node = name)
}
