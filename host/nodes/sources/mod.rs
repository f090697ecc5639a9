//! Nodes without inputs.

pub mod rtsp;
