//! Extension nodes that ask a server, from outside: servers written from the protocols' description in Python, with libraries
//! that nobody here wrote, and Pillow as the judge of what reaches them.
//!
//! The servers' libraries are installed by `cargo xtask test` into `target/servers`.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test crate: what goes wrong here is to fail loudly, and real time is what servers live in"
)]

mod answers;
#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../common/certificates.rs"]
mod certificates;
#[allow(dead_code, reason = "each test crate needs another part of it")]
#[path = "../common/mod.rs"]
mod common;
mod converted;
mod failures;
mod grpc;
mod images;
mod logins;
mod server;
mod several;
