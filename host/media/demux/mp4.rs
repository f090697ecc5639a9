//! ISO base media files (ISO/IEC 14496-12): finds `moov` and every `moof`, and hands them to the sample tables.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use mp4_atom::{Codec, Decode, Moof, Moov, Trak};

use super::mp4_samples::{fragment, table};
use super::{Index, IndexError, MAX_INDEX_BOX_BYTES, MAX_SAMPLES, Sample, Track, check, damaged, format};

/// Indexes the file from its start.
pub(super) fn index(mut file: &File) -> Result<Index, IndexError> {
    let file_bytes = file.metadata()?.len();
    let (moov, moofs) = top_level(&mut file, file_bytes)?;
    let moov =
        moov.ok_or_else(|| damaged("no `moov` box: neither MP4 nor Matroska, or its end is missing"))?;
    let mut samples = BTreeMap::new();
    let mut budget = MAX_SAMPLES;
    for trak in &moov.trak {
        samples.insert(trak.tkhd.track_id, table(&trak.mdia.minf.stbl, &mut budget)?);
    }
    for (offset, moof) in &moofs {
        fragment(*offset, moof, moov.mvex.as_ref(), &mut samples, &mut budget)?;
    }
    let mut found = Index {
        tracks: Vec::new(),
        skipped: Vec::new(),
    };
    for trak in &moov.trak {
        let samples = samples.remove(&trak.tkhd.track_id).unwrap_or_default();
        match track(trak, moov.mvhd.timescale, samples) {
            Ok(mut track) => {
                check(&mut track.samples, file_bytes)?;
                found.tracks.push(track);
            }
            Err(reason) => found.skipped.push(reason),
        }
    }
    Ok(found)
}

type Boxes = (Option<Moov>, Vec<(u64, Moof)>);

/// Walks the boxes of the file. A last box that is cut off ends the walk: recordings may lose their tail.
fn top_level(file: &mut &File, file_bytes: u64) -> Result<Boxes, IndexError> {
    let (mut moov, mut moofs) = (None, Vec::new());
    let mut at = 0_u64;
    while let Some((kind, size)) = header(file, at, file_bytes)? {
        match &kind {
            b"moov" => moov = Some(read_box::<Moov>(file, at, size, "moov")?),
            b"moof" => moofs.push((at, read_box::<Moof>(file, at, size, "moof")?)),
            _ => {}
        }
        at += size;
    }
    Ok((moov, moofs))
}

/// Type and whole size of the box at `at`; `None` at the end of the file or where a box is cut off.
fn header(file: &mut &File, at: u64, file_bytes: u64) -> Result<Option<([u8; 4], u64)>, IndexError> {
    let left = file_bytes.saturating_sub(at);
    if left < 8 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(at))?;
    let (mut short, mut kind) = ([0; 4], [0; 4]);
    file.read_exact(&mut short)?;
    file.read_exact(&mut kind)?;
    let size = match u32::from_be_bytes(short) {
        0 => left,
        1 if left >= 16 => {
            let mut long = [0; 8];
            file.read_exact(&mut long)?;
            u64::from_be_bytes(long)
        }
        size => u64::from(size),
    };
    if size < 8 {
        return Err(damaged(format!(
            "box at byte {at} has the impossible size {size}"
        )));
    }
    Ok((size <= left).then_some((kind, size)))
}

fn read_box<T: Decode>(file: &mut &File, at: u64, size: u64, name: &str) -> Result<T, IndexError> {
    if size > MAX_INDEX_BOX_BYTES {
        return Err(damaged(format!(
            "`{name}` has {size} bytes, more than {MAX_INDEX_BOX_BYTES}"
        )));
    }
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| damaged("box larger than memory"))?];
    file.read_exact(&mut bytes)?;
    T::decode(&mut bytes.as_slice()).map_err(|error| damaged(format!("`{name}` at byte {at}: {error}")))
}

/// A playable track, or why it is none.
fn track(trak: &Trak, movie_timescale: u32, mut samples: Vec<Sample>) -> Result<Track, String> {
    let id = trak.tkhd.track_id;
    let named = |reason: String| format!("track {id}: {reason}");
    let (format, length_size, channels) = match trak.mdia.minf.stbl.stsd.codecs.as_slice() {
        [Codec::Avc1(entry)] => {
            let (format, length_size) = format::h264(entry.clone()).map_err(named)?;
            (format, length_size, 0)
        }
        [Codec::Mp4a(entry)] => {
            let (format, channels) = format::aac(entry.clone()).map_err(named)?;
            (format, 4, channels)
        }
        [other] => return Err(named(codec_name(other))),
        several => return Err(named(format!("{} sample descriptions", several.len()))),
    };
    let timescale = trak.mdia.mdhd.timescale;
    if timescale == 0 || samples.is_empty() {
        return Err(named("no samples".to_owned()));
    }
    let shift = start_shift(trak, timescale, movie_timescale);
    for sample in &mut samples {
        sample.pts = sample.pts.saturating_add(shift);
        sample.dts = sample.dts.saturating_add(shift);
    }
    Ok(Track {
        format: Arc::new(format),
        timescale,
        channels,
        samples,
        length_size,
    })
}

fn codec_name(codec: &Codec) -> String {
    let whole = format!("{codec:?}");
    whole
        .split(['(', ' ', '{'])
        .next()
        .unwrap_or("unknown")
        .to_owned()
}

/// What the edit list adds to media time to get presentation time (ISO/IEC 14496-12, section 8.6.6): empty edits
/// at the head delay the track, the first real edit says where it starts. Later edits are not followed.
fn start_shift(trak: &Trak, timescale: u32, movie_timescale: u32) -> i64 {
    let Some(list) = trak.edts.as_ref().and_then(|edits| edits.elst.as_ref()) else {
        return 0;
    };
    let mut delay = 0_i128;
    for entry in &list.entries {
        if let Some(start) = entry.media_time {
            return i64::try_from(delay - i128::from(start)).unwrap_or(0);
        }
        let scaled = i128::from(entry.segment_duration) * i128::from(timescale);
        delay += scaled / i128::from(movie_timescale.max(1));
    }
    0
}
