//! Where media and messages go.

pub mod asset;
pub mod file;
pub mod hub;
pub mod recorder;
pub mod told;
pub(super) mod video;
