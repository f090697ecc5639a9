//! Stores and the queues in front of them, against Azurite: Microsoft's own stand-in for Azure Blob Storage.
//!
//! Azurite is frozen or stopped with SIGTERM, never killed: it would lose what it has acknowledged.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "clippy takes only functions marked as tests for tests, and not their helpers"
)]
#![allow(dead_code, reason = "not every helper of other test areas is needed here")]

mod azurite;
mod bench;
#[path = "../common/certificates.rs"]
mod certificates;
#[path = "../recording/clip.rs"]
mod clip;
#[path = "../common/mod.rs"]
mod common;
mod disks;
mod every_write;
mod identity;
mod kept;
mod proxy;
mod real;
mod stores;
mod uploads;
mod writers;
