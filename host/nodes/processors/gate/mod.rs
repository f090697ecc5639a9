//! Gates: they hold media back and let through what a component decides.

pub mod buffer;
pub mod run;
