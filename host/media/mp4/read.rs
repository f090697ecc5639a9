//! Reading MP4 back, sample by sample.
//!
//! Files may be torn by a crash or made by an enemy: each box and each sample must lie within its parent and
//! within the range that is read, and each list is bounded by the bytes that it stands in or by a constant.

use std::io::{Read, Seek};
use std::ops::Range;

use mp4_atom::{Atom, Moof, Traf, Trun};

use super::boxes::{self, FileBox};
use super::{FLAG_NON_SYNC, Mp4Error};
use crate::media::TrackKind;

/// The largest `moof` that is read, in bytes: 4096 samples need 64 KiB.
const MAX_MOOF: u64 = 8 << 20;
/// The largest `moov` that is read, in bytes: a day of video and sound at 50 samples a second needs 70 MiB.
const MAX_MOOV: u64 = 256 << 20;
/// The most samples of one track or fragment.
pub(super) const MAX_SAMPLES: u64 = 1 << 24;

/// One track of a `moov`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// `track_ID`.
    pub id: u32,
    /// What it carries.
    pub kind: TrackKind,
    /// Ticks per second.
    pub timescale: u32,
    /// The first sample entry: a whole box.
    pub sample_entry: Vec<u8>,
    pub(super) defaults: Defaults,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Defaults {
    pub(super) duration: u32,
    pub(super) size: u32,
    pub(super) flags: u32,
}

/// One sample, where it is and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// `track_ID`.
    pub track: u32,
    /// Decode time in ticks of the track.
    pub decode: u64,
    /// Presentation minus decode time.
    pub composition_offset: i64,
    /// Ticks until the next one.
    pub duration: u32,
    /// Bytes.
    pub size: u32,
    /// Decoding can start here.
    pub sync: bool,
    /// Of its first byte in the file.
    pub offset: u64,
}

/// A `moof` with its `mdat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Where both stand in the file.
    pub range: Range<u64>,
    /// Their samples, track by track.
    pub samples: Vec<Sample>,
}

/// What an MP4 file, or an init segment, declares.
#[derive(Clone, Debug, Default)]
pub struct Movie {
    /// Its tracks.
    pub tracks: Vec<Track>,
    /// Samples listed in `moov`, track by track: empty in an init segment.
    pub samples: Vec<Sample>,
}

/// Reads the first `moov` within the first `length` bytes.
///
/// # Errors
/// When there is none, or it is broken, or a sample that it lists lies outside of the file.
pub fn movie<R: Read + Seek>(input: &mut R, length: u64) -> Result<Movie, Mp4Error> {
    let mut offset = 0;
    while let Some(found) = boxes::at(input, offset, length)? {
        offset = found.end;
        if &found.kind == b"moov" {
            let bytes = body(input, &found, MAX_MOOV)?;
            let movie =
                super::movie::movie(&bytes, length).map_err(|what| Mp4Error::broken(found.offset, what))?;
            return Ok(movie);
        }
    }
    Err(Mp4Error::broken(0, "there is no `moov` box in the file"))
}

fn body<R: Read + Seek>(input: &mut R, found: &FileBox, limit: u64) -> Result<Vec<u8>, Mp4Error> {
    let size = found.end - found.body;
    match usize::try_from(size) {
        Ok(fits) if size <= limit => boxes::read_at(input, found.body, fits),
        _ => Err(Mp4Error::broken(
            found.offset,
            format!("{size} bytes are too many"),
        )),
    }
}

/// Yields the fragments of a byte range, and fuses at the first error.
#[derive(Debug)]
pub struct Fragments<'a, R> {
    input: R,
    tracks: &'a [Track],
    next: u64,
    end: u64,
    failed: bool,
}

impl<'a, R: Read + Seek> Fragments<'a, R> {
    /// Of the bytes `range` of `input`, whose tracks an init segment has declared.
    pub fn new(input: R, tracks: &'a [Track], range: Range<u64>) -> Self {
        Self {
            input,
            tracks,
            next: range.start,
            end: range.end,
            failed: false,
        }
    }

    /// Where the next fragment would begin: everything before it is sound.
    pub fn position(&self) -> u64 {
        self.next
    }

    fn read_next(&mut self) -> Result<Option<Fragment>, Mp4Error> {
        let mut start = self.next;
        while let Some(found) = boxes::at(&mut self.input, start, self.end)? {
            if &found.kind == b"moof" {
                let mdat = boxes::at(&mut self.input, found.end, self.end)?
                    .ok_or(Mp4Error::Torn { offset: found.offset })?;
                if &mdat.kind != b"mdat" {
                    return Err(Mp4Error::broken(found.offset, "no `mdat` follows this `moof`"));
                }
                let samples = self.samples(&found, &mdat)?;
                self.next = mdat.end;
                return Ok(Some(Fragment {
                    range: found.offset..mdat.end,
                    samples,
                }));
            }
            start = found.end;
        }
        self.next = start;
        Ok(None)
    }

