//! What people and their players get, in a real browser: Chromium from Debian, driven by Playwright, against a real host.
//!
//! Every picture of the recordings carries its number, so what is shown is known from the picture itself. The scripts beside this
//! file look and tell; what must hold is said here. `cargo xtask test` installs what they need into `target/browser`.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test crate: what goes wrong here is to fail loudly, and real time is what browsers live in"
)]
#![allow(dead_code, reason = "not every helper of other test areas is needed here")]

#[path = "../playback/archive.rs"]
mod archive;
#[path = "../playback/client.rs"]
mod client;
#[path = "../recording/clip.rs"]
mod clip;
#[path = "../common/mod.rs"]
mod common;
mod console;
mod contract;
mod damaged;
mod footage;
mod keeping;
mod players;
mod readers;
#[path = "../common/room.rs"]
mod room;
mod tools;
