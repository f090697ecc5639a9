//! The command line: one file per command.

pub mod check;
pub mod failure;

pub use failure::{Failure, Outcome};
