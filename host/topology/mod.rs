//! The written form of a graph, and the way from it to a graph that can run.
//!
//! [`TopologyDoc`] keeps a topology as written; [`check`] finds everything that is wrong with it; [`resolve`]
//! binds its parameters and gives a [`ResolvedGraph`]. Which node types there are is an argument (a table of
//! [`NodeType`]): this module knows none of them.
//!
//! Invariants: every mistake is reported in one go; no input makes it panic or take more than linear time;
//! no secret appears in `Debug` output, in a diagnostic or in an echo.

mod bind;
pub mod diagnostics;
pub mod document;
pub mod draw;
pub mod instance;
pub mod limits;
pub mod masked;
pub mod model;
pub mod node;
pub mod parameters;
pub mod reference;
pub mod resolve;
pub mod secrets;
mod shape;
mod structure;
pub mod template;
pub mod values;

pub use diagnostics::{Code, Diagnostic, Diagnostics, Severity};
pub use document::TopologyDoc;
pub use instance::{GraphInstance, read_instance};
pub use node::{Class, NodeType, Role, Status};
pub use parameters::Bindings;
pub use resolve::{Checked, Input, ResolvedGraph, ResolvedNode, check, resolve};
pub use secrets::Secrets;
pub use template::Pattern;
pub use values::{Address, Duration, RtspAddress, Secret};

#[cfg(test)]
mod tests;
