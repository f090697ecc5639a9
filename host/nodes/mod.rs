//! Node types.

pub mod io;
pub mod processors;
#[cfg(test)]
mod testing;
