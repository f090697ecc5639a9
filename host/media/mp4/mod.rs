//! MP4: writing CMAF tracks (ISO/IEC 23000-19) and whole files, and reading them back with every box bound
//! checked.
//!
//! All tracks use the timescale of media time, 90 kHz, sound too: a cut's `tfdt` is the media time itself, so
//! nothing is rounded twice and nothing drifts. (A 44.1 kHz frame lasts 2089 or 2090 ticks; the sum is exact.)

mod boxes;
mod movie;
pub mod notes;
pub mod read;
pub mod tables;
pub mod user;
pub mod write;

use std::io;

/// The codec string of RFC 6381 of a whole sample entry box, as far as it tells.
#[must_use]
pub fn codec(sample_entry: &[u8]) -> Option<String> {
    movie::codec(sample_entry)
}

/// The payload of the box `kind` in a whole sample entry box of video, and its width and height in pixels.
#[must_use]
pub fn visual<'a>(sample_entry: &'a [u8], kind: &[u8; 4]) -> Option<(&'a [u8], u16, u16)> {
    // VisualSampleEntry (ISO/IEC 14496-12, 12.1.3.2): two 16-bit numbers at byte 32 of the box, boxes from byte 86 on.
    let [a, b, c, d]: [u8; 4] = sample_entry.get(32..36)?.try_into().ok()?;
    let config = boxes::find(sample_entry.get(86..)?, kind).ok()??;
    Some((config, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}

/// Ticks per second of every track that is written.
pub const TIMESCALE: u32 = 90_000;
/// `track_ID` of video.
pub const VIDEO_TRACK: u32 = 1;
/// `track_ID` of audio.
pub const AUDIO_TRACK: u32 = 2;

/// Sample flags of a sync sample: depends on no other.
pub const FLAGS_SYNC: u32 = 0x0200_0000;
/// Sample flags of a picture that depends on others, and on which others may depend.
pub const FLAGS_DEPENDENT: u32 = 0x0141_0000;
/// Sample flags of a picture that depends on others, and on which none depends.
pub const FLAGS_DISPOSABLE: u32 = 0x0181_0000;
/// Set in the flags of each sample that is not a sync sample.
pub const FLAG_NON_SYNC: u32 = 0x0001_0000;

/// Why an MP4 could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Mp4Error {
    /// Reading failed.
    #[error("reading at byte {offset} failed: {source}")]
    Io {
        /// Where.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// The file ends inside a box: torn by a crash, or cut short.
    #[error("the file ends inside the box at byte {offset}")]
    Torn {
        /// Where the incomplete box begins.
        offset: u64,
    },
    /// A box contradicts the format, or itself, or a limit.
    #[error("the box at byte {offset} is broken: {what}")]
    Broken {
        /// Where the box begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A box could not be written.
    #[error("cannot write the MP4 box: {0}")]
    Write(String),
}

impl Mp4Error {
    pub(crate) fn broken(offset: u64, what: impl Into<String>) -> Self {
        Self::Broken {
            offset,
            what: what.into(),
        }
    }
}

impl From<mp4_atom::Error> for Mp4Error {
    fn from(error: mp4_atom::Error) -> Self {
        Self::Write(error.to_string())
    }
}
