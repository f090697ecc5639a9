//! Boxes of our own: `uuid` (ISO/IEC 14496-12, 11.1). Players pass over those that they do not know.

use std::io::{Read, Seek};
use std::ops::Range;

use super::{Mp4Error, boxes};

/// Size, `uuid` and the 16 bytes that say whose box it is.
const HEADER: usize = 24;
/// Bytes of an id.
pub const ID: usize = 16;

/// A whole box.
///
/// # Errors
/// When the body is too large for the 32 bits of its size.
pub fn user_box(id: &[u8; ID], body: &[u8]) -> Result<Vec<u8>, Mp4Error> {
    let length = HEADER.saturating_add(body.len());
    let size = u32::try_from(length).map_err(|_| Mp4Error::Write(format!("{length} bytes are too many")))?;
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(b"uuid");
    out.extend_from_slice(id);
    out.extend_from_slice(body);
    Ok(out)
}

/// The body of the first box with this id that begins within a range of a file; its id must be followed by at most `limit`
/// bytes.
///
/// # Errors
/// When it is larger, a box is broken, or the file cannot be read.
pub fn find_user_box<R: Read + Seek>(
    input: &mut R,
    range: Range<u64>,
    id: &[u8; ID],
    limit: u64,
) -> Result<Option<Vec<u8>>, Mp4Error> {
    let mut offset = range.start;
    while let Some(found) = boxes::at(input, offset, range.end)? {
        offset = found.end;
        let Some(size) = found
            .end
            .saturating_sub(found.body)
            .checked_sub(ID as u64)
            .filter(|_| &found.kind == b"uuid")
        else {
            continue;
        };
        if boxes::read_at(input, found.body, ID)? != id {
            continue;
        }
        let fits = usize::try_from(size).ok().filter(|_| size <= limit);
        let fits =
            fits.ok_or_else(|| Mp4Error::broken(found.offset, format!("{size} bytes are too many")))?;
        return boxes::read_at(input, found.body.saturating_add(ID as u64), fits).map(Some);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const OURS: [u8; ID] = [7; ID];

    #[test]
    fn a_box_is_found_behind_others_and_among_those_of_others() {
        let mut file = user_box(&[8; ID], b"not ours").unwrap();
        file.extend([0, 0, 0, 8]);
        file.extend(b"free");
        let start = file.len() as u64;
        file.extend(user_box(&OURS, b"ours").unwrap());
        let length = file.len() as u64;
        let find = |range, limit| find_user_box(&mut Cursor::new(&file), range, &OURS, limit);
        assert_eq!(find(0..length, 4).unwrap().as_deref(), Some(&b"ours"[..]));
        assert!(find(0..length, 3).is_err(), "too large");
        assert_eq!(find(0..start, 4).unwrap(), None);
        assert!(find(0..length - 1, 4).is_err(), "torn");
    }
}
