//! What nodes share that ask an inference server: where it is, the image that it is sent, what its answer means, and what
//! the world is told when it is away.

pub mod address;
pub mod answer;
pub mod error;
pub mod image;
pub mod outage;
pub mod place;
