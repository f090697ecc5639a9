//! The command line: one file per command.

pub mod camera;
pub mod failure;

pub use failure::{Failure, Outcome};
