//! Init segments, fragment headers and the `moov` of a finished file.
//!
//! Invariant: the sample entry that a stream's format carries goes into `stsd` byte for byte, so any codec that
//! has one can be recorded.

use mp4_atom::{
    BufMut, Dinf, Dref, Encode, FourCC, Ftyp, Hdlr, Mdhd, Mfhd, Moof, Mvhd, Smhd, Tfdt, Tfhd, Tkhd, Traf,
    Trex, Trun, TrunEntry, TrunSamples, Url, Vmhd,
};

use super::tables::TrackTables;
use super::{AUDIO_TRACK, Mp4Error, TIMESCALE, VIDEO_TRACK};
use crate::media::{StreamFormat, TrackKind};

const MDAT_HEADER: usize = 8;

/// One sample as a fragment header describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleHeader {
    /// Ticks until the next sample's decode time.
    pub duration: u32,
    /// Bytes.
    pub size: u32,
    /// ISO/IEC 14496-12, 8.8.3.1.
    pub flags: u32,
    /// Presentation minus decode time, in ticks.
    pub composition_offset: i32,
}

/// The `track_ID` that a kind of track has in everything we write.
#[must_use]
pub fn track_id(kind: TrackKind) -> u32 {
    match kind {
        TrackKind::Video => VIDEO_TRACK,
        TrackKind::Audio => AUDIO_TRACK,
    }
}

/// The CMAF header of one track: `ftyp` and `moov`.
///
/// # Errors
/// When the format's sample entry is not a box.
pub fn init_segment(format: &StreamFormat) -> Result<Vec<u8>, Mp4Error> {
    let mut out = Vec::with_capacity(1024);
    ftyp(b"iso6", &[b"iso6", b"cmfc"]).encode(&mut out)?;
    fragmented_moov(&[format], &mut out)?;
    Ok(out)
}

/// The `ftyp` of a whole file.
///
/// # Errors
/// Never in practice; encoding is fallible by type.
pub fn file_type() -> Result<Vec<u8>, Mp4Error> {
    let mut out = Vec::with_capacity(32);
    ftyp(b"isom", &[b"isom", b"iso6", b"mp41"]).encode(&mut out)?;
    Ok(out)
}

fn ftyp(major: &[u8; 4], compatible: &[&[u8; 4]]) -> Ftyp {
    Ftyp {
        major_brand: major.into(),
        minor_version: 0,
        compatible_brands: compatible.iter().map(|brand| FourCC::from(*brand)).collect(),
    }
}

/// A `moov` whose samples follow in fragments.
///
/// # Errors
/// When a format's sample entry is not a box.
pub fn fragmented_moov(formats: &[&StreamFormat], out: &mut Vec<u8>) -> Result<(), Mp4Error> {
    out.encode_atom(b"moov", |out| {
        movie_header(0).encode(out)?;
        for format in formats {
            track(format, &TrackTables::default(), out)?;
        }
        out.encode_atom(b"mvex", |out| {
            for format in formats {
                Trex {
                    track_id: track_id(format.kind),
                    default_sample_description_index: 1,
                    ..Trex::default()
                }
                .encode(out)?;
            }
            Ok(())
        })
    })?;
    formats.iter().try_for_each(|format| check_entry(format))
}

/// A complete `moov`: what makes a finished file an ordinary one.
///
/// # Errors
/// When a format's sample entry is not a box, or a table does not fit.
pub fn complete_moov(tracks: &[(&StreamFormat, &TrackTables)], out: &mut Vec<u8>) -> Result<(), Mp4Error> {
    complete_moov_with(tracks, &[], out)
}

