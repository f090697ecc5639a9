//! NAL units in MP4 framing (ISO/IEC 14496-15, section 4.3): each behind its length.

use bytes::{BufMut, Bytes, BytesMut};

/// `nal_unit_type` of a coded slice of an IDR picture (ITU-T H.264, table 7-1).
pub const IDR: u8 = 5;
/// `nal_unit_type` of supplemental enhancement information.
pub const SEI: u8 = 6;
/// `nal_unit_type` of a sequence parameter set.
pub const SPS: u8 = 7;
/// `nal_unit_type` of a picture parameter set.
pub const PPS: u8 = 8;

/// The `nal_unit_type` of a NAL unit; zero (unspecified) for an empty one.
#[must_use]
pub fn kind(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |header| header & 0x1f)
}

/// `nal_unit_type` of an access unit delimiter.
pub const AUD: u8 = 9;

/// Whether a NAL unit carries the picture itself (types 1 to 5).
#[must_use]
pub fn is_vcl(unit: &[u8]) -> bool {
    (1..=5).contains(&kind(unit))
}

/// The non-empty NAL units of a sample with 4-byte lengths. Stops at a length that goes beyond the sample.
pub fn units(sample: &[u8]) -> impl Iterator<Item = &[u8]> {
    lengths(sample, 4).filter(|unit| !unit.is_empty())
}

fn lengths(mut rest: &[u8], length_size: u8) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, tail) = rest.split_at_checked(usize::from(length_size))?;
        let length = length
            .iter()
            .fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
        let (unit, tail) = tail.split_at_checked(length)?;
        rest = tail;
        Some(unit)
    })
}

/// Rewrites a sample with 1- to 3-byte lengths to 4-byte ones; `None` when the units do not fill the sample.
pub(super) fn widen_lengths(sample: &[u8], length_size: u8) -> Option<Bytes> {
    let mut wide = BytesMut::with_capacity(sample.len() + 64);
    let mut used = 0;
    for unit in lengths(sample, length_size) {
        wide.put_u32(u32::try_from(unit.len()).ok()?);
        wide.put_slice(unit);
        used += unit.len() + usize::from(length_size);
    }
    (used == sample.len()).then(|| wide.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lengths_become_four_bytes() {
        let wide = widen_lengths(&[0, 2, 0x65, 9, 0, 1, 0x06], 2).unwrap();
        assert_eq!(&wide[..], &[0, 0, 0, 2, 0x65, 9, 0, 0, 0, 1, 0x06]);
        assert_eq!(units(&wide).map(kind).collect::<Vec<_>>(), [IDR, SEI]);
        assert!(widen_lengths(&[0, 9, 1], 2).is_none());
    }

    #[test]
    fn a_length_beyond_the_sample_ends_the_walk() {
        assert_eq!(units(&[0, 0, 0, 1, 0x67, 0xff, 0xff, 0xff, 0xff, 1]).count(), 1);
        assert_eq!(units(&[0, 0]).count(), 0);
    }
}
