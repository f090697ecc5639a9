//! Access units, time and formats: what media is, before any graph.
//!
//! Everything here is pure data and arithmetic but for [`clock::SystemClock`]. Nothing knows of graphs,
//! WebAssembly, HTTP or files' places.

pub mod clock;
pub mod decode;
pub mod demux;
pub mod dts;
pub mod duration;
pub mod h264;
pub mod image;
pub mod inference;
pub mod mp4;
pub mod picture;
pub mod replay_clock;
pub mod steady;
pub mod time;
pub mod timeline;
pub mod unit;

pub use clock::{Clock, ManualClock, SystemClock};
pub use replay_clock::ReplayClock;
pub use steady::SteadyClock;
pub use time::{MediaTime, TICKS_PER_SECOND, Ticks};
pub use unit::{AccessUnit, StreamFormat, TrackKind};
