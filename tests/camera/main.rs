//! The simulated camera as clients see it: ffmpeg, GStreamer, retina and raw sockets against the real binary.

#![allow(missing_docs, reason = "a test crate")]

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
