//! Walking boxes: headers in a file, children in memory. Nothing here trusts a size.

use std::io::{Read, Seek, SeekFrom};

use super::Mp4Error;

/// A box in a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileBox {
    pub(super) kind: [u8; 4],
    /// Of its first byte.
    pub(super) offset: u64,
    /// Of its first byte behind the header.
    pub(super) body: u64,
    /// Of the first byte behind it.
    pub(super) end: u64,
}

/// The box at `offset`, which must end at or before `limit`; `None` at `limit`.
pub(super) fn at<R: Read + Seek>(
    input: &mut R,
    offset: u64,
    limit: u64,
) -> Result<Option<FileBox>, Mp4Error> {
    let room = limit.saturating_sub(offset);
    if room == 0 {
        return Ok(None);
    }
    if room < 8 {
        return Err(Mp4Error::Torn { offset });
    }
    let head: [u8; 8] = read_array(input, offset)?;
    let [a, b, c, d, kind @ ..] = head;
    let (header, size) = match u32::from_be_bytes([a, b, c, d]) {
        0 => (8, room),
        1 if room < 16 => return Err(Mp4Error::Torn { offset }),
        1 => (
            16,
            u64::from_be_bytes(read_array(input, offset.saturating_add(8))?),
        ),
        size => (8, u64::from(size)),
    };
    if size < header {
        return Err(Mp4Error::broken(offset, "its size is smaller than its header"));
    }
    if size > room {
        return Err(Mp4Error::Torn { offset });
    }
    Ok(Some(FileBox {
        kind,
        offset,
        body: offset + header,
        end: offset + size,
    }))
}

/// `size` bytes at `offset`; the caller has bounded `size`.
pub(super) fn read_at<R: Read + Seek>(input: &mut R, offset: u64, size: usize) -> Result<Vec<u8>, Mp4Error> {
    let mut bytes = vec![0; size];
    read_into(input, offset, &mut bytes)?;
    Ok(bytes)
}

fn read_array<R: Read + Seek, const N: usize>(input: &mut R, offset: u64) -> Result<[u8; N], Mp4Error> {
    let mut bytes = [0; N];
    read_into(input, offset, &mut bytes)?;
    Ok(bytes)
}

fn read_into<R: Read + Seek>(input: &mut R, offset: u64, bytes: &mut [u8]) -> Result<(), Mp4Error> {
    input
        .seek(SeekFrom::Start(offset))
        .and_then(|_| input.read_exact(bytes))
        .map_err(|source| match source.kind() {
            std::io::ErrorKind::UnexpectedEof => Mp4Error::Torn { offset },
            _ => Mp4Error::Io { offset, source },
        })
}

/// The boxes inside `bytes`, as kind and body.
pub(super) fn children(mut bytes: &[u8]) -> impl Iterator<Item = Result<([u8; 4], &[u8]), &'static str>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let parsed = child(bytes);
        match parsed {
            Ok((kind, body, rest)) => {
                bytes = rest;
                Some(Ok((kind, body)))
            }
            Err(error) => {
                bytes = &[];
                Some(Err(error))
            }
        }
    })
}

type Child<'a> = ([u8; 4], &'a [u8], &'a [u8]);

fn child(bytes: &[u8]) -> Result<Child<'_>, &'static str> {
    let (head, _) = bytes
        .split_first_chunk::<8>()
        .ok_or("it ends inside the header of a child box")?;
    let [a, b, c, d, kind @ ..] = *head;
    let size = usize::try_from(u32::from_be_bytes([a, b, c, d])).map_err(|_| "a child box is too large")?;
    let size = if size == 0 { bytes.len() } else { size };
    let whole = bytes.get(..size).ok_or("a child box reaches beyond its parent")?;
    let body = whole.get(8..).ok_or("a child box is smaller than its header")?;
    Ok((kind, body, bytes.get(size..).unwrap_or_default()))
}

/// The first child of a kind.
pub(super) fn find<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Result<Option<&'a [u8]>, &'static str> {
    for found in children(bytes) {
        let (found, body) = found?;
        if &found == kind {
            return Ok(Some(body));
        }
    }
    Ok(None)
}
