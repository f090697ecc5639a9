//! Whether the bytes of a sample can be what a camera sent.
//!
//! What a power cut leaves of a file that was not synced has its length, and zeros or something older where pages did not reach
//! the disk. In H.264 and H.265 zeros are found: the lengths of NAL units do not fit any more, or there are zeros in a row from
//! where a block of the disk begins to where one ends. Cameras that pad their NAL units with zeros begin to pad anywhere, so
//! theirs are told apart. Other garbage inside a NAL unit cannot be seen, and nothing of this holds for sound, in which
//! anything can be meant.

use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::ops::Range;

use crate::media::mp4::read::{Sample, Track};

/// So few zeros in a row are nothing to look at.
const MAX_ZEROS: u64 = 64;
/// Pages that are missing begin and end at multiples of this: the smallest block of any disk, in bytes.
const BLOCK: u64 = 512;
/// Emulation prevention keeps three zero bytes in a row out of a NAL unit (ISO/IEC 14496-10, 7.4.1): so many may stand before
/// a page that is missing.
const MAX_OWN_ZEROS: u64 = 2;

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
    #[error("there are zeros where a block of the disk is missing")]
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
/// When they fill a block of the disk, or what the sample has of it; or the disk refuses.
pub(in crate::recording) fn find_zeros<R: BufRead + Seek>(
    input: &mut R,
    sample: &Sample,
) -> Result<(), ContentError> {
    input.seek(SeekFrom::Start(sample.offset))?;
    let (mut left, mut at) = (u64::from(sample.size), sample.offset);
    let mut run = sample.offset..sample.offset;
    while left > 0 {
        let buffer = input.fill_buf()?;
        let buffer = buffer
            .get(..usize::try_from(left).unwrap_or(usize::MAX))
            .unwrap_or(buffer);
        if buffer.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        for byte in buffer {
            at = at.saturating_add(1);
            if *byte != 0 {
                run = at..at;
                continue;
            }
            run.end = at;
            if is_missing(&run, false) {
                return Err(ContentError::Zeros);
            }
        }
        let taken = buffer.len();
        left = left.saturating_sub(taken as u64);
        input.consume(taken);
    }
    if is_missing(&run, true) {
        return Err(ContentError::Zeros);
    }
    Ok(())
}

/// Whether zeros in this range of a file stand for a block, all of it or the part that a sample that ends has of it.
fn is_missing(run: &Range<u64>, ends: bool) -> bool {
    let length = run.end.saturating_sub(run.start);
    let begins = run.start.saturating_add(MAX_OWN_ZEROS) % BLOCK <= MAX_OWN_ZEROS;
    length > MAX_ZEROS && begins && (ends || run.end.is_multiple_of(BLOCK))
}
