//! Recordings as players get them: a real host over HTTP, ffmpeg and ffprobe as players.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "clippy takes only functions marked as tests for tests, and not their helpers"
)]
#![allow(dead_code, reason = "not every helper of other test areas is needed here")]

mod archive;
mod client;
#[path = "../recording/clip.rs"]
mod clip;
#[path = "../common/mod.rs"]
mod common;
mod damaged;
mod files;
mod growing;
mod kept;
mod links;
mod played;
mod refused;
#[path = "../common/room.rs"]
mod room;
mod seen;
mod unlinked;
