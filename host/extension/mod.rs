//! WebAssembly components: engine, limits, worlds.
