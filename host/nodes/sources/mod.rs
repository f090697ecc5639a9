//! Where media and messages come from.

pub mod hub;
pub mod rtsp;
