//! Where media and messages come from.

pub mod hub;
pub mod replay;
pub mod rtsp;
