//! Nodes with inputs and outputs.

pub mod gate;
