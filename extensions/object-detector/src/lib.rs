//! The component `object-detector`. What a model's answer means is decided by [`object_core`]; this crate only translates:
//! JSON to settings, ports to a preparation, objects to inferences.

mod config;
mod input;

#[cfg(target_family = "wasm")]
mod component;

pub use config::{Config, SCHEMA, parse};
pub use input::{Fit, Input, Layout, Order, Preparation, port_of_frames};
