//! Finds what moves in a stream of small gray pictures.
//!
//! Each pixel has a background, a slow running mean in fixed point. Each cell of 8x8 pixels has a noise estimate,
//! from which its thresholds follow, so a noisy camera is judged by its own noise. A picture goes through these
//! steps:
//! 1. [`kernel`]: sums of the difference to the background and count of changed pixels, per cell. The hot loop.
//! 2. [`light`]: a gain and an offset that explain most cells are a change of light, not motion; the background
//!    follows at once. What changes nearly everything within half a second is a change of light as well.
//! 3. [`verify`]: a changed cell is looked at again with a tolerance of one pixel's shift, so that a shaking camera
//!    does not light up every edge; and it must differ from how it looked half a second ago, so that what merely
//!    *stands* where it did not stand before (a parked car, or the place that one left) is not motion and becomes
//!    background.
//! 4. [`regions`]: connected cells, with a least area.
//! 5. [`tracks`]: a region counts once it has been seen again nearby.
//!
//! All time constants are in seconds of media time, so the frame rate may vary. The arithmetic is integer or plain
//! IEEE `f32` in a fixed order: the component and the native build give bit-identical results.

#![deny(unsafe_code)]

mod aggregate;
mod cells;
mod detector;
mod kernel;
mod light;
mod regions;
mod sensitivity;
mod tracks;
mod verify;
mod view;

pub use aggregate::Aggregator;
pub use detector::{Error, MAX_SIDE, MIN_SIDE, MotionDetector};
pub use regions::{MAX_REGIONS, Region};
pub use sensitivity::Sensitivity;

/// Ticks in one second of media time.
pub const TICKS_PER_SECOND: u64 = 90_000;

/// Side of a cell in pixels.
const CELL: usize = 8;
