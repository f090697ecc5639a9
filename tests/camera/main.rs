//! The simulated camera as clients see it: ffmpeg, GStreamer, VLC, retina and raw sockets against the real binary.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test crate: what goes wrong here is to fail loudly, and real time is what clients live in"
)]

mod clips;
mod damaged;
mod ffmpeg;
mod gstreamer;
mod ledger;
mod limits;
mod malformed;
mod raw;
mod retina_client;
mod server;
mod vlc;
