//! Media for the tests of nodes.

use std::sync::Arc;

use crate::media::h264::Colour;
use crate::media::image::Size;
use crate::media::picture::Picture;
use crate::media::{AccessUnit, MediaTime, StreamFormat, TICKS_PER_SECOND, Ticks, TrackKind};

/// Where the tests' time begins.
pub(crate) const EPOCH: MediaTime = MediaTime::from_ticks(150_000_000_030_000);

/// A moment of the tests, in seconds.
pub(crate) fn at(seconds: f64) -> MediaTime {
    EPOCH.offset(Ticks((seconds * TICKS_PER_SECOND as f64).round() as i64))
}

/// A video unit.
pub(crate) fn unit(seconds: f64, key: bool) -> AccessUnit {
    AccessUnit {
        time: at(seconds),
        format: Arc::new(StreamFormat {
            kind: TrackKind::Video,
            codec: "avc1.42001E".into(),
            sample_entry: bytes::Bytes::new(),
            decoder_config: bytes::Bytes::new(),
            width: 64,
            height: 36,
            sample_rate: 0,
        }),
        data: bytes::Bytes::from_static(&[0, 0, 0, 1, 9]),
        random_access: key,
        disposable: false,
        discontinuity: false,
    }
}

/// A grey picture.
pub(crate) fn picture(seconds: f64) -> Picture {
    let planes = [vec![128; 64 * 36], vec![128; 32 * 18], vec![128; 32 * 18]];
    Picture::from_planes(
        1,
        at(seconds),
        Size {
            width: 64,
            height: 36,
        },
        planes,
        Colour::assumed(36),
    )
    .expect("planes that fit")
}
