//! A gate that labels open. When is decided by [`label_core`]; this crate only translates: JSON to settings,
//! inferences to labels, activations to actions.

mod config;

#[cfg(target_family = "wasm")]
mod component;

pub use config::{SCHEMA, parse};
