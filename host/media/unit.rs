//! Encoded media as it travels through the graph.

use std::sync::Arc;

use bytes::Bytes;

use super::MediaTime;

/// What a track carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrackKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// How the units of a track are encoded. A change of format is a new `Arc` on the next unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamFormat {
    /// What it carries.
    pub kind: TrackKind,
    /// The codec string of RFC 6381, such as `avc1.64001F` or `mp4a.40.2`.
    pub codec: String,
    /// A whole sample entry box (`avc1`, `hvc1`, `mp4a`) with its size and type, ready for `stsd`.
    pub sample_entry: Bytes,
    /// The payload of `avcC` or `hvcC`, or the AudioSpecificConfig.
    pub decoder_config: Bytes,
    /// Pixels; zero for audio.
    pub width: u32,
    /// Pixels; zero for audio.
    pub height: u32,
    /// Samples of sound a second; zero for video.
    pub sample_rate: u32,
}

/// One access unit: the coded picture (ITU-T H.264, 7.4.1.2.3) or audio frame of one moment.
/// Units of a track follow each other in decoding order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessUnit {
    /// Presentation time.
    pub time: MediaTime,
    /// How `data` is encoded.
    pub format: Arc<StreamFormat>,
    /// MP4 framing: NAL units behind 4-byte big-endian lengths, without parameter sets; or one raw AAC frame.
    pub data: Bytes,
    /// Decoding can start here: an IDR picture. Always true for audio.
    pub random_access: bool,
    /// Nothing refers to it (`nal_ref_idc` is 0), so it may be left undecoded.
    pub disposable: bool,
    /// Media is missing, or a new camera session began, before this unit.
    pub discontinuity: bool,
}

/// What a unit takes in memory beside its data, roughly: a camera that sends tiny units must not get around bounds
/// in bytes.
const OVERHEAD_BYTES: usize = 256;

impl AccessUnit {
    /// What it takes in memory, in bytes, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.data.len().saturating_add(OVERHEAD_BYTES)
    }

    /// What its track carries.
    #[must_use]
    pub fn kind(&self) -> TrackKind {
        self.format.kind
    }
}
