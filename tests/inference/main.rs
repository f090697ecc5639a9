//! Models, from their files to what a component says with them: good ones, and those that are damaged, too big, not
//! supported or slow.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test crate: what goes wrong here is to fail loudly, and how long it takes is real time"
)]

mod detecting;
mod files;
mod graph;
mod library;
#[path = "../common/onnx.rs"]
mod onnx;
mod running;
mod street;
mod support;
