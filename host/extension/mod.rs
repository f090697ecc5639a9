//! WebAssembly components: engine, limits, worlds.
pub mod builtin;
