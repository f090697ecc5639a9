//! From what retina says of a stream to our own formats.

use std::sync::Arc;

use bytes::Bytes;
use retina::client::Stream;
use retina::codec::{AudioParameters, ParametersRef, VideoParameters};

use crate::media::{StreamFormat, TrackKind};

/// What a stream of the camera is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Recorded, and analysed if it can be decoded.
    Track(TrackKind),
    /// Not for us, such as ONVIF metadata.
    Ignored,
    /// Media in a codec that is not recorded.
    Unsupported(TrackKind),
}

/// Decides what a stream of the session description is to us.
#[must_use]
pub fn usage(stream: &Stream) -> Use {
    usage_of(stream.media(), stream.encoding_name())
}

/// Decides what media in an encoding, in small letters, is to us.
#[must_use]
pub fn usage_of(media: &str, encoding: &str) -> Use {
    match (media, encoding) {
        ("video", "h264" | "h265") => Use::Track(TrackKind::Video),
        ("audio", "mpeg4-generic") => Use::Track(TrackKind::Audio),
        ("video", _) => Use::Unsupported(TrackKind::Video),
        ("audio", _) => Use::Unsupported(TrackKind::Audio),
        _ => Use::Ignored,
    }
}

/// The format of a stream, once the camera has told it.
///
/// # Errors
/// When its parameters cannot be written into an MP4 file.
pub fn format(stream: &Stream) -> Result<Option<Arc<StreamFormat>>, String> {
    match stream.parameters() {
        Some(ParametersRef::Video(video)) => video_format(video).map(Some),
        Some(ParametersRef::Audio(audio)) => audio_format(audio).map(Some),
        _ => Ok(None),
    }
}

fn video_format(video: &VideoParameters) -> Result<Arc<StreamFormat>, String> {
    let sample_entry = video
        .mp4_sample_entry()
        .build()
        .map_err(|error| error.to_string())?;
    let (width, height) = video.pixel_dimensions();
    Ok(Arc::new(StreamFormat {
        kind: TrackKind::Video,
        codec: video.rfc6381_codec().to_owned(),
        sample_entry: Bytes::from(sample_entry),
        decoder_config: Bytes::copy_from_slice(video.extra_data()),
        width,
        height,
        sample_rate: 0,
    }))
}

fn audio_format(audio: &AudioParameters) -> Result<Arc<StreamFormat>, String> {
    let sample_entry = audio
        .mp4_sample_entry()
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(StreamFormat {
        kind: TrackKind::Audio,
        codec: audio.rfc6381_codec().unwrap_or("mp4a.40.2").to_owned(),
        sample_entry: Bytes::from(sample_entry),
        decoder_config: Bytes::copy_from_slice(audio.extra_data()),
        width: 0,
        height: 0,
        sample_rate: audio.clock_rate(),
    }))
}
