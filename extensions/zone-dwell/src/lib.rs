//! How long things stay in zones. That is decided by [`track_core`]; this crate only translates: JSON to settings,
//! inferences to boxes, stays to events.

mod config;

#[cfg(target_family = "wasm")]
mod component;

pub use config::{SCHEMA, Watch, parse};
