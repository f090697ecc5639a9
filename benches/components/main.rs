//! What components cost, with criterion: `cargo bench --bench components -- NAME` runs those of one name.

#[path = "../../tests/common/component.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "written for tests; a bench needs only a part"
)]
mod fixture;
mod handover;
mod isolation;
mod motion;
mod over_http;
mod support;

criterion::criterion_main!(
    handover::benches,
    isolation::benches,
    motion::benches,
    over_http::benches
);
