//! `mediagraph run` from outside: real cameras, real topologies, the real binary, and ffmpeg as the judge.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test crate: what goes wrong here is to fail loudly, and real time is what cameras live in"
)]

mod cameras;
#[path = "../common/certificates.rs"]
mod certificates;
mod clips;
#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../common/component.rs"]
mod component;
mod continuous;
mod drawn;
mod elsewhere;
mod ending;
mod frame_rate;
mod images;
mod messages;
mod misbehaving;
mod odd;
mod outsider;
mod planner;
mod probe;
mod processors;
mod quirks;
mod recording;
mod refused;
#[path = "../common/room.rs"]
mod room;
mod scripted;
mod swaps;
mod tls;
mod vanish;
