//! Node types.

pub mod analysis;
pub mod context;
pub mod decode;
pub mod io;
pub mod processors;
pub mod sinks;
pub mod sources;
#[cfg(test)]
mod testing;
