//! What mediagraph itself must know of H.264: parameter sets and the two framings.
//!
//! Section numbers are those of ITU-T H.264 (08/2021) and ISO/IEC 14496-15.

use h264_reader::avcc::AvcDecoderConfigurationRecord;
use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::rbsp::{BitReader, decode_nal};

use super::image::Size;

/// The largest picture that is decoded: level 6.2 allows 139,264 macroblocks; 8K has 129,600.
pub const MAX_PICTURE_PIXELS: u64 = 8192 * 4320;

/// The most pixels of pictures that a decoder must keep to refer to: what level 6.2 allows (table A-1, `MaxDpbMbs`).
/// They take one and a half bytes each.
pub const MAX_REFERENCE_PIXELS: u64 = 696_320 * 256;

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
    /// More pixels to refer to than [`MAX_REFERENCE_PIXELS`].
    #[error("{0} reference pictures of {1}x{2} are more than is kept for decoding")]
    TooManyReferences(u32, u32, u32),
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
        for nal in record.sequence_parameter_sets() {
            let nal = nal.map_err(|error| broken(format!("{error:?}")))?;
            // Each is checked: pictures choose between them.
            let sps = read_sps(nal)?;
            first_sps = first_sps.or(Some(sps));
            push_nal(&mut annex_b, nal);
        }
        for pps in record.picture_parameter_sets() {
            push_nal(&mut annex_b, pps.map_err(|error| broken(format!("{error:?}")))?);
        }
        let first_sps = first_sps.ok_or_else(|| broken("it holds no SPS".into()))?;
        Ok(Self::with_sps(annex_b, &first_sps))
    }

    fn with_sps(annex_b: Vec<u8>, (sps, Size { width, height }): &(SeqParameterSet, Size)) -> Self {
        let (width, height) = (*width, *height);
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
        Self {
            annex_b,
            size: Size { width, height },
            reorder_depth,
            colour,
        }
    }
}

/// Reads an SPS, and refuses pictures that would take too much memory.
fn read_sps(nal: &[u8]) -> Result<(SeqParameterSet, Size), H264Error> {
    let broken = |error: String| H264Error::Sps(error);
    let rbsp = decode_nal(nal).map_err(|error| broken(error.to_string()))?;
    let sps = SeqParameterSet::from_bits(BitReader::new(rbsp.as_ref()))
        .map_err(|error| broken(format!("{error:?}")))?;
    let (width, height) = sps
        .pixel_dimensions()
        .map_err(|error| broken(format!("{error:?}")))?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PICTURE_PIXELS {
        return Err(H264Error::TooLarge(width, height));
    }
    let references = sps.max_num_ref_frames;
    if pixels.saturating_mul(references.into()) > MAX_REFERENCE_PIXELS {
        return Err(H264Error::TooManyReferences(references, width, height));
    }
    Ok((sps, Size { width, height }))
}

/// Appends what an access unit in MP4 framing (4-byte lengths) says of pictures to a byte stream with start codes (annex B): all NAL
/// units but parameter sets. Those of the stream have been checked; others, however they are hidden, could tell a
/// decoder of pictures of any size. A start code within a NAL unit, which 7.4.1 forbids, begins another one here as it
/// would in a decoder.
///
/// # Errors
/// When a length points beyond the unit; `out` then holds what came before.
pub fn append_pictures(out: &mut Vec<u8>, unit: &[u8]) -> Result<(), H264Error> {
    for_each_nal(unit, |mut nal| {
        while let Some(at) = nal.windows(3).position(|bytes| bytes == [0, 0, 1]) {
            let (before, after) = nal.split_at(at);
            push_picture(out, before);
            nal = after.get(3..).unwrap_or_default();
        }
        push_picture(out, nal);
    })
}

/// What the NAL units of an access unit are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nature {
    /// It is an IDR picture: decoding can start here.
    pub idr: bool,
    /// Nothing refers to it: `nal_ref_idc` of its slices is 0 (ITU-T H.264, 7.4.1).
    pub disposable: bool,
}

/// Looks at the headers of an access unit in MP4 framing.
///
/// # Errors
/// When the lengths do not fit.
pub fn nature(unit: &[u8]) -> Result<Nature, H264Error> {
    let (mut idr, mut slices, mut referred) = (false, false, false);
    for_each_nal(unit, |nal| {
        let Some(header) = nal.first() else { return };
        // Table 7-1: 1 to 5 are slices, 5 those of an IDR picture.
        if (1..=5).contains(&(header & 0x1f)) {
            slices = true;
            idr |= header & 0x1f == 5;
            referred |= header & 0x60 != 0;
        }
    })?;
    Ok(Nature {
        idr,
        disposable: slices && !referred,
    })
}

