//! The component behind `MediaGraphMotionDetectionProcessor`. What moves is decided by [`motion_core`]; this crate
//! only translates: JSON to settings, frames to pictures, regions to inferences.

mod config;

#[cfg(target_family = "wasm")]
mod component;

pub use config::{Config, SCHEMA, parse};
