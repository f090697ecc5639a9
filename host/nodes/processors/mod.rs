//! Nodes with inputs and outputs.

pub mod component;
pub mod detector;
pub mod gate;