    fn samples(&mut self, moof: &FileBox, mdat: &FileBox) -> Result<Vec<Sample>, Mp4Error> {
        let bytes = body(&mut self.input, moof, MAX_MOOF)?;
        let decoded = Moof::decode_body(&mut bytes.as_slice())
            .map_err(|error| Mp4Error::broken(moof.offset, error.to_string()))?;
        let mut samples = Vec::new();
        for traf in &decoded.traf {
            track_run(self.tracks, moof, mdat, traf, &mut samples)
                .map_err(|what| Mp4Error::broken(moof.offset, what))?;
        }
        if samples.is_empty() {
            return Err(Mp4Error::broken(moof.offset, "the fragment has no samples"));
        }
        Ok(samples)
    }
}

impl<R: Read + Seek> Iterator for Fragments<'_, R> {
    type Item = Result<Fragment, Mp4Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let fragment = self.read_next();
        self.failed = fragment.is_err();
        fragment.transpose()
    }
}

fn track_run(
    tracks: &[Track],
    moof: &FileBox,
    mdat: &FileBox,
    traf: &Traf,
    out: &mut Vec<Sample>,
) -> Result<(), String> {
    let head = &traf.tfhd;
    let id = head.track_id;
    let track = tracks
        .iter()
        .find(|track| track.id == id)
        .ok_or_else(|| format!("track {id} is not declared"))?;
    let defaults = Defaults {
        duration: head.default_sample_duration.unwrap_or(track.defaults.duration),
        size: head.default_sample_size.unwrap_or(track.defaults.size),
        flags: head.default_sample_flags.unwrap_or(track.defaults.flags),
    };
    let base = head.base_data_offset.unwrap_or(moof.offset);
    let mut cursor = Cursor {
        decode: traf.tfdt.as_ref().map_or(0, |tfdt| tfdt.base_media_decode_time),
        offset: mdat.body,
        track: id,
        bounds: mdat.body..mdat.end,
    };
    for run in &traf.trun {
        if let Some(offset) = run.data_offset {
            cursor.offset = base
                .checked_add_signed(i64::from(offset))
                .ok_or("the data offset lies before the file")?;
        }
        cursor.run(run, defaults, out)?;
    }
    Ok(())
}

struct Cursor {
    decode: u64,
    offset: u64,
    track: u32,
    bounds: Range<u64>,
}

impl Cursor {
    fn run(&mut self, run: &Trun, defaults: Defaults, out: &mut Vec<Sample>) -> Result<(), String> {
        if out.len().saturating_add(run.samples.len()) as u64 > MAX_SAMPLES {
            return Err(format!("more than {MAX_SAMPLES} samples"));
        }
        for entry in &run.samples {
            let sample = Sample {
                track: self.track,
                decode: self.decode,
                composition_offset: entry.cts.unwrap_or(0),
                duration: entry.duration.unwrap_or(defaults.duration),
                size: entry.size.unwrap_or(defaults.size),
                sync: entry.flags.unwrap_or(defaults.flags) & FLAG_NON_SYNC == 0,
                offset: self.offset,
            };
            self.offset = self
                .offset
                .checked_add(u64::from(sample.size))
                .filter(|&end| sample.offset >= self.bounds.start && end <= self.bounds.end)
                .ok_or_else(|| format!("sample {} lies outside of its `mdat`", out.len()))?;
            self.decode = self
                .decode
                .checked_add(u64::from(sample.duration))
                .ok_or("decode times overflow")?;
            out.push(sample);
        }
        Ok(())
    }
}

impl Track {
    /// The codec string of RFC 6381, as far as the sample entry tells.
    #[must_use]
    pub fn codec(&self) -> Option<String> {
        super::movie::codec(&self.sample_entry)
    }

    /// Width and height in pixels of a video track.
    #[must_use]
    pub fn size(&self) -> Option<(u16, u16)> {
        // VisualSampleEntry (ISO/IEC 14496-12, 12.1.3.2): two 16-bit numbers at byte 32 of the box.
        let bytes: [u8; 4] = self.sample_entry.get(32..36)?.try_into().ok()?;
        let [a, b, c, d] = bytes;
        (self.kind == TrackKind::Video).then(|| (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
    }
}
