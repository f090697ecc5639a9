//! Node types.

pub mod io;
#[cfg(test)]
mod testing;
