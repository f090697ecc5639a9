//! The component behind `LineCrossingProcessor`. What has crossed is decided by [`track_core`]; this crate only
//! translates: JSON to settings, inferences to boxes, crossings to events.

mod config;

#[cfg(target_family = "wasm")]
mod component;

pub use config::{SCHEMA, parse};
