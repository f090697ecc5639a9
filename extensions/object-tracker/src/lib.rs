//! The component behind `ObjectTrackingProcessor`. What is what is decided by [`track_core`]; this crate only
//! translates: JSON to settings, inferences to boxes, names back to inferences.

mod config;

#[cfg(target_family = "wasm")]
mod component;

pub use config::{SCHEMA, parse};
