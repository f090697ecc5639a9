//! Decoding, with recovery: exact pictures or none.
//!
//! The decoder is young and single-vendor, and camera bytes are hostile, so it stands behind a wrapper: after
//! any error or loss it is thrown away, and a fresh one starts at the next IDR picture. (The decoder
//! itself does not recover from some bit errors, not even at later IDRs.)

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use super::h264::{self, H264Error, ParameterSets};
use super::image::Size;
use super::picture::Picture;
use super::{AccessUnit, MediaTime, StreamFormat, TrackKind};

/// Pictures that wait to be put into output order; H.264 never needs more (A.3.1, `max_dec_frame_buffering`).
const MAX_REORDER_DEPTH: usize = 16;

/// Why there is no picture.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecodeError {
    /// Nothing here decodes it.
    #[error("`{0}` cannot be decoded: only H.264 can (progressive, 4:2:0, 8 bit)")]
    UnsupportedCodec(String),
    /// The stream's bytes.
    #[error(transparent)]
    Stream(#[from] H264Error),
    /// The decoder refused it.
    #[error("the decoder refused an access unit: {0}")]
    Refused(String),
}

/// Turns access units into pictures.
pub trait Decoder: Send + std::fmt::Debug {
    /// Takes the next access unit in decoding order; gives pictures in output order.
    ///
    /// # Errors
    /// When this unit gives no picture because something is wrong; the decoder has then already arranged to
    /// start again at the next IDR.
    fn decode(&mut self, unit: &AccessUnit) -> Result<Vec<Picture>, DecodeError>;

    /// A unit that nothing refers to is left out: pictures that wait for their turn do not wait for this one.
    fn left_out(&mut self, _time: MediaTime) -> Vec<Picture> {
        Vec::new()
    }

    /// No more units come for now: gives the pictures that still waited for their turn.
    fn flush(&mut self) -> Vec<Picture>;
}

/// H.264 in memory-safe Rust.
#[derive(Default)]
pub struct H264Decoder {
    stream: Option<Stream>,
    order: OutputOrder,
    annex_b: Vec<u8>,
    sequence: u64,
}

struct Stream {
    format: Arc<StreamFormat>,
    sets: ParameterSets,
    /// None while waiting for an IDR.
    decoder: Option<rusty_h264_decoder::Decoder>,
}

impl std::fmt::Debug for H264Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("H264Decoder")
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

impl H264Decoder {
    /// With no stream yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Prepares for the unit's format and decides whether it can be decoded at all.
    fn ready(&mut self, unit: &AccessUnit) -> Result<bool, DecodeError> {
        if unit.kind() != TrackKind::Video || !unit.format.codec.starts_with("avc1") {
            return Err(DecodeError::UnsupportedCodec(unit.format.codec.clone()));
        }
        let same = self.stream.as_ref().is_some_and(|stream| {
            Arc::ptr_eq(&stream.format, &unit.format) || *stream.format == *unit.format
        });
        if !same {
            let sets = ParameterSets::from_avcc(&unit.format.decoder_config)?;
            self.order.set_depth(sets.reorder_depth);
            self.stream = Some(Stream {
                format: Arc::clone(&unit.format),
                sets,
                decoder: None,
            });
        }
        let Some(stream) = &mut self.stream else {
            return Ok(false);
        };
        if unit.discontinuity {
            stream.decoder = None;
            self.order.newest_out = MediaTime::MIN;
        }
        if unit.random_access && stream.decoder.is_none() {
            stream.decoder = Some(rusty_h264_decoder::Decoder::new());
        }
        Ok(stream.decoder.is_some())
    }

    fn decode_one(&mut self, unit: &AccessUnit) -> Result<Option<Picture>, DecodeError> {
        let Some(stream) = &mut self.stream else {
            return Ok(None);
        };
        let Some(decoder) = &mut stream.decoder else {
            return Ok(None);
        };
        self.annex_b.clear();
        if unit.random_access {
            self.annex_b.extend_from_slice(&stream.sets.annex_b);
        }
        h264::append_pictures(&mut self.annex_b, &unit.data)?;
        let annex_b = &self.annex_b;
        // The decoder promises not to panic; a broken promise must not take the camera's graph down.
        let decoded = std::panic::catch_unwind(AssertUnwindSafe(|| decoder.decode(annex_b)))
            .map_err(|_| DecodeError::Refused("it panicked".into()))?
            .map_err(|error| DecodeError::Refused(error.to_string()))?;
        let Some(frame) = decoded else { return Ok(None) };
        self.sequence += 1;
        let side = |length| u32::try_from(length).unwrap_or(0);
        let size = Size {
            width: side(frame.width),
            height: side(frame.height),
        };
        let planes = [frame.y, frame.u, frame.v];
        Picture::from_planes(self.sequence, unit.time, size, planes, stream.sets.colour)
            .map(Some)
            .ok_or_else(|| DecodeError::Refused("its planes do not fit the picture's size".into()))
    }
}

impl Decoder for H264Decoder {
    fn decode(&mut self, unit: &AccessUnit) -> Result<Vec<Picture>, DecodeError> {
        let mut out = Vec::new();
        if unit.random_access {
            self.order.flush(&mut out);
        }
        if !self.ready(unit)? {
            return Ok(out);
        }
        match self.decode_one(unit) {
            Ok(Some(picture)) => self.order.push(Waiting::of(picture), &mut out),
            Ok(None) => {}
            Err(error) => {
                if let Some(stream) = &mut self.stream {
                    stream.decoder = None;
                }
                return Err(error);
            }
        }
        Ok(out)
    }

    fn left_out(&mut self, time: MediaTime) -> Vec<Picture> {
        let mut out = Vec::new();
        // Its place is kept, or the others would wait for as many pictures more.
        self.order.push(Waiting { time, picture: None }, &mut out);
        out
    }

    fn flush(&mut self) -> Vec<Picture> {
        let mut out = Vec::new();
        self.order.flush(&mut out);
        out
    }
}

/// A picture that waits for its turn, or the place of one that was left out.
#[derive(Debug)]
struct Waiting {
    time: MediaTime,
    picture: Option<Picture>,
}

impl Waiting {
    fn of(picture: Picture) -> Self {
        Self {
            time: picture.time(),
            picture: Some(picture),
        }
    }
}

/// Puts pictures, which come in decoding order, into output order.
#[derive(Debug, Default)]
struct OutputOrder {
    depth: usize,
    waiting: Vec<Waiting>,
    newest_out: MediaTime,
}

impl OutputOrder {
    fn set_depth(&mut self, depth: Option<usize>) {
        self.depth = depth.unwrap_or(0).min(MAX_REORDER_DEPTH);
    }

    fn push(&mut self, next: Waiting, out: &mut Vec<Picture>) {
        if next.time <= self.newest_out && self.newest_out != MediaTime::MIN && self.depth < MAX_REORDER_DEPTH
        {
            // The stream does not say that it reorders, but it does: learn it. This one picture is late and lost.
            self.depth += 1;
            return;
        }
        let at = self.waiting.partition_point(|other| other.time <= next.time);
        self.waiting.insert(at, next);
        while self.waiting.len() > self.depth {
            self.release(out);
        }
    }

    fn flush(&mut self, out: &mut Vec<Picture>) {
        while !self.waiting.is_empty() {
            self.release(out);
        }
    }

    fn release(&mut self, out: &mut Vec<Picture>) {
        let next = self.waiting.remove(0);
        self.newest_out = next.time;
        out.extend(next.picture);
    }
}
