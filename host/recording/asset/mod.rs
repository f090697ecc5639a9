//! An asset: immutable segments, init segments and playlists, written by one host at a time; first in the cache, then in its
//! store.
//!
//! | name | what it is |
//! |---|---|
//! | `20261120T225535.123456Z-HOST-7.m4s` | a segment of epoch `HOST-7`: its video fragments, then its audio |
//! | `HOST-7.video.mp4`, `HOST-7.audio.mp4` | the init segments of that epoch |
//! | `2026-11-20.m3u8`, `.video.m3u8`, `.audio.m3u8` | the playlists of one UTC day |
//! | `index.m3u8` | a copy of the newest day's master playlist |
//! | `*.m4s.part`, `*.m4s.audio.part` | the open segment; fragments in it are complete |
//!
//! Everything but `.m4s` and init segments can be rebuilt from these. Open segments stand in the cache alone, playlists in
//! stores alone.

pub(super) mod content;
pub(in crate::recording) mod lock;
pub mod name;
pub mod playlist;
pub mod reader;
pub(super) mod recover;
pub mod scan;
pub(super) mod segment;
mod writer;

pub use writer::AssetWriter;
pub(super) use writer::Opened;
