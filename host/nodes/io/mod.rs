//! What flows between nodes, and the bounded queues it flows through.
//!
//! - [`units`]: encoded media. Never waits for its reader; when the reader falls too far behind, whole groups of
//!   pictures are left out and the next unit says so.
//! - [`frames`]: decoded pictures for analysis. The newest wins.
//! - [`demand`]: which of them somebody wants.
//! - [`signals`]: what detectors say, and how far in media time they have come.
//! - [`viewers`]: people who look at a source; no part of the graph.
//! - [`witness`]: what is seen of a camera, for whoever records it.
//! - [`pace`]: what happens when a reader is too slow; in replay nothing is left out.

pub mod demand;
pub mod frames;
pub mod pace;
pub mod signals;
pub mod units;
pub mod viewers;
pub mod witness;
