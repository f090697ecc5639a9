//! Where the fragments of a segment lie, as a compact column of its row.

use crate::media::TrackKind;

/// One `moof` with its `mdat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentEntry {
    /// Its track.
    pub kind: TrackKind,
    /// The first decode time, in ticks since the Unix epoch.
    pub start: u64,
    /// The sum of the samples' durations, in ticks.
    pub ticks: u64,
    /// Bytes.
    pub bytes: u64,
    /// How many samples.
    pub samples: u64,
    /// Whether its first sample can be decoded without another.
    pub sync: bool,
}

/// Bytes that a fragment takes, about.
const PACKED: usize = 12;
/// The most fragments that a row is believed to have.
const MAX_FRAGMENTS: usize = 1 << 20;
const AUDIO: u64 = 1;
const SYNC: u64 = 2;

/// Packs the fragments of a segment, in the order of the file; `origin` is the segment's first tick.
#[must_use]
pub fn pack(fragments: &[FragmentEntry], origin: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(fragments.len() * PACKED);
    for fragment in fragments {
        let audio = if fragment.kind == TrackKind::Audio {
            AUDIO
        } else {
            0
        };
        let sync = if fragment.sync { SYNC } else { 0 };
        put(&mut out, audio | sync);
        // Sound may begin a little before the first picture: a signed distance, folded (zigzag).
        let distance = fragment.start.wrapping_sub(origin) as i64;
        put(&mut out, ((distance << 1) ^ (distance >> 63)) as u64);
        put(&mut out, fragment.ticks);
        put(&mut out, fragment.bytes);
        put(&mut out, fragment.samples);
    }
    out
}

/// The reverse of [`pack`]; None when the column is damaged.
#[must_use]
pub fn unpack(mut column: &[u8], origin: u64) -> Option<Vec<FragmentEntry>> {
    let mut fragments = Vec::with_capacity((column.len() / PACKED + 1).min(MAX_FRAGMENTS));
    while !column.is_empty() {
        if fragments.len() >= MAX_FRAGMENTS {
            return None;
        }
        let flags = take(&mut column)?;
        let folded = take(&mut column)?;
        let distance = ((folded >> 1) as i64) ^ -((folded & 1) as i64);
        fragments.push(FragmentEntry {
            kind: if flags & AUDIO != 0 {
                TrackKind::Audio
            } else {
                TrackKind::Video
            },
            sync: flags & SYNC != 0,
            start: origin.wrapping_add(distance as u64),
            ticks: take(&mut column)?,
            bytes: take(&mut column)?,
            samples: take(&mut column)?,
        });
    }
    Some(fragments)
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow (LEB128).
fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take(column: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = column.split_first()?;
        *column = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_and_damage_is_noticed() {
        let entry = |kind, start, bytes, sync| FragmentEntry {
            kind,
            start,
            ticks: 180_000,
            bytes,
            samples: 60,
            sync,
        };
        let origin = 157_000_000_000_000;
        let fragments = [
            entry(TrackKind::Video, origin, 1_000_000, true),
            entry(TrackKind::Video, origin + 180_000, 1, false),
            entry(TrackKind::Audio, origin - 900, 3_000, true),
        ];
        let packed = pack(&fragments, origin);
        assert!(packed.len() < fragments.len() * 16, "{}", packed.len());
        assert_eq!(unpack(&packed, origin).unwrap(), fragments);
        assert_eq!(unpack(&packed[..packed.len() - 1], origin), None);
        assert_eq!(unpack(&[0x80; 11], origin), None);
    }
}
