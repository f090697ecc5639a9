//! Hostile components: whatever they do, the host says what happened, and goes on.

mod fixture;
mod host;
mod loading;
mod misbehaving;
mod supervision;
mod worlds;
