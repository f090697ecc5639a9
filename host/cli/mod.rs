//! The command line: one file per command.

pub mod check;
pub mod camera;
pub mod failure;
pub mod graph;
pub mod list;
pub mod load;
pub mod print;
pub mod validate;

pub use failure::{Failure, Outcome};
