//! What mediagraph itself must know of H.264: parameter sets and the two framings.
//!
//! Section numbers are those of ITU-T H.264 (08/2021) and ISO/IEC 14496-15.

use h264_reader::avcc::AvcDecoderConfigurationRecord;
use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::rbsp::{BitReader, decode_nal};

use super::image::Size;

/// The largest picture that is decoded: level 6.2 allows 139,264 macroblocks; 8K has 129,600.
pub const MAX_PICTURE_PIXELS: u64 = 8192 * 4320;

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// What is wrong with coded video.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum H264Error {
    /// `avcC` cannot be read.
    #[error("the decoder configuration (avcC) is broken: {0}")]
    Configuration(String),
    /// The SPS cannot be read.
    #[error("the sequence parameter set is broken: {0}")]
    Sps(String),
    /// More pixels than [`MAX_PICTURE_PIXELS`].
    #[error("the picture is {0}x{1}, more than the {MAX_PICTURE_PIXELS} pixels that are decoded")]
    TooLarge(u32, u32),
    /// A NAL unit's length points beyond the access unit.
    #[error("a NAL unit of {length} bytes does not fit the {left} bytes that are left of its access unit")]
    Framing {
        /// What the length field says.
        length: usize,
        /// What is there.
        left: usize,
    },
}

/// The colour matrix of a stream (H.264, table E-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// ITU-R BT.601.
    Bt601,
    /// ITU-R BT.709.
    Bt709,
}

/// How samples become colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// The matrix.
    pub matrix: Matrix,
    /// Samples run from 0 to 255 instead of 16 to 235.
    pub full_range: bool,
}

impl Colour {
    /// What an unmarked picture of this height is taken for: BT.601 below 720 lines, limited range.
    #[must_use]
    pub fn assumed(height: u32) -> Self {
        Self {
            matrix: if height < 720 {
                Matrix::Bt601
            } else {
                Matrix::Bt709
            },
            full_range: false,
        }
    }
}

/// The parameter sets of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterSets {
    /// All SPS and PPS NAL units behind start codes.
    pub annex_b: Vec<u8>,
    /// The cropped picture.
    pub size: Size,
    /// How many pictures may precede one in decoding order and follow it in output order
    /// (`max_num_reorder_frames`, E.2.1); None if the stream does not say.
    pub reorder_depth: Option<usize>,
    /// How samples become colours.
    pub colour: Colour,
}

impl ParameterSets {
    /// Reads the payload of an `avcC` box (ISO/IEC 14496-15, 5.3.3.1).
    ///
    /// # Errors
    /// When it is broken, or the picture is larger than [`MAX_PICTURE_PIXELS`].
    pub fn from_avcc(avcc: &[u8]) -> Result<Self, H264Error> {
        let broken = |error: String| H264Error::Configuration(error);
        let record =
            AvcDecoderConfigurationRecord::try_from(avcc).map_err(|error| broken(format!("{error:?}")))?;
        let mut annex_b = Vec::with_capacity(avcc.len() + 16);
        let mut first_sps = None;
        for sps in record.sequence_parameter_sets() {
            let sps = sps.map_err(|error| broken(format!("{error:?}")))?;
            first_sps = first_sps.or(Some(sps));
            push_nal(&mut annex_b, sps);
        }
        for pps in record.picture_parameter_sets() {
            push_nal(&mut annex_b, pps.map_err(|error| broken(format!("{error:?}")))?);
        }
        let first_sps = first_sps.ok_or_else(|| broken("it holds no SPS".into()))?;
        Self::with_sps(annex_b, first_sps)
    }

    fn with_sps(annex_b: Vec<u8>, nal: &[u8]) -> Result<Self, H264Error> {
        let broken = |error: String| H264Error::Sps(error);
        let rbsp = decode_nal(nal).map_err(|error| broken(error.to_string()))?;
        let sps = SeqParameterSet::from_bits(BitReader::new(rbsp.as_ref()))
            .map_err(|error| broken(format!("{error:?}")))?;
        let (width, height) = sps
            .pixel_dimensions()
            .map_err(|error| broken(format!("{error:?}")))?;
        if u64::from(width) * u64::from(height) > MAX_PICTURE_PIXELS {
            return Err(H264Error::TooLarge(width, height));
        }
        let vui = sps.vui_parameters.as_ref();
        let reorder_depth = vui
            .and_then(|vui| vui.bitstream_restrictions.as_ref())
            .and_then(|limits| usize::try_from(limits.max_num_reorder_frames).ok());
        let mut colour = Colour::assumed(height);
        if let Some(signal) = vui.and_then(|vui| vui.video_signal_type.as_ref()) {
            colour.full_range = signal.video_full_range_flag;
            match signal
                .colour_description
                .as_ref()
                .map(|description| description.matrix_coefficients)
            {
                Some(1) => colour.matrix = Matrix::Bt709,
                Some(4..=6) => colour.matrix = Matrix::Bt601,
                _ => {}
            }
        }
        Ok(Self {
            annex_b,
            size: Size { width, height },
            reorder_depth,
            colour,
        })
    }
}

/// Appends an access unit in MP4 framing (4-byte lengths) as a byte stream with start codes (annex B).
///
/// # Errors
/// When a length points beyond the unit; `out` then holds what came before.
pub fn append_annex_b(out: &mut Vec<u8>, unit: &[u8]) -> Result<(), H264Error> {
    let mut rest = unit;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((nal, after)) = after.split_at_checked(length) else {
            return Err(H264Error::Framing {
                length,
                left: after.len(),
            });
        };
        push_nal(out, nal);
        rest = after;
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(H264Error::Framing {
            length: 4,
            left: rest.len(),
        })
    }
}

fn push_nal(out: &mut Vec<u8>, nal: &[u8]) {
    out.extend_from_slice(&START_CODE);
    out.extend_from_slice(nal);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_become_start_codes() {
        let mut out = Vec::new();
        append_annex_b(&mut out, &[0, 0, 0, 2, 9, 8, 0, 0, 0, 1, 7]).unwrap();
        assert_eq!(out, [0, 0, 0, 1, 9, 8, 0, 0, 0, 1, 7]);
    }

    #[test]
    fn a_length_beyond_the_unit_is_an_error() {
        let mut out = Vec::new();
        assert_eq!(
            append_annex_b(&mut out, &[0, 0, 0, 5, 1]),
            Err(H264Error::Framing { length: 5, left: 1 })
        );
        assert!(append_annex_b(&mut out, &[0, 0, 0]).is_err());
    }

    #[test]
    fn a_broken_configuration_is_an_error_not_a_panic() {
        for bytes in [
            &[][..],
            &[1],
            &[1, 0x42, 0, 0x1e, 0xff, 0xe1, 0, 200, 1],
            &[1, 66, 0, 30, 255, 224, 0],
        ] {
            assert!(ParameterSets::from_avcc(bytes).is_err(), "{bytes:?}");
        }
    }
}
