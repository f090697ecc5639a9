//! The component behind `MediaGraphSignalGateProcessor`: every event is a trigger, and [`gate_core`] says what it
//! lets through. This crate only translates: JSON to settings, and the interface's records to and from the core's.

mod config;

#[cfg(target_family = "wasm")]
mod component;

pub use config::{SCHEMA, parse};
