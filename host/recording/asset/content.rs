//! Whether the bytes of a sample can be what a camera sent.
//!
//! What a power cut leaves of a file that was not synced has its length, and zeros or something older where pages did not reach
//! the disk. In H.264 and H.265 zeros are found: the lengths of NAL units do not fit any more, or there are more zeros in a row
//! than a NAL unit can hold. Other garbage inside a NAL unit cannot be seen, and nothing of this holds for sound, in
//! which anything can be meant.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use crate::media::mp4::read::{Sample, Track};

/// Emulation prevention keeps three zero bytes in a row out of a NAL unit (ISO/IEC 14496-10, 7.4.1). Some cameras do not keep
/// to it in what they write for themselves, or pad; a page that is missing is larger.
const MAX_ZEROS: u64 = 64;

/// What is wrong with a sample.
#[derive(Debug, thiserror::Error)]
pub(in crate::recording) enum ContentError {
    /// The disk refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The lengths do not fill the sample exactly (ISO/IEC 14496-15, 4.3.2).
    #[error("the lengths of its NAL units do not fit into it")]
    Lengths,
    /// Pages are missing.
    #[error("there are more zeros in a row than a NAL unit can hold")]
    Zeros,
}

/// Whether the samples of a track are NAL units behind lengths.
pub(in crate::recording) fn is_nal_units(track: &Track) -> bool {
    matches!(
        track.sample_entry.get(4..8),
        Some(b"avc1" | b"avc3" | b"hvc1" | b"hev1")
    )
}

/// Walks the lengths of a sample's NAL units, which must fill it.
///
/// # Errors
/// When they do not, or the disk refuses.
pub(in crate::recording) fn walk_nal_units<R: Read + Seek>(
    input: &mut R,
    sample: &Sample,
) -> Result<(), ContentError> {
    let end = sample.offset.saturating_add(u64::from(sample.size));
    let mut at = sample.offset;
    while at < end {
        let mut length = [0; 4];
        input.seek(SeekFrom::Start(at))?;
        input.read_exact(&mut length)?;
        let length = u64::from(u32::from_be_bytes(length));
        at = at.saturating_add(4).saturating_add(length);
        if length == 0 || at > end {
            return Err(ContentError::Lengths);
        }
    }
    Ok(())
}

/// Looks for zeros where a page is missing.
///
/// # Errors
/// When there are more than a NAL unit can hold, or the disk refuses.
pub(in crate::recording) fn find_zeros<R: BufRead + Seek>(
    input: &mut R,
    sample: &Sample,
) -> Result<(), ContentError> {
    input.seek(SeekFrom::Start(sample.offset))?;
    let (mut left, mut zeros) = (u64::from(sample.size), 0);
    while left > 0 {
        let buffer = input.fill_buf()?;
        let buffer = buffer
            .get(..usize::try_from(left).unwrap_or(usize::MAX))
            .unwrap_or(buffer);
        if buffer.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        for byte in buffer {
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            if zeros > MAX_ZEROS {
                return Err(ContentError::Zeros);
            }
        }
        let taken = buffer.len();
        left = left.saturating_sub(taken as u64);
        input.consume(taken);
    }
    Ok(())
}