/// As [`complete_moov`], with whole boxes behind the tracks.
///
/// # Errors
/// As [`complete_moov`].
pub fn complete_moov_with(
    tracks: &[(&StreamFormat, &TrackTables)],
    boxes: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Mp4Error> {
    let duration = tracks.iter().map(|(_, tables)| tables.end()).max().unwrap_or(0);
    out.encode_atom(b"moov", |out| {
        movie_header(duration).encode(out)?;
        for (format, tables) in tracks {
            track(format, tables, out)?;
        }
        out.append_slice(boxes);
        Ok(())
    })?;
    tracks.iter().try_for_each(|(format, _)| check_entry(format))
}

fn check_entry(format: &StreamFormat) -> Result<(), Mp4Error> {
    let entry = &format.sample_entry;
    let declared = entry.first_chunk::<4>().map(|size| u32::from_be_bytes(*size));
    if declared.is_some_and(|size| size >= 16 && usize::try_from(size) == Ok(entry.len())) {
        return Ok(());
    }
    Err(Mp4Error::Write(format!(
        "the sample entry of `{}` is not one whole box",
        format.codec
    )))
}

fn movie_header(duration: u64) -> Mvhd {
    Mvhd {
        timescale: TIMESCALE,
        duration,
        rate: 1.into(),
        volume: 1.into(),
        next_track_id: AUDIO_TRACK + 1,
        ..Mvhd::default()
    }
}

fn track(format: &StreamFormat, tables: &TrackTables, out: &mut Vec<u8>) -> mp4_atom::Result<()> {
    let video = format.kind == TrackKind::Video;
    out.encode_atom(b"trak", |out| {
        Tkhd {
            track_id: track_id(format.kind),
            enabled: true,
            in_movie: true,
            duration: tables.end(),
            volume: u8::from(!video).into(),
            width: pixels(format.width),
            height: pixels(format.height),
            ..Tkhd::default()
        }
        .encode(out)?;
        tables.edit_list(out)?;
        out.encode_atom(b"mdia", |out| {
            Mdhd {
                timescale: TIMESCALE,
                duration: tables.duration(),
                language: "und".into(),
                ..Mdhd::default()
            }
            .encode(out)?;
            Hdlr {
                handler: if video { b"vide".into() } else { b"soun".into() },
                name: if video { "Video" } else { "Audio" }.into(),
            }
            .encode(out)?;
            out.encode_atom(b"minf", |out| media_information(format, tables, out))
        })
    })
}

fn pixels(count: u32) -> mp4_atom::FixedPoint<u16> {
    u16::try_from(count).unwrap_or(u16::MAX).into()
}

fn media_information(format: &StreamFormat, tables: &TrackTables, out: &mut Vec<u8>) -> mp4_atom::Result<()> {
    match format.kind {
        TrackKind::Video => Vmhd::default().encode(out)?,
        TrackKind::Audio => Smhd::default().encode(out)?,
    }
    Dinf {
        dref: Dref {
            entries: vec![mp4_atom::DrefEntry::Url(Url::default())],
        },
    }
    .encode(out)?;
    out.encode_atom(b"stbl", |out| {
        out.encode_atom(b"stsd", |out| {
            0_u32.encode(out)?; // version and flags
            1_u32.encode(out)?;
            out.append_slice(&format.sample_entry);
            Ok(())
        })?;
        tables.encode(format.kind, out)
    })
}

/// `moof` and the header of the `mdat` behind it; the samples' bytes follow in the same order.
///
/// # Errors
/// When the samples do not fit into one `mdat` of 32-bit size.
pub fn fragment_header(
    kind: TrackKind,
    sequence: u32,
    base_decode_time: u64,
    samples: &[SampleHeader],
) -> Result<Vec<u8>, Mp4Error> {
    let payload: u64 = samples.iter().map(|sample| u64::from(sample.size)).sum();
    let mdat = u32::try_from(payload.saturating_add(MDAT_HEADER as u64))
        .map_err(|_| Mp4Error::Write("the fragment is larger than 4 GiB".into()))?;
    let mut moof = moof(kind, sequence, base_decode_time, samples);
    let mut out = Vec::with_capacity(128 + samples.len() * 16);
    moof.encode(&mut out)?;
    // `data_offset` counts from the moof's first byte, so the moof must be known in size before it is written.
    let offset = i32::try_from(out.len() + MDAT_HEADER)
        .map_err(|_| Mp4Error::Write("the fragment has too many samples".into()))?;
    for run in moof.traf.iter_mut().flat_map(|traf| traf.trun.iter_mut()) {
        run.data_offset = Some(offset);
    }
    out.clear();
    moof.encode(&mut out)?;
    out.extend_from_slice(&mdat.to_be_bytes());
    out.extend_from_slice(b"mdat");
    Ok(out)
}

fn moof(kind: TrackKind, sequence: u32, base_decode_time: u64, samples: &[SampleHeader]) -> Moof {
    let reordered = samples.iter().any(|sample| sample.composition_offset != 0);
    let entries = samples.iter().map(|sample| TrunEntry {
        duration: Some(sample.duration),
        size: Some(sample.size),
        flags: Some(sample.flags),
        cts: reordered.then_some(i64::from(sample.composition_offset)),
    });
    Moof {
        mfhd: Mfhd {
            sequence_number: sequence,
        },
        traf: vec![Traf {
            tfhd: Tfhd {
                track_id: track_id(kind),
                default_base_is_moof: true,
                ..Tfhd::default()
            },
            tfdt: Some(Tfdt {
                base_media_decode_time: base_decode_time,
            }),
            trun: vec![Trun {
                data_offset: Some(0),
                samples: TrunSamples::Explicit(entries.collect()),
            }],
            ..Traf::default()
        }],
    }
}

/// The 16-byte placeholder that [`covering_mdat`] replaces when the file is finished.
#[must_use]
pub fn placeholder() -> [u8; 16] {
    let mut out = [0; 16];
    if let Some(head) = out.first_chunk_mut::<8>() {
        *head = *b"\0\0\0\x10free";
    }
    out
}

/// The header of an `mdat` of `size` bytes, its own 16 bytes included.
#[must_use]
pub fn covering_mdat(size: u64) -> [u8; 16] {
    let mut out = [0; 16];
    let (head, tail) = out.split_at_mut(8);
    head.copy_from_slice(b"\0\0\0\x01mdat");
    tail.copy_from_slice(&size.to_be_bytes());
    out
}
