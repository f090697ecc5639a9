//! Nodes without outputs.

pub mod message;
pub mod recorder;
