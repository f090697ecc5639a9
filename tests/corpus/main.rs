//! Tests against files of other projects, which are not part of this repository.
//!
//! `MEDIAGRAPH_CORPUS` names the folder that holds them; without it these tests fail rather than pass unseen.
//! Run them with `cargo test --test corpus`.

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

#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../common/mod.rs"]
mod common;
mod crossing;
mod document;
mod live;
mod media;
mod operations;
mod served;
#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../servers/server.rs"]
mod server;
mod topologies;

use std::path::PathBuf;

fn corpus() -> PathBuf {
    let folder =
        std::env::var_os("MEDIAGRAPH_CORPUS").expect("MEDIAGRAPH_CORPUS names the folder of the corpus");
    PathBuf::from(folder)
}
