//! The host over HTTP: a real server on a loopback socket, and bytes sent to it as any client could.

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

mod access;
mod connections;
mod console;
mod cors;
mod events;
mod hub;
mod methods;
mod reference;
mod rest;
#[path = "../common/room.rs"]
mod room;
mod server;
mod system;
mod tls;
mod wire;

/// Looks at a condition until it holds, for [`wire::ANSWER`] at most.
fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + wire::ANSWER;
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(std::time::Instant::now() < deadline, "not in time: {what}");
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
}
