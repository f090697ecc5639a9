//! Tests against files of other projects, which are not part of this repository.
//!
//! `MEDIAGRAPH_CORPUS` names the folder that holds them; without it these tests fail rather than pass unseen.
//! Run them with `cargo test --test corpus`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may"
)]

mod topologies;

use std::path::PathBuf;

fn corpus() -> PathBuf {
    let folder =
        std::env::var_os("MEDIAGRAPH_CORPUS").expect("MEDIAGRAPH_CORPUS names the folder of the corpus");
    PathBuf::from(folder)
}