fn push_picture(out: &mut Vec<u8>, nal: &[u8]) {
    // Table 7-1: sequence and picture parameter sets, the extension of the former, and its subset.
    let parameters = nal
        .first()
        .is_none_or(|header| matches!(header & 0x1f, 7 | 8 | 13 | 15));
    if !parameters {
        push_nal(out, nal);
    }
}

fn for_each_nal(unit: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), H264Error> {
    let mut rest = unit;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some((nal, after)) = after.split_at_checked(length) else {
            return Err(H264Error::Framing {
                length,
                left: after.len(),
            });
        };
        each(nal);
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
    fn the_headers_say_what_a_unit_is() {
        let nature = |header: u8| nature(&[0, 0, 0, 1, 9, 0, 0, 0, 2, header, 8]).unwrap();
        let is = |idr, disposable| Nature { idr, disposable };
        assert_eq!(nature(0x65), is(true, false));
        assert_eq!(nature(0x41), is(false, false));
        assert_eq!(nature(0x01), is(false, true));
        assert_eq!(nature(0x06), is(false, false));
    }

    #[test]
    fn lengths_become_start_codes() {
        let mut out = Vec::new();
        append_pictures(&mut out, &[0, 0, 0, 2, 9, 8, 0, 0, 0, 1, 6]).unwrap();
        assert_eq!(out, [0, 0, 0, 1, 9, 8, 0, 0, 0, 1, 6]);
    }

    #[test]
    fn a_length_beyond_the_unit_is_an_error() {
        let mut out = Vec::new();
        assert_eq!(
            append_pictures(&mut out, &[0, 0, 0, 5, 1]),
            Err(H264Error::Framing { length: 5, left: 1 })
        );
        assert!(append_pictures(&mut out, &[0, 0, 0]).is_err());
    }

    #[test]
    fn parameter_sets_do_not_reach_the_decoder_however_they_are_hidden() {
        let mut out = Vec::new();
        let slice = [0x65, 1, 0, 0, 1, 0x67, 9, 9, 0, 0, 0, 1, 0x41, 2];
        let mut unit = vec![0, 0, 0, 2, 0x68, 9, 0, 0, 0, 14];
        unit.extend_from_slice(&slice);
        unit.extend_from_slice(&[0, 0, 0, 0]);
        append_pictures(&mut out, &unit).unwrap();
        assert_eq!(out, [0, 0, 0, 1, 0x65, 1, 0, 0, 0, 1, 0x41, 2]);
    }

    #[test]
    fn a_configuration_that_would_take_too_much_memory_is_refused() {
        // Writes an SPS of the baseline profile bit by bit (7.3.2.1.1).
        let sps = |references: u32, width: u32, height: u32| {
            let golomb = |value: u32| {
                let bits = format!("{:b}", value + 1);
                format!("{}{bits}", "0".repeat(bits.len() - 1))
            };
            let values = [0, 0, 2, references].map(golomb).concat();
            let size = [width / 16 - 1, height / 16 - 1].map(golomb).concat();
            let mut bits = format!("{values}0{size}11001");
            bits.extend(std::iter::repeat_n('0', (8 - bits.len() % 8) % 8));
            let bytes = bits.as_bytes().chunks(8);
            let payload =
                bytes.map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap());
            [0x67, 66, 0, 62].into_iter().chain(payload).collect::<Vec<u8>>()
        };
        let avcc = |sets: &[Vec<u8>]| {
            let mut out = vec![1, 66, 0, 62, 0xff, 0xe0 | sets.len() as u8];
            for set in sets {
                out.extend_from_slice(&(set.len() as u16).to_be_bytes());
                out.extend_from_slice(set);
            }
            out.extend_from_slice(&[1, 0, 4, 0x68, 0xce, 0x3c, 0x80]);
            out
        };
        let read = |sets: &[Vec<u8>]| ParameterSets::from_avcc(&avcc(sets)).map(|sets| sets.size);
        let small = Size {
            width: 640,
            height: 480,
        };
        assert_eq!(read(&[sps(16, 640, 480)]), Ok(small));
        assert!(read(&[sps(5, 8192, 4320)]).is_ok());
        assert_eq!(
            read(&[sps(6, 8192, 4320)]),
            Err(H264Error::TooManyReferences(6, 8192, 4320))
        );
        let second = read(&[sps(1, 640, 480), sps(1, 16_384, 4320)]);
        assert_eq!(second, Err(H264Error::TooLarge(16_384, 4320)));
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
